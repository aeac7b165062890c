// Runs inside a worker thread: imports the definition's module and calls its function.

import type { AnyDefinition, TaskContext, TaskInfo } from "../../core/define.ts";
import { NotJsonError, toJsonText } from "../../core/json.ts";
import { LazyPromise } from "../../core/lazy_promise.ts";
import { portable } from "./portable_error.ts";
import type { SubmitOptions } from "../../core/submission.ts";

export interface ToThread {
  /** The number of this run. Every message back carries it. */
  run: number;
  module: string;
  name: string;
  input: unknown;
  task: TaskInfo;
  attempt: number;
}

export type FromThread = { run: number } & FromFunction;

type FromFunction =
  | { kind: "value"; value: unknown }
  | { kind: "not-json"; message: string }
  | { kind: "thrown"; error: unknown }
  | { kind: "progress"; current: number; total?: number; message?: string }
  | { kind: "log"; message: string; data?: unknown }
  | { kind: "chunk"; chunk: unknown }
  | { kind: "submit"; call: number; task: string; input: unknown; options?: SubmitOptions }
  | { kind: "result"; call: number; id: string };

/** The answer to a call that the function made, such as submit(). */
export interface Answer {
  call: number;
  value?: unknown;
  error?: unknown;
}

/** The worker's global scope: the type checker knows only that of the main thread. */
const scope = self as unknown as {
  postMessage(message: FromThread): void;
  onmessage: ((event: MessageEvent<ToThread | Answer>) => void) | null;
};

/** Calls without an answer. Their numbers are unique over all runs of the thread. */
const calls = new Map<number, PromiseWithResolvers<unknown>>();
let lastCall = 0;

// Both would end the thread without a message, and its task would wait for ever.
for (const [object, name] of [[self, "close"], [Deno, "exit"]] as const) {
  Object.defineProperty(object, name, {
    value: () => {
      throw new Error(`${name}() is not for a function: return or throw instead`);
    },
  });
}

scope.onmessage = async ({ data }) => {
  if ("call" in data) return settle(data);
  const post = (message: FromFunction) => scope.postMessage({ run: data.run, ...message });
  try {
    const definition = await find(data.module, data.name);
    const value = await definition.handler(contextOf(data, post));
    toJsonText(value);
    post({ kind: "value", value });
  } catch (thrown) {
    if (thrown instanceof NotJsonError) post({ kind: "not-json", message: thrown.message });
    else post({ kind: "thrown", error: portable(thrown) });
  }
};

function settle({ call, value, error }: Answer): void {
  const waiting = calls.get(call);
  calls.delete(call);
  if (error === undefined) waiting?.resolve(value);
  else waiting?.reject(Object.assign(new Error(), error));
}

async function find(module: string, name: string): Promise<AnyDefinition> {
  const exported = Object.values(await import(module)) as Partial<AnyDefinition>[];
  const definition = exported.find((value) => value?.name === name && typeof value.handler === "function");
  if (!definition) throw new Error(`${module} exports no definition named "${name}"`);
  return definition as AnyDefinition;
}

function contextOf(
  { input, task, attempt }: ToThread,
  post: (message: FromFunction) => void,
): TaskContext<unknown> {
  return {
    input,
    task,
    attempt,
    // Never aborts: to stop the task, the pool terminates the thread.
    signal: new AbortController().signal,
    progress: (current, total, message) => post({ kind: "progress", current, total, message }),
    log: (message, data) => post({ kind: "log", message, data }),
    emit: (chunk) => post({ kind: "chunk", chunk }),
    submit: async (definition: AnyDefinition | string, input: unknown, options?: SubmitOptions) => {
      const name = typeof definition === "string" ? definition : definition.name;
      const id = await ask((call) => post({ kind: "submit", call, task: name, input, options })) as string;
      const result = () => ask((call) => post({ kind: "result", call, id }));
      // deno-lint-ignore no-explicit-any -- typed for those who call it
      return { id, result: () => new LazyPromise<any>(result) };
    },
  };
}

function ask(post: (call: number) => void): Promise<unknown> {
  const call = ++lastCall;
  const waiting = Promise.withResolvers<unknown>();
  calls.set(call, waiting);
  post(call);
  return waiting.promise;
}
