// Runs functions on worker threads: for CPU-bound functions, which would block the main thread, and which no
// signal reaches while they compute. To stop a function, its thread is terminated. Idle threads are reused.

import type { AnyDefinition, Child, TaskContext } from "../../core/define.ts";
import { NotJsonError } from "../../core/json.ts";
import type { SubmitOptions } from "../../core/submission.ts";
import { portable } from "./portable_error.ts";
import type { FromThread, ToThread } from "./thread_main.ts";

/** In the npm package both files are JavaScript. */
const THREAD_MAIN = new URL(`./thread_main${import.meta.url.slice(-3)}`, import.meta.url);

export class ThreadPool {
  readonly #idle: Worker[] = [];
  #runs = 0;
  #closed = false;

  /** @param mostIdle so many threads are kept for later */
  constructor(private readonly mostIdle: number) {}

  /** Terminates idle threads now, and busy ones once they are idle. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#idle.splice(0)) thread.terminate();
  }

  async run(definition: AnyDefinition, context: TaskContext<unknown>): Promise<unknown> {
    let thread: Worker | undefined;
    let reusable = false;
    try {
      thread = this.#idle.pop() ??
        new Worker(THREAD_MAIN, { type: "module", name: definition.name });
      const value = await runOn(thread, ++this.#runs, definition, context);
      reusable = true;
      return value;
    } catch (error) {
      // A thread can be reused after its function threw, but not after the function was stopped.
      reusable = error instanceof ThrownInThread;
      throw error instanceof ThrownInThread ? error.cause : error;
    } finally {
      const isKept = reusable && !this.#closed && this.#idle.length < this.mostIdle;
      if (thread && isKept) this.#keep(thread);
      else thread?.terminate();
    }
  }

  /** What a function left running can still fail. That terminates the idle thread and nothing else. */
  #keep(thread: Worker): void {
    this.#idle.push(thread);
    thread.onerror = (event) => {
      event.preventDefault();
      const at = this.#idle.indexOf(thread);
      if (at >= 0) this.#idle.splice(at, 1);
      thread.terminate();
    };
  }
}

class ThrownInThread extends Error {}

function runOn(
  thread: Worker,
  run: number,
  definition: AnyDefinition,
  context: TaskContext<unknown>,
): Promise<unknown> {
  const { signal, input, task, attempt } = context;
  const children = new Map<string, Child>();
  const answer = (call: number, work: Promise<unknown>) =>
    work.then((value) => thread.postMessage({ call, value }), (error) => {
      thread.postMessage({ call, error: portable(error) });
    });
  const submit = async (name: string, input: unknown, options?: SubmitOptions) => {
    const child = await context.submit(name, input, options);
    children.set(child.id, child);
    return child.id;
  };
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  thread.onmessage = ({ data }: MessageEvent<FromThread>) => {
    // A message of an earlier function, which left something running.
    if (data.run !== run) return;
    try {
      switch (data.kind) {
        case "value":
          return resolve(data.value);
        case "not-json":
          return reject(new ThrownInThread("", { cause: new NotJsonError(data.message) }));
        case "thrown":
          return reject(new ThrownInThread("", { cause: data.error }));
        case "progress":
          return context.progress(data.current, data.total, data.message);
        case "log":
          return context.log(data.message, data.data);
        case "chunk":
          return context.emit(data.chunk);
        case "submit":
          return void answer(data.call, submit(data.task, data.input, data.options));
        case "result":
          return void answer(data.call, children.get(data.id)!.result());
      }
    } catch (error) {
      // An invalid report fails the attempt, as it does on the main thread.
      reject(error);
    }
  };
  thread.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`the thread died: ${event.message}`));
  };
  const message: ToThread = { run, module: definition.thread!, name: definition.name, input, task, attempt };
  thread.postMessage(message);
  return promise.finally(() => {
    signal.removeEventListener("abort", abort);
    thread.onmessage = null;
  });
}
