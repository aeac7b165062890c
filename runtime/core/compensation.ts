// What takes a completed task back when its group does not complete: one more task, which gets what the first
// one was given and what it returned.

import { z } from "zod";
import { NotJsonError, toJsonText, utf8Bytes } from "./json.ts";
import { findReferences } from "./references.ts";
import { type Elsewhere, strictObject } from "./strict_object.ts";

export interface Compensation<Options = object> {
  /** The name of a definition. */
  task: string;
  /** Its own input. Not without `into` or `immutable`. */
  input?: unknown;
  /** The field of its input that gets `{input, result}` of the task; without it they are its whole input. */
  into?: string;
  /** It gets its own input only. */
  immutable?: boolean;
  options?: Options;
}

/** What a compensation is told of the task that it takes back. */
export interface Compensated {
  input: unknown;
  result: unknown;
}

/** Options of a task that a compensation has not, and why. */
const NOT_OF_ONE: Elsewhere = {
  compensate: "on a task of the group: a compensation has none of its own",
  waitFor: "on a task of the group: compensations run one after the other",
  allowFailure: "on a task of the group: a compensation runs for a task that has completed",
  unique: "on another task: each compensation runs once",
  debounce: "on another task: each compensation runs once",
  cache: "on another task: each compensation runs once",
  runAt: "on another task: delayMs delays a compensation from when it is its turn",
  expiresAt: "on another task: ttlMs counts from when it is the turn of a compensation",
};

const LARGEST_BYTES = 8_192;

/**
 * @param options those of a task
 * @param elsewhere where fields belong that are options
 */
export function compensationSchema(
  options: z.core.$ZodLooseShape,
  elsewhere: Elsewhere,
  retryFields: Elsewhere,
): z.ZodType<Compensation, Compensation> {
  const own = Object.fromEntries(
    Object.entries(options).filter(([name]) => !Object.hasOwn(NOT_OF_ONE, name)),
  );
  return strictObject({
    task: z.string().min(1).max(200).describe("The name of a definition."),
    input: z.unknown().optional().describe("Its own input: with into or immutable. No references."),
    into: z.string().refine((field) => field !== "$task" && field !== "$quote", {
      error: "must not be the key of a reference",
    }).optional()
      .describe(
        "The field of its input that gets {input, result} of the task. Without it they are its input.",
      ),
    immutable: z.boolean().optional().describe("It gets its own input only."),
    options: strictObject(own as z.core.$ZodLooseShape, { ...NOT_OF_ONE, ...retryFields }).meta({
      id: "CompensationOptions",
    }).optional(),
  }, { ...elsewhere, ...NOT_OF_ONE }).superRefine((given, context) => {
    for (const { path, message } of faultsOf(given)) context.addIssue({ code: "custom", path, message });
  }).meta({
    id: "Compensation",
    description: "Submitted when the task has completed and its group has not: in a batch, a map or a flow.",
  }) as unknown as z.ZodType<Compensation, Compensation>;
}

function faultsOf(given: Compensation): { path: (string | number)[]; message: string }[] {
  const { input, into, immutable } = given;
  const faults: { path: (string | number)[]; message: string }[] = [];
  const tooLarge = faultOfSize(given);
  if (tooLarge !== null) return [{ path: [], message: tooLarge }];
  for (const { path } of findReferences(input, "").references) {
    const message = "must not refer to tasks: a compensation gets the input and the result of its task";
    faults.push({ path: ["input", ...path], message });
  }
  if (into !== undefined && immutable) {
    faults.push({ path: ["into"], message: 'not together with "immutable": then nothing is handed on' });
  } else if (into !== undefined) {
    if (input === undefined) return faults;
    const isFields = typeof input === "object" && input !== null && !Array.isArray(input) &&
      !Object.hasOwn(input, "$quote");
    if (!isFields) {
      const message = `must be an object of fields, as "into" adds the field "${into}"`;
      faults.push({ path: ["input"], message });
    } else if (Object.hasOwn(input, into)) {
      faults.push({ path: ["into"], message: `its input has a field "${into}" of its own already` });
    }
  } else if (input !== undefined && !immutable) {
    const message =
      "it has an input of its own, and gets {input, result} of its task: say which field that " +
      'goes "into", or with "immutable": true that it gets nothing';
    faults.push({ path: ["input"], message });
  }
  return faults;
}

/** A function that submits a child may hand over anything. */
function faultOfSize(given: Compensation): string | null {
  try {
    const bytes = utf8Bytes(toJsonText(given));
    return bytes <= LARGEST_BYTES
      ? null
      : `a compensation has at most ${LARGEST_BYTES} bytes of JSON (got ${bytes})`;
  } catch (error) {
    if (error instanceof NotJsonError) return error.message;
    throw error;
  }
}

/** Undefined for none. */
export function inputOfCompensation(
  { input, into, immutable }: Compensation,
  compensated: Compensated,
): unknown {
  if (immutable) return input;
  return into === undefined ? compensated : { ...input as object, [into]: compensated };
}

/** Pointers to what is not shown of the input of a compensation: what is not shown of its task's input. */
export function redactionOfCompensation(
  { into, immutable }: Compensation,
  redact: readonly string[],
  isChunk: boolean,
): string[] {
  if (immutable) return [];
  const at = into === undefined ? "/input" : `/${into.replaceAll("~", "~0").replaceAll("/", "~1")}/input`;
  return redact.map((pointer) => isChunk ? `${at}/*${pointer}` : at + pointer);
}
