// Where a definition's function runs: in this process, or on a worker thread of its own.

import type { AnyDefinition } from "../../core/define.ts";
import { runInline } from "./inline.ts";
import type { Runner } from "./runner.ts";
import { ThreadPool } from "./thread_pool.ts";

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
