// Runs functions on worker threads: for CPU-bound functions, which would block the main thread, and which no
// signal reaches while they compute. To stop a function, its thread is terminated. Idle threads are reused.

import type { AnyDefinition, Child, TaskContext } from "../../core/define.ts";
import { NotJsonError } from "../../core/json.ts";
import type { SubmitOptions } from "../../core/submission.ts";
import { portable } from "./portable_error.ts";
import type { Runner } from "./runner.ts";
import type { FromThread, ToThread } from "./thread_main.ts";

/** In the npm package both files are JavaScript. */
const THREAD_MAIN = new URL(`./thread_main${import.meta.url.slice(-3)}`, import.meta.url);

export class ThreadPool {
  readonly #idle: Worker[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #runs = 0;
  #closed = false;

  constructor(private readonly size: number) {}

  /** Waits for a free thread. The returned runner must be called, or its place is lost. */
  async acquire(signal: AbortSignal): Promise<Runner> {
    while (this.#busy >= this.size) {
      await this.#turn(signal);
      // A waiter that gives up may have been given the turn: it passes the turn on.
      if (signal.aborted) this.#waiting.shift()?.();
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    this.#busy++;
    return (definition, context) => this.#run(definition, context);
  }

  /** Terminates idle threads now, and busy ones once they are idle. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#idle.splice(0)) thread.terminate();
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const abort = () => {
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve();
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(go);
    });
  }

  async #run(definition: AnyDefinition, context: TaskContext<unknown>): Promise<unknown> {
    let thread: Worker | undefined;
    let reusable = false;
    try {
      thread = this.#idle.pop() ??
        new Worker(THREAD_MAIN, { type: "module", name: definition.name });
      const value = await runOn(thread, ++this.#runs, definition, context, (change) => this.#away(change));
      reusable = true;
      return value;
    } catch (error) {
      // A thread can be reused after its function threw, but not after the function was stopped.
      reusable = error instanceof ThrownInThread;
      throw error instanceof ThrownInThread ? error.cause : error;
    } finally {
      this.#busy--;
      if (thread && reusable && !this.#closed) this.#keep(thread);
      else thread?.terminate();
      this.#waiting.shift()?.();
    }
  }

  /** A function that waits for tasks of its own frees its place for them, and keeps its thread. */
  #away(change: number): void {
    this.#busy -= change;
    if (change > 0) this.#waiting.shift()?.();
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
  away: (change: number) => void,
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
  const resultOf = async (id: string) => {
    away(1);
    try {
      return await children.get(id)!.result();
    } finally {
      away(-1);
    }
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
          return void answer(data.call, resultOf(data.id));
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
