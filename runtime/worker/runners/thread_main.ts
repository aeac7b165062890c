// Runs inside a worker thread: imports the definition's module and calls its function. All messages go
// through a port of its own, which no function can reach.

import { getHeapStatistics } from "node:v8";
import { workerData } from "node:worker_threads";
import type { AnyDefinition, TaskContext, TaskInfo } from "../../core/define.ts";
import { NotJsonError, toJsonText } from "../../core/json.ts";
import { type FailureHints, hintsOf } from "../../core/failure_hints.ts";
import { flowOf } from "../../core/replace_with.ts";
import { ChildTask, withReferences } from "../../core/child.ts";
import type { SubmitOptions } from "../../core/submission.ts";
import type { TaskError } from "../../core/task.ts";
import { isA, portable, RevivedError } from "../../core/thrown_error.ts";
import { systemClock } from "../../platform/clock.ts";
import { every } from "../../platform/periodic.ts";
import { takeConsole, writeLine } from "./function_console.ts";
import { FunctionScope, guardExits } from "./function_scope.ts";
import { ThreadTraces } from "./thread_traces.ts";

/** What a new thread is given. */
export interface ThreadSetup {
  port: MessagePort;
  /** What functions write to the console becomes lines of JSON on standard error. */
  takesConsole: boolean;
  /** Not 0: the thread was told to end. A function that computes can see this, and no message. */
  stopped: Int32Array;
}

/** A function to run. */
interface Call {
  module: string;
  name: string;
  input: unknown;
  task: TaskInfo;
  attempt: number;
}

export type ToThread =
  | Call
  /** The signal of the function that runs aborts with this. */
  | { abort: TaskError };

const OUT_OF_MEMORY: Ended = {
  kind: "thrown",
  error: { name: "Error", message: "the thread ran out of memory", retryable: true },
};

/** How a function has ended. */
export type Ended =
  | { kind: "value"; value: unknown }
  | { kind: "replaced"; flow: object }
  | { kind: "not-json"; message: string }
  | { kind: "thrown"; error: TaskError; hints?: FailureHints | null };

export type FromThread =
  /** `isClean`: nothing is left behind, so another function may run there. */
  | { kind: "ended"; ended: Ended; isClean: boolean }
  | { kind: "progress"; current: number; total?: number; message?: string }
  | { kind: "log"; message: string; data?: unknown }
  | { kind: "chunk"; chunk: unknown }
  | { kind: "submit"; call: number; task: string; input: unknown; options?: SubmitOptions; joins: boolean }
  | { kind: "result"; call: number; id: string };

/** The answer to a call that the function made, such as submit(). */
export interface Answer {
  call: number;
  value?: unknown;
  error?: TaskError;
  /** What else the error has. */
  fields?: Record<string, unknown>;
}

const { port, takesConsole, stopped } = workerData as ThreadSetup;
const post = (message: FromThread) => port.postMessage(message);

/** Calls without an answer. Their numbers are unique over all runs of the thread. */
const calls = new Map<number, PromiseWithResolvers<unknown>>();
let lastCall = 0;
/** The thread has seen an error that nobody has caught. */
let isStrayed = false;
/** The function that runs, if one does, and how to end it. */
let current: { scope: FunctionScope; own: AbortController; end: (ended: Ended) => void } | null = null;

/** What V8 raises when the thread has reached the limit that it was given. */
const heapLimit = getHeapStatistics().heap_size_limit;
const LOOK_EVERY_MS = 250;

// A function that is made for a web worker knows its global scope by this name.
Reflect.set(globalThis, "self", globalThis);
guardExits({ everywhere: true });
if (takesConsole) takeConsole(writeLine);
const traces = new ThreadTraces();
const imported = new Set<string>();

port.onmessage = ({ data }: MessageEvent<ToThread | Answer>) => {
  if ("call" in data) settle(data);
  else if ("abort" in data) current?.own.abort(new RevivedError(data.abort));
  else run(data);
};

addEventListener("unhandledrejection", (event) => onStray(event, event.reason));
addEventListener("error", (event) => onStray(event, event.error));

/** An error that nobody has caught ends the function that runs. With none it ends the thread. */
function onStray(event: Event, error: unknown): void {
  if (!current) return;
  event.preventDefault();
  isStrayed = true;
  // Of a function before this one.
  if (FunctionScope.current && FunctionScope.current !== current.scope) return;
  current.end({ kind: "thrown", error: portable(error) });
}

async function run(message: Call): Promise<void> {
  const { task, attempt } = message;
  const scope = new FunctionScope({ task: task.task, id: task.id, attempt });
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const own = new AbortController();
  current = { scope, own, end: resolve };
  const stopLooking = every(systemClock, LOOK_EVERY_MS, () => isOutOfMemory() && resolve(OUT_OF_MEMORY));
  outcomeOf(message, scope, own.signal).then(resolve);
  const ended = await promise;
  await stopLooking();
  const isClean = !isStrayed && traces.isClean && !isOutOfMemory();
  current = null;
  post({ kind: "ended", ended, isClean });
}

/** Deno ends what has taken all memory, but within a promise it says so to nobody. */
function isOutOfMemory(): boolean {
  return getHeapStatistics().heap_size_limit > heapLimit;
}

async function outcomeOf(message: Call, scope: FunctionScope, signal: AbortSignal): Promise<Ended> {
  try {
    const definition = await find(message.module, message.name);
    const value = await scope.run(() => definition.handler(contextOf(message, scope, signal)));
    const flow = flowOf(value);
    if (flow !== null) return { kind: "replaced", flow: JSON.parse(toJsonText(flow)) };
    if (message.task.ignoreResult) return { kind: "value", value: null };
    toJsonText(value);
    return { kind: "value", value };
  } catch (thrown) {
    if (isA(thrown, NotJsonError)) return { kind: "not-json", message: thrown.message };
    return { kind: "thrown", error: portable(thrown), hints: hintsOf(thrown) };
  }
}

function settle({ call, value, error, fields }: Answer): void {
  const waiting = calls.get(call);
  calls.delete(call);
  if (error === undefined) waiting?.resolve(value);
  else waiting?.reject(Object.assign(new RevivedError(error), fields));
}

async function find(module: string, name: string): Promise<AnyDefinition> {
  const exported = Object.values(await import(module)) as Partial<AnyDefinition>[];
  // What a module does when it is first imported is no trace of a function.
  if (!imported.has(module)) traces.remember();
  imported.add(module);
  const definition = exported.find((value) => value?.name === name && typeof value.handler === "function");
  if (!definition) throw new Error(`${module} exports no definition named "${name}"`);
  return definition as AnyDefinition;
}

function contextOf(
  { input, task, attempt }: Call,
  scope: FunctionScope,
  signal: AbortSignal,
): TaskContext<unknown> {
  /** A function that goes on after its end says nothing for the next one. */
  const say = (message: FromThread) => {
    if (Atomics.load(stopped, 0) !== 0) throw new Error("the thread was told to end");
    if (current?.scope === scope) post(message);
  };
  const ask = (message: (call: number) => FromThread) => {
    const call = ++lastCall;
    const waiting = Promise.withResolvers<unknown>();
    calls.set(call, waiting);
    say(message(call));
    return waiting.promise;
  };
  const submitting =
    (joins: boolean) =>
    async (definition: AnyDefinition | string, given?: unknown, options?: SubmitOptions) => {
      const input = withReferences(given);
      const name = typeof definition === "string" ? definition : definition.name;
      const id = await ask((call) => ({ kind: "submit", call, task: name, input, options, joins })) as string;
      return new ChildTask(id, () => ask((call) => ({ kind: "result", call, id })));
    };
  return {
    input,
    task,
    attempt,
    // Aborts where the function may still end well. To stop it, the pool terminates the thread.
    signal,
    progress: (current, total, message) => say({ kind: "progress", current, total, message }),
    log: (message, data) => say({ kind: "log", message, data }),
    emit: (chunk) => say({ kind: "chunk", chunk }),
    submit: submitting(false),
    addToGroup: submitting(true),
  };
}
