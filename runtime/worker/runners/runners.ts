// Chooses where a function runs: on the main thread, or on a worker thread. How many run at once is the
// worker's affair (../slots.ts).

import { type AnyDefinition, runnerOf } from "../../core/define.ts";
import { guardExits } from "./function_scope.ts";
import { runInline } from "./inline.ts";
import type { Runner } from "./runner.ts";
import { ThreadPool } from "./thread_pool.ts";

export interface RunnersOptions {
  /** What functions on threads write to the console becomes lines of JSON. */
  takesConsole?: boolean;
  /** How a function with `thread` is run, if not on a thread of its own. */
  runOnThread?: Runner;
}

export class Runners {
  readonly #pool: ThreadPool;
  readonly #runOnThread: Runner;

  /** @param threads how many functions run on worker threads at once */
  constructor(readonly threads: number, { takesConsole, runOnThread }: RunnersOptions = {}) {
    guardExits();
    const pool = this.#pool = new ThreadPool(threads, { takesConsole });
    this.#runOnThread = runOnThread ??
      ((definition, context, run) => pool.run(definition, context, run.stopSignal));
  }

  of(definition: AnyDefinition): Runner {
    return runnerOf(definition) === "inline" ? runInline : this.#runOnThread;
  }

  close(): void {
    this.#pool.close();
  }
}
