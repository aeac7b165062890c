// Counts what had to be repaired. In a run without faults it stays empty.

import type { Log } from "../platform/log.ts";

export class RepairCounter {
  readonly #counts = new Map<string, number>();

  constructor(private readonly log: Log) {}

  /** By what was wrong. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  add(taskId: string, what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    this.log.error("a task was repaired", new Error(`task ${taskId} ${what}`));
  }
}
