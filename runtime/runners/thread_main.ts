// What runs inside a worker thread: it imports the definition's own module and calls its function.

import type { AnyDefinition, TaskContext, TaskInfo } from "../define.ts";
import { NotJsonError, toJsonText } from "../json.ts";

export interface ToThread {
  /** Which run of the thread this is; everything that comes back carries it. */
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
  | { kind: "chunk"; chunk: unknown };

/** The part of a worker's global scope in use; the checker knows only the main thread's. */
const scope = self as unknown as {
  postMessage(message: FromThread): void;
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
};

// Either would end the thread without a word, and its task would wait for it.
for (const [object, name] of [[self, "close"], [Deno, "exit"]] as const) {
  Object.defineProperty(object, name, {
    value: () => {
      throw new Error(`${name}() is not for a function: return or throw instead`);
    },
  });
}

scope.onmessage = async ({ data }) => {
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
    // Never aborted: stopping the task ends the thread.
    signal: new AbortController().signal,
    progress: (current, total, message) => post({ kind: "progress", current, total, message }),
    log: (message, data) => post({ kind: "log", message, data }),
    emit: (chunk) => post({ kind: "chunk", chunk }),
  };
}

/** Structured cloning drops own fields of errors, `retryable` among them. */
function portable(thrown: unknown, depth = 0): unknown {
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  const { name, message, stack, cause, retryable } = thrown as Partial<Error> & { retryable?: unknown };
  return {
    name,
    message,
    stack,
    retryable,
    cause: cause === undefined || depth > 3 ? undefined : portable(cause, depth + 1),
  };
}
