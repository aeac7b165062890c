// Definitions that only tests need: what the shipped ones cannot show.

import { z } from "zod";
import { replaceWith, type ReplacingFlow, type ReplacingTask } from "../../runtime/core/replace_with.ts";
import { define, type TaskContext } from "../../runtime/core/define.ts";
import { PermanentError } from "../../runtime/core/errors.ts";
import { ignore, reject, retryAfter } from "../../runtime/core/failure_hints.ts";
import { definitions as shipped } from "../../tasks/mod.ts";
import { wait } from "../../tasks/wait.ts";

/** Returns nothing: its result is null. */
const nothing = define({ name: "nothing", input: z.object({}) }, () => {});

/** Tells what it was told: the task as its function sees it. */
const whoami = define(
  {
    name: "whoami",
    input: z.object({}),
    output: z.looseObject({ id: z.string(), attempt: z.int(), token: z.string(), tags: z.array(z.string()) }),
  },
  ({ task, attempt }) => ({ ...task, tags: [...task.tags], attempt }),
);

/** Throws an error that was caused by another one. */
const caused = define({ name: "caused", input: z.object({}) }, () => {
  throw new RangeError("outer", { cause: new TypeError("inner") });
});

/** Throws all of them together; a list within the list is an error of several, too. */
type Messages = (string | Messages)[];
const several = define({ name: "several", input: z.object({ messages: z.any() }) }, ({ input }) => {
  const all = (messages: Messages): Error =>
    new AggregateError(
      messages.map((one) =>
        typeof one === "string" ? new RangeError(one, { cause: new TypeError(`of ${one}`) }) : all(one)
      ),
      "several",
    );
  throw all(input.messages);
});

/** Emits and logs what it is given. */
const tells = define({ name: "tells", input: z.object({ metas: z.array(z.unknown()) }) }, (context) => {
  for (const meta of context.input.metas) {
    context.emit(meta);
    context.log("meta", meta);
  }
});

/** Says at its first `times` starts what shall follow; at the next one it tells which attempt that is. */
const begun = new Map<string, number>();
const directs = define(
  {
    name: "directs",
    input: z.object({
      how: z.enum(["retry", "snooze", "reject", "ignore"]),
      ms: z.int().default(0),
      times: z.int().default(1),
    }),
  },
  ({ input: { how, ms, times }, task, attempt }) => {
    const starts = begun.get(task.id) ?? 0;
    if (starts === times) return attempt;
    begun.set(task.id, starts + 1);
    if (how === "reject") throw reject("not wanted");
    if (how === "ignore") throw ignore("not needed");
    throw retryAfter(ms, { reason: "not yet", countAttempt: how === "retry" });
  },
);

/** Writes to the console. */
const prints = define({ name: "prints", input: z.object({ text: z.string() }) }, ({ input }) => {
  // deno-lint-ignore no-console -- what a function writes is what its tests look at
  console.log(input.text);
});

type Handled = TaskContext<{ untilAttempt: number }>;

/** Code around a function, as functions share it: what is to happen before it, and after a failure. */
function withHandlers(
  before: (context: Handled) => void,
  onRetry: (context: Handled, error: Error) => void,
  run: (context: Handled) => unknown,
) {
  return async (context: Handled) => {
    before(context);
    try {
      return await run(context);
    } catch (error) {
      if (context.task.nextPauseMs !== null) onRetry(context, error as Error);
      throw error;
    }
  };
}

/** Emits what its handlers are told. */
const handled = define(
  { name: "handled", input: z.object({ untilAttempt: z.int() }) },
  withHandlers(
    ({ attempt, emit }) => emit(`before ${attempt}`),
    ({ task, emit }, { message }) => emit(`${message}: again in ${task.nextPauseMs} ms`),
    ({ input, attempt }) => {
      if (attempt < input.untilAttempt) throw new Error(`attempt ${attempt}`);
      return attempt;
    },
  ),
);

/** Throws an error that no retry can mend. */
const permanent = define({ name: "permanent", input: z.object({}) }, () => {
  throw new PermanentError("never again");
});

/** Goes on for `ms`, whatever its signal says, and returns "ignored". */
const stubborn = define(
  { name: "stubborn", input: z.object({ ms: z.int() }) },
  ({ input }) => new Promise<string>((resolve) => setTimeout(() => resolve("ignored"), input.ms)),
);

/** Has a secret in its input, and tells it with its error. */
const pays = define(
  {
    name: "pays",
    input: z.object({ card: z.string(), cents: z.int() }),
    redact: ["/card"],
    version: "2026-11",
    displayName: ({ input }) => `payment of ${input.cents} cents`,
  },
  ({ input, log }) => {
    log(`card ${input.card}`);
    throw new Error(`refused: ${input.card}`);
  },
);

/** Ends well when it is told to end, and says why. */
const windUp = define({ name: "windUp", input: z.object({}) }, async ({ signal }) => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return `wound up by a ${signal.reason.name}`;
});

/** Says that it listens, sees its signal, cleans up for `ms`, and reports why it was stopped. */
const tidy = define(
  { name: "tidy", input: z.object({ ms: z.int() }) },
  ({ input, signal, log, progress }) =>
    new Promise((_, reject) => {
      progress(0, 1);
      const keep = setTimeout(() => reject(new Error("nobody stopped it")), 20_000);
      const stop = () => {
        clearTimeout(keep);
        log("stopping", String(signal.reason));
        setTimeout(() => reject(signal.reason), input.ms);
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
    }),
);

/** Has types that a client must not stumble over: a brand, any JSON, and an input that may be missing. */
const typed = define(
  {
    name: "typed",
    input: z.object({ count: z.int() }).optional(),
    output: z.object({ id: z.string().brand<"Id">(), any: z.json() }),
  },
  ({ input }) => ({ id: `${input?.count}`, any: [input?.count ?? null] }),
);

/**
 * Submits tasks of its own one after the other, tells their ids, and gives those; or what the tasks give, if
 * it `awaits` them. Then it goes on for `ms`, and its first `fails` attempts fail.
 */
const family = define(
  {
    name: "family",
    input: z.object({
      children: z.array(
        z.object({ task: z.string(), input: z.unknown().optional(), options: z.looseObject({}).optional() }),
      ),
      awaits: z.boolean().default(false),
      /** They are of its group. */
      joins: z.boolean().default(false),
      /** They have its priority. */
      inherits: z.boolean().default(false),
      ms: z.int().default(0),
      fails: z.int().default(0),
    }),
  },
  async ({ input, task, attempt, submit, addToGroup, emit, signal }) => {
    const children = [];
    const add = input.joins ? addToGroup : submit;
    const inherited = input.inherits ? { priority: task.priority } : {};
    for (const child of input.children) {
      children.push(await add(child.task, child.input ?? {}, { ...inherited, ...child.options }));
    }
    const ids = children.map(({ id }) => id);
    emit(ids);
    const given = input.awaits ? await Promise.all(children.map((child) => child.result())) : ids;
    await wait(input.ms, signal);
    if (attempt <= input.fails) throw new Error("once more");
    return given;
  },
);

/** Puts in its place what it is given. */
const replaced = define(
  { name: "replaced", input: z.object({ by: z.unknown() }) },
  ({ input }) => replaceWith(input.by as ReplacingTask | ReplacingFlow),
);

/** Its result is taken again for another input with the same `of`. */
const remembered = define({
  name: "remembered",
  input: z.object({ of: z.string(), debug: z.boolean().default(false) }),
  cache: { ttlMs: 60_000, key: ({ input }) => input.of },
}, () => crypto.randomUUID());

/** Has a list that may be left out. */
const labelled = define(
  { name: "labelled", input: z.object({ count: z.int(), labels: z.array(z.string()).default(["a", "b"]) }) },
  ({ input }) => input,
);

const gates = new Map<string, PromiseWithResolvers<void>>();

function gateOf(name: string): PromiseWithResolvers<void> {
  if (!gates.has(name)) gates.set(name, Promise.withResolvers());
  return gates.get(name)!;
}

/** Emits so many chunks, and runs on until a task "release" has run for the same gate in the same process. */
const hold = define(
  {
    name: "hold",
    input: z.object({ gate: z.string(), emits: z.int().default(0), value: z.unknown().optional() }),
  },
  async ({ input, emit, signal }) => {
    for (let i = 0; i < input.emits; i++) emit(i);
    await new Promise<void>((resolve, reject) => {
      gateOf(input.gate).promise.then(resolve);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    return input.value ?? null;
  },
);

const release = define({ name: "release", input: z.object({ gate: z.string() }) }, ({ input }) => {
  gateOf(input.gate).resolve();
});

export const definitions = {
  ...shipped,
  nothing,
  whoami,
  caused,
  several,
  tells,
  directs,
  prints,
  handled,
  permanent,
  stubborn,
  tidy,
  windUp,
  pays,
  typed,
  family,
  replaced,
  labelled,
  remembered,
  hold,
  release,
};
