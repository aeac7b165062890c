// What happened to tasks of one definition, queue and tenant: counts, and how long it took.

import { Histogram } from "../core/histogram.ts";

export const ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const;
export type End = typeof ENDS[number];

/** What became of an attempt; "retried": it failed, and another one follows. */
export const OUTCOMES = [
  "completed",
  "failed",
  "timed-out",
  "retried",
  "crashed",
  "cancelled",
  "handed-back",
] as const;
export type AttemptOutcome = typeof OUTCOMES[number];

/** What a task had to wait for that was ready otherwise. */
export const LIMITED_BY = ["concurrency", "rate"] as const;

/** Is told of each duration as it is counted, in milliseconds. */
export interface Durations {
  waited(task: string, ms: number): void;
  ran(task: string, queue: string, outcome: AttemptOutcome, ms: number): void;
  late(task: string, ms: number): void;
}

export interface Named {
  tenant: string;
  task: string;
  queue: string;
}

export class TaskCounts {
  submitted = 0;
  readonly ended: Record<End, number> = { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 0 };
  readonly attempts: Record<AttemptOutcome, number> = {
    "completed": 0,
    "failed": 0,
    "timed-out": 0,
    "retried": 0,
    "crashed": 0,
    "cancelled": 0,
    "handed-back": 0,
  };
  readonly limited = { concurrency: 0, rate: 0 };
  /** From ready to running. */
  readonly wait: Histogram = new Histogram();
  /** Of one attempt. */
  readonly run: Histogram = new Histogram();
  /** From the time of its schedule to its submit. */
  lateness: Histogram | null = null;

  merge(other: TaskCounts): void {
    this.submitted += other.submitted;
    for (const end of ENDS) this.ended[end] += other.ended[end];
    for (const outcome of OUTCOMES) this.attempts[outcome] += other.attempts[outcome];
    for (const by of LIMITED_BY) this.limited[by] += other.limited[by];
    this.wait.merge(other.wait);
    this.run.merge(other.run);
    if (other.lateness) (this.lateness ??= new Histogram()).merge(other.lateness);
  }

  late(ms: number): void {
    (this.lateness ??= new Histogram()).add(ms);
  }
}

/** Names come from callers: of more than this the rest is counted together. */
const MOST_NAMES = 500;
export const OTHERS: Named = { tenant: "", task: "_others", queue: "_others" };

/** Counts by name. */
export class CountsByName {
  readonly #all = new Map<string, { named: Named; counts: TaskCounts }>();
  #last: { named: Named; counts: TaskCounts } | null = null;

  get size(): number {
    return this.#all.size;
  }

  values(): Iterable<{ named: Named; counts: TaskCounts }> {
    return this.#all.values();
  }

  of(tenant: string, task: string, queue: string): TaskCounts {
    const last = this.#last;
    if (last !== null) {
      const { named } = last;
      if (named.task === task && named.queue === queue && named.tenant === tenant) return last.counts;
    }
    const name = `${queue} ${task} ${tenant}`;
    let found = this.#all.get(name);
    if (found === undefined) {
      if (this.#all.size >= MOST_NAMES && task !== OTHERS.task) {
        return this.of(OTHERS.tenant, OTHERS.task, OTHERS.queue);
      }
      this.#all.set(name, found = { named: { tenant, task, queue }, counts: new TaskCounts() });
    }
    this.#last = found;
    return found.counts;
  }

  merge(other: CountsByName): void {
    for (const { named: { tenant, task, queue }, counts } of other.values()) {
      this.of(tenant, task, queue).merge(counts);
    }
  }
}
