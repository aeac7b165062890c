// The schema of a flow: tasks by names, or a chain, group, chord or chunks, whose elements may be such again.

import { z } from "zod";
import { type GroupedOptions, groupedOptionsSchema } from "../../core/grouped_options.ts";
import { once } from "../../core/once.ts";
import { strictObject } from "../../core/strict_object.ts";
import { inOptions, optionsSchema, type SubmitOptions } from "../../core/submission.ts";
import { type WaitFor, waitForSchema } from "../../core/wait_for.ts";
import { boundsFault, DEEPEST_NESTING, MOST_TASKS } from "./bounds.ts";
import { LONGEST_NAME, nameFault } from "./name_rules.ts";
import { chooseByKey, chosen } from "../../core/tagged_union.ts";

const MOST_IN_A_CHUNK = 1_000;

/** A task of a flow by names. */
export interface FlowTask {
  task: string;
  input?: unknown;
  options?: SubmitOptions;
  /** Names of tasks of the flow, or ids; they may have conditions. */
  waitFor?: WaitFor;
  allowFailure?: boolean;
}

export interface Signature extends FlowTask {
  /** The field of the input that gets the output of the previous element. */
  into?: string;
  /** It waits for the previous element and takes nothing from it. */
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

export type FlowSpec = (Canvas | { tasks: Record<string, FlowTask> }) & { options?: GroupedOptions };

const CANVAS = "{chain: […]}, {group: […]}, {chord: {header, body}} or {chunks: {task, inputs, size}}";

/** What holds for all of a flow stands at its top. */
const NESTED = {
  options: "at the top of the flow, or in each task",
  compensate: "in the options of each task",
};

/** Made by the first flow. */
export const flowSchema: () => z.ZodType<FlowSpec> = once(makeSchema);

function makeSchema(): z.ZodType<FlowSpec> {
  /** Defaults for the options of all its tasks, and a policy for the whole. */
  const options = groupedOptionsSchema().optional();
  const input = z.unknown().optional()
    .describe(
      'References {"$task": …} in it may give the name of a task of the flow or the id of another task.',
    );
  const waitFor = waitForSchema(z.string(), MOST_TASKS).optional()
    .describe(
      "Names of tasks of the flow, or ids: they must have completed before it starts, or have ended otherwise.",
    );
  const taskName = z.string().min(1).max(200).describe("The name of a definition.");
  const ownOptions = {
    options: optionsSchema().optional(),
    waitFor,
    allowFailure: z.boolean().optional(),
  };

  const flowTask = strictObject({ task: taskName, input, ...ownOptions }, inOptions()).meta({
    id: "FlowTask",
  });

  const signature = strictObject({
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
  }, inOptions()).meta({ id: "FlowSignature" });

  const element: z.ZodType<Element> = z.lazy(() => anyElement);
  const elements = z.array(element);

  const chain = elements.min(1, { error: "a chain needs at least one element" })
    .describe("One after the other: each gets what the former hands on.");
  const group = elements.describe(
    "Side by side; hands on the list of what its elements hand on. An empty one in a chain hands on what it gets.",
  );
  const chord = strictObject({
    header: chosen<Element[] | Element>(
      [elements, element],
      (value) => Array.isArray(value) ? elements : element,
    ),
    body: element.describe("Gets the list of what the header's elements hand on."),
  }).meta({ id: "Chord" });
  const chunks = strictObject({
    task: taskName,
    inputs: z.array(z.unknown()),
    size: z.int().min(1).max(MOST_IN_A_CHUNK).describe("So many inputs for each task."),
    options: optionsSchema().optional(),
  }, inOptions()).meta({
    id: "Chunks",
    description: "The function is called once for each input; a task's result is the list of its results.",
  });

  const nested: Record<string, z.ZodType<Element>> = {
    task: signature,
    chain: strictObject({ chain }, NESTED).meta({ id: "FlowChain" }),
    group: strictObject({ group }, NESTED).meta({ id: "FlowGroup" }),
    chord: strictObject({ chord }, NESTED).meta({ id: "FlowChord" }),
    chunks: strictObject({ chunks }, NESTED).meta({ id: "FlowChunks" }),
  };

  const anyElement: z.ZodType<Element> = chosen(
    Object.values(nested),
    chooseByKey(nested, `{task: "…"}, ${CANVAS}`),
  ).meta({ id: "FlowElement" });

  const forms: Record<string, z.ZodType<FlowSpec>> = {
    tasks: strictObject({ tasks: z.record(z.string(), flowTask), options }, inOptions()).meta({
      id: "FlowOfTasks",
    }),
    chain: strictObject({ chain, options }, inOptions()).meta({ id: "FlowOfChain" }),
    group: strictObject({ group, options }, inOptions()).meta({ id: "FlowOfGroup" }),
    chord: strictObject({ chord, options }, inOptions()).meta({ id: "FlowOfChord" }),
    chunks: strictObject({ chunks, options }, inOptions()).meta({ id: "FlowOfChunks" }),
  };

  const chooseForm = chooseByKey(forms, `{tasks: {…}}, ${CANVAS}`);

  return chosen(
    Object.values(forms),
    // The bounds first: parsing goes down into every element.
    (value) => boundsFault(value) ?? chooseForm(value),
  ).meta({
    id: "Flow",
    description:
      `A graph of up to ${MOST_TASKS} tasks, nested up to ${DEEPEST_NESTING} deep. Its options are defaults ` +
      `for all its tasks, and its tags are added to theirs.`,
  });
}
