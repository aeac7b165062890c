// Where a definition's function runs: in this process, or on a worker thread of its own.

import type { AnyDefinition, TaskContext } from "../define.ts";
import { runInline } from "./inline.ts";
import { ThreadPool } from "./thread.ts";

/** Runs a definition's function and gives its value; rejects with what it threw. */
export type Runner = (definition: AnyDefinition, context: TaskContext<unknown>) => Promise<unknown>;

export class Runners {
  readonly #threads: ThreadPool;

  /** @param threads how many worker threads may run at once. */
  constructor(threads: number) {
    this.#threads = new ThreadPool(threads);
  }

  /** The runner of a definition, once it has a place to run: an attempt's time starts to count then. */
  async of(definition: AnyDefinition, signal: () => AbortSignal): Promise<Runner> {
    return definition.thread === undefined ? runInline : await this.#threads.acquire(signal());
  }

  close(): void {
    this.#threads.close();
  }
}
