// What a caller says of a schedule: one schema for HTTP, its documentation and the types of the runtime.

import { z } from "zod";
import { once } from "../core/once.ts";
import { strictObject } from "../core/strict_object.ts";
import {
  type Overlap,
  OVERLAPS,
  type ScheduleConfig,
  type ScheduleOptions,
} from "../core/schedule_config.ts";
import { inOptions, optionsSchema } from "../core/submission.ts";
import { type TimesShape, timesShape } from "./spec.ts";

const NOT_OF_A_SCHEDULE = {
  runAt: "delayMs delays each task",
  expiresAt: "ttlMs counts from each time",
  waitFor: "each time is a task of its own; overlap says what waits",
  allowFailure: "each time is a task of its own",
  unique: "each time is a task of its own; overlap says what becomes of it",
  debounce: "each time is a task of its own; overlap says what becomes of it",
  compensate: "each time is a task of its own, and in no group",
};

export const DEFAULT_CATCHUP_MS = 60 * 60 * 1000;
const SHORTEST_CATCHUP_MS = 10_000;
const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
export const LONGEST_NOTE = 500;

/** Of a path: POST /v1/schedules/preview is no schedule. */
const NO_NAME = "preview";
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
export const NAME_RULE =
  `must be 1 to 100 letters, digits or _ . -, begin with a letter or digit, and not be "${NO_NAME}"`;

export function isName(text: string): boolean {
  return NAME.test(text) && text !== NO_NAME;
}

/** The name of a schedule. */
export const scheduleName: () => z.ZodType<string, string> = once(() =>
  z.string().refine(isName, { error: NAME_RULE })
    .meta({ pattern: NAME.source, maxLength: 100 })
);

export const note: () => z.ZodString = once(() => z.string().max(LONGEST_NOTE));

const options = once((): z.ZodType<ScheduleOptions, ScheduleOptions> =>
  optionsSchema().superRefine((options, context) => {
    for (const [field, remedy] of Object.entries(NOT_OF_A_SCHEDULE)) {
      if ((options as Record<string, unknown>)[field] === undefined) continue;
      context.addIssue({ code: "custom", path: [field], message: `not with a schedule: ${remedy}` });
    }
  }).meta({ id: "ScheduleOptions" })
);

export type ConfigShape = TimesShape & {
  task: z.ZodString;
  input: z.ZodOptional<z.ZodUnknown>;
  options: z.ZodOptional<z.ZodType<ScheduleOptions, ScheduleOptions>>;
  windowMs: z.ZodOptional<z.ZodInt>;
  overlap: z.ZodOptional<z.ZodType<Overlap, Overlap>>;
  catchupMs: z.ZodOptional<z.ZodInt>;
  pauseOnFailure: z.ZodOptional<z.ZodBoolean>;
  remaining: z.ZodOptional<z.ZodInt>;
  paused: z.ZodOptional<z.ZodBoolean>;
  note: z.ZodOptional<z.ZodString>;
};

export const configShape: () => ConfigShape = once(() => ({
  task: z.string().min(1).max(200).describe("The name of a definition."),
  input: z.unknown().optional().describe(
    "Of every task; what the definition's schema takes. Left out means {}.",
  ),
  options: options().optional(),
  ...timesShape(),
  windowMs: z.int().min(0).max(DAY_MS).optional().describe(
    "Each time is moved later by less than this, always the same for a name and a time. Default 0.",
  ),
  overlap: z.enum(OVERLAPS).optional().describe(
    "What becomes of a time at which a task of it has not ended. Default skip.",
  ),
  catchupMs: z.int().min(SHORTEST_CATCHUP_MS).max(YEAR_MS).optional().describe(
    `For so long, times are made up that nobody could fire. Default ${DEFAULT_CATCHUP_MS}.`,
  ),
  pauseOnFailure: z.boolean().optional().describe("A task that ends FAILED or CRASHED pauses it."),
  remaining: z.int().min(0).max(1_000_000_000).optional().describe("It fires so many times more."),
  paused: z.boolean().optional().describe("Left out: a schedule that is there stays as it is."),
  note: note().optional().describe("For people: what it is for, or why it is paused."),
}));

export const configSchema: () => z.ZodType<ScheduleConfig, ScheduleConfig> = once(() =>
  strictObject(configShape(), {
    ...inOptions(),
    cron: 'in {"spec": [{"cron": …}]}',
    timezone: 'in {"spec": [{"cron": …, "timezone": …}]}',
    everyMs: 'in {"spec": [{"everyMs": …}]}',
    at: 'in {"spec": [{"at": …}]}',
    name: "in the path",
  }).meta({ id: "ScheduleConfig" })
);

/** Changes of a schedule. Null: back to what holds where nothing is said. */
export type SchedulePatch = { [Field in keyof ScheduleConfig]?: ScheduleConfig[Field] | null };

const patchShape = () =>
  Object.fromEntries(
    Object.entries(configShape()).map(([field, schema]) => {
      const isNeeded = field === "task" || field === "spec";
      const inner = schema instanceof z.ZodOptional ? schema.unwrap() as z.ZodType : schema;
      return [field, isNeeded ? inner.optional() : inner.nullable().optional()];
    }),
  );

export const patchSchema: () => z.ZodType<SchedulePatch, SchedulePatch> = once(() =>
  strictObject(patchShape(), inOptions())
    .meta({ id: "SchedulePatch" })
);
