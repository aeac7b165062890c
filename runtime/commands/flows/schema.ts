// What POST /v1/flows may say: a graph by names, or a chain, group, chord or chunks of elements that may be
// such again.

import { z } from "zod";
import type { Fault } from "../../core/errors.ts";
import { chooseByKey, chosen, type FormFault } from "./tagged_union.ts";
import { pointer } from "../../core/json.ts";
import { optionsSchema, type SubmitOptions } from "../../core/submission.ts";

export const MOST_TASKS = 20_000;
export const DEEPEST_NESTING = 20;
const MOST_IN_A_CHUNK = 1_000;
const LONGEST_NAME = 100;

/** A task of a flow, as the graph by names has it. */
export interface FlowTask {
  task: string;
  input?: unknown;
  options?: SubmitOptions;
  /** Names or ids. */
  waitFor?: string[];
  allowFailure?: boolean;
}

export interface Signature extends FlowTask {
  /** The field of the input that gets what the former element hands on. */
  into?: string;
  /** It only waits for the former element. */
  immutable?: boolean;
  name?: string;
}

export interface Chunks {
  task: string;
  inputs: unknown[];
  size: number;
  options?: SubmitOptions;
}

export type Canvas =
  | { chain: Element[] }
  | { group: Element[] }
  | { chord: { header: Element[] | Element; body: Element } }
  | { chunks: Chunks };

export type Element = Signature | Canvas;

export type FlowSpec = (Canvas | { tasks: Record<string, FlowTask> }) & { options?: SubmitOptions };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** What is wrong with a name; null if nothing is. */
export function nameFault(name: string): string | null {
  if (name === "") return "a name must have at least one character";
  if (name.length > LONGEST_NAME) return `a name must have at most ${LONGEST_NAME} characters`;
  if (!/^\P{Cc}*$/u.test(name)) return "a name must not contain control characters";
  if (isUuid(name)) return "a name must not be a UUID: those are ids";
  // As a key of an answer it would be lost in many a reader.
  if (name === "__proto__") return "a name must not be __proto__";
  // As a key of what the whole hands on it would look like a reference.
  return name === "$task" || name === "$quote" ? `a name must not be ${name}` : null;
}

/** Defaults for the options of all its tasks. */
const options = optionsSchema.optional();
const input = z.unknown().optional()
  .describe(
    'References {"$task": …} in it may give the name of a task of the flow or the id of another task.',
  );
const waitFor = z.array(z.string()).max(MOST_TASKS).optional()
  .describe("Names of tasks of the flow, or ids: they must have completed before it starts.");
const taskName = z.string().min(1).max(200).describe("The name of a definition.");
const ownOptions = {
  options: optionsSchema.optional(),
  waitFor,
  allowFailure: z.boolean().optional(),
};

const flowTask = z.strictObject({ task: taskName, input, ...ownOptions }).meta({ id: "FlowTask" });

const signature = z.strictObject({
  task: taskName,
  input,
  into: z.string().refine((field) => field !== "$task" && field !== "$quote", {
    error: "must not be the key of a reference",
  }).optional().describe("The field of the input that gets what the former element hands on."),
  immutable: z.boolean().optional()
    .describe("It keeps its input, and only waits for the former element."),
  name: z.string().superRefine((name, context) => {
    const message = nameFault(name);
    if (message !== null) context.addIssue({ code: "custom", message });
  }).optional().meta({
    minLength: 1,
    maxLength: LONGEST_NAME,
    description: "Else it is named by its place.",
  }),
  ...ownOptions,
}).meta({ id: "FlowSignature" });

const element: z.ZodType<Element> = z.lazy(() => anyElement);
const elements = z.array(element);

const chain = elements.min(1, { error: "a chain needs at least one element" })
  .describe("One after the other: each gets what the former hands on.");
const group = elements.describe("Side by side; hands on the list of what its elements hand on.");
const chord = z.strictObject({
  header: chosen<Element[] | Element>(
    [elements, element],
    (value) => Array.isArray(value) ? elements : element,
  ),
  body: element.describe("Gets the list of what the header's elements hand on."),
});
const chunks = z.strictObject({
  task: taskName,
  inputs: z.array(z.unknown()),
  size: z.int().min(1).max(MOST_IN_A_CHUNK).describe("So many inputs for each task."),
  options: optionsSchema.optional(),
}).describe("The function is called once for each input; a task's result is the list of its results.");

const CANVAS = "{chain: […]}, {group: […]}, {chord: {header, body}} or {chunks: {task, inputs, size}}";

const nested: Record<string, z.ZodType<Element>> = {
  task: signature,
  chain: z.strictObject({ chain }).meta({ id: "FlowChain" }),
  group: z.strictObject({ group }).meta({ id: "FlowGroup" }),
  chord: z.strictObject({ chord }).meta({ id: "FlowChord" }),
  chunks: z.strictObject({ chunks }).meta({ id: "FlowChunks" }),
};

const anyElement: z.ZodType<Element> = chosen(
  Object.values(nested),
  chooseByKey(nested, `{task: "…"}, ${CANVAS}`),
).meta({ id: "FlowElement" });

const whole: Record<string, z.ZodType<FlowSpec>> = {
  tasks: z.strictObject({ tasks: z.record(z.string(), flowTask), options }),
  chain: z.strictObject({ chain, options }),
  group: z.strictObject({ group, options }),
  chord: z.strictObject({ chord, options }),
  chunks: z.strictObject({ chunks, options }),
};

const chooseWhole = chooseByKey(whole, `{tasks: {…}}, ${CANVAS}`);

export const flowSchema: z.ZodType<FlowSpec> = chosen(
  Object.values(whole),
  // Before anything descends into it.
  (value) => boundsFault(value) ?? chooseWhole(value),
).meta({
  id: "Flow",
  description:
    `A graph of up to ${MOST_TASKS} tasks, nested up to ${DEEPEST_NESTING} deep. Its options are defaults for all its tasks.`,
});

/** Whether it is too large, or nested too deep; also if it is no flow otherwise. */
export function boundsFault(flow: unknown): FormFault | null {
  const { tasks, ...canvas } = Object(flow);
  // zod would leave it out without a word.
  if (Object.hasOwn(Object(tasks), "__proto__")) {
    return { path: ["tasks", "__proto__"], message: nameFault("__proto__")! };
  }
  const bounds: Bounds = { tasks: Object.keys(Object(tasks)).length, deepest: [] };
  measure(canvas, [], 0, bounds);
  if (bounds.deepest.length > 0) {
    const message = `chains, groups and chords must be nested at most ${DEEPEST_NESTING} deep`;
    return { path: bounds.deepest, message };
  }
  if (bounds.tasks <= MOST_TASKS) return null;
  return { path: [], message: `a flow must have at most ${MOST_TASKS} tasks; this one has ${bounds.tasks}` };
}

/** @see boundsFault */
export function boundsFaults(flow: FlowSpec): Fault[] {
  const fault = boundsFault(flow);
  return fault === null ? [] : [{ pointer: pointer(fault.path), message: fault.message }];
}

interface Bounds {
  tasks: number;
  /** The first place that is too deep. */
  deepest: (string | number)[];
}

function measure(element: unknown, path: (string | number)[], depth: number, bounds: Bounds): void {
  if (typeof element !== "object" || element === null) return;
  const { task, chain, group, chord, chunks } = element as Record<string, unknown>;
  if (task !== undefined) bounds.tasks++;
  if (chunks !== undefined) {
    const { inputs, size } = Object(chunks);
    if (Array.isArray(inputs) && size >= 1) bounds.tasks += Math.ceil(inputs.length / size);
  }
  const { header, body } = Object(chord);
  const parts: [unknown, (string | number)[]][] = [[chain, ["chain"]], [group, ["group"]]];
  parts.push([header, ["chord", "header"]], [body, ["chord", "body"]]);
  for (const [part, at] of parts) {
    if (part === undefined) continue;
    if (depth === DEEPEST_NESTING) {
      if (bounds.deepest.length === 0) bounds.deepest = path;
      return;
    }
    if (Array.isArray(part)) {
      part.forEach((each, i) => measure(each, [...path, ...at, i], depth + 1, bounds));
    } else measure(part, [...path, ...at], depth + 1, bounds);
  }
}
