// What a caller says of a schedule: one schema for HTTP, its documentation and the types of the runtime.

import { z } from "zod";
import { once } from "../core/once.ts";
import { strictObject } from "../core/strict_object.ts";
import { inOptions, optionsSchema, type SubmitOptions } from "../core/submission.ts";
import { type Times, timesShape } from "./spec.ts";

export const OVERLAPS = ["skip", "buffer-one", "buffer-all", "cancel-running", "allow-all"] as const;
/** What becomes of a time at which a task of the schedule has not ended. */
export type Overlap = typeof OVERLAPS[number];

/** Options that say the same of every task. An instant would be over after the first one. */
export type ScheduleOptions = Omit<SubmitOptions, "runAt" | "expiresAt" | "waitFor" | "allowFailure">;
const NOT_OF_A_SCHEDULE = {
  runAt: "delayMs delays each task",
  expiresAt: "ttlMs counts from each time",
  waitFor: "each time is a task of its own; overlap says what waits",
  allowFailure: "each time is a task of its own",
};

export interface ScheduleConfig extends Times {
  task: string;
  /** Of every task. Left out: {}. */
  input?: unknown;
  options?: ScheduleOptions;
  /**
   * Each time is moved later by less than this, by an amount that follows from the name and the time: so that
   * not all schedules of midnight start in one second. Default 0.
   */
  windowMs?: number;
  /** Default: skip. */
  overlap?: Overlap;
  /** Times that nobody could fire are made up for so long; older ones are left out. Default an hour. */
  catchupMs?: number;
  /** A task that ends FAILED or CRASHED pauses the schedule. Default false. */
  pauseOnFailure?: boolean;
  /** It fires so many times more, and then no more. */
  remaining?: number;
  /** Left out: a schedule that is there stays paused, or not. */
  paused?: boolean;
  note?: string;
}

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
export const scheduleName = once((): z.ZodType<string, string> =>
  z.string().refine(isName, { error: NAME_RULE })
    .meta({ pattern: NAME.source, maxLength: 100 })
);

export const note = once(() => z.string().max(LONGEST_NOTE));

const options = once((): z.ZodType<ScheduleOptions, ScheduleOptions> =>
  optionsSchema().superRefine((options, context) => {
    for (const [field, remedy] of Object.entries(NOT_OF_A_SCHEDULE)) {
      if ((options as Record<string, unknown>)[field] === undefined) continue;
      context.addIssue({ code: "custom", path: [field], message: `not with a schedule: ${remedy}` });
    }
  }).meta({ id: "ScheduleOptions" })
);

export const configShape = once(() => ({
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

export const configSchema = once((): z.ZodType<ScheduleConfig, ScheduleConfig> =>
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

export const patchSchema = once((): z.ZodType<SchedulePatch, SchedulePatch> =>
  strictObject(patchShape(), inOptions())
    .meta({ id: "SchedulePatch" })
);
