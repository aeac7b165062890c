// Chooses where a function runs: on the main thread, or on a worker thread.

import type { AnyDefinition } from "../../core/define.ts";
import { runInline } from "./inline.ts";
import type { Runner } from "./runner.ts";
import { ThreadPool } from "./thread_pool.ts";

export class Runners {
  readonly #threads: ThreadPool;

  /** @param threads how many worker threads may run at once */
  constructor(threads: number) {
    this.#threads = new ThreadPool(threads);
  }

  /** Resolves once there is a place to run. The attempt's timeout starts then. */
  async of(definition: AnyDefinition, signal: () => AbortSignal): Promise<Runner> {
    return definition.thread === undefined ? runInline : await this.#threads.acquire(signal());
  }

  close(): void {
    this.#threads.close();
  }
}
