// Runs functions on worker threads: for CPU-bound functions, which would block the main thread, and which no
// signal reaches while they compute. To stop a function, its thread is terminated. Idle threads are used
// again if nothing was left behind there.

import type { AnyDefinition, TaskContext } from "../../core/define.ts";
import { Thread, type ThreadOptions } from "./thread.ts";

export class ThreadPool {
  readonly #idle: Thread[] = [];
  #closed = false;

  /** @param mostIdle so many threads are kept for later */
  constructor(private readonly mostIdle: number, private readonly options: ThreadOptions = {}) {}

  /** Terminates idle threads now, and busy ones once they are idle. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#idle.splice(0)) thread.terminate();
  }

  /** @param stopSignal see {@linkcode Thread.run} */
  async run(
    definition: AnyDefinition,
    context: TaskContext<unknown>,
    stopSignal?: AbortSignal,
  ): Promise<unknown> {
    const thread = this.#idle.pop() ?? new Thread((ended) => this.#drop(ended), this.options);
    try {
      return await thread.run(definition, context, stopSignal);
    } finally {
      // Not clean: its function was stopped, or has left something behind.
      const isKept = thread.isClean && !this.#closed && this.#idle.length < this.mostIdle;
      if (isKept) this.#idle.push(thread);
      else thread.terminate();
    }
  }

  /** What a function left running can still fail. That ends its thread and nothing else. */
  #drop(thread: Thread): void {
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    thread.terminate();
  }
}
