// Dependency counters: how many tasks a task still waits for. A counter is written in the commit in which one
// of those tasks ends (or is retried after its end), once for each counter, so no end is missed or counted
// twice. When the decision changes, the same commit writes an outbox entry, and the outbox processor moves
// the waiting task.

import { keys } from "../platform/keys.ts";
import { isBarrier } from "../platform/outbox_subject.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { type Known, type Merged, VersionCache } from "./version_cache.ts";
import type { End } from "../core/condition_terms.ts";
import {
  alternativesIn,
  areMissed,
  areOpen,
  type ConditionTally,
  newTally,
  tallied,
} from "../core/conditions.ts";
import type { Dependencies, TaskRecord } from "../core/task.ts";

export interface DependencyCounter {
  /** The definition of the task that waits, for lists. */
  task: string;
  /** Of that task; left out for the default one. */
  queue?: string;
  /** Without those of which some are enough. */
  left: number;
  /** Upstreams without a condition that have ended otherwise than COMPLETED. */
  failed: number;
  /** So many of these were skipped. */
  skipped?: number;
  /** The first of those that failed; else of those that were skipped, or whose condition it missed. */
  first: string | null;
  allowFailure: boolean;
  /** It counts barriers only: the task needs no upstream any more. */
  alone?: true;
  /** Left out where all upstreams must complete. */
  tally?: ConditionTally;
}

/** An upstream has ended (`is`), or its end (`was`) is taken back. */
export interface CounterStep {
  dependent: string;
  upstream: string;
  was: End | null;
  is: End | null;
}

export type Decision = "wait" | "go" | "fail";

/** Before any upstream has ended. */
export function newCounter(
  { task, queue }: Pick<TaskRecord, "task" | "queue">,
  { total, allowFailure, conditions }: Pick<Dependencies, "total" | "allowFailure" | "conditions">,
): DependencyCounter {
  const left = conditions ? total - alternativesIn(conditions) : total;
  const counter: DependencyCounter = { task, left, failed: 0, first: null, allowFailure };
  if (queue !== undefined) counter.queue = queue;
  if (conditions) counter.tally = newTally(conditions);
  return counter;
}

export function decisionOf({ left, failed, allowFailure, tally }: DependencyCounter): Decision {
  if (failed > 0 && !allowFailure) return "fail";
  if (tally && areMissed(tally, left)) return "fail";
  return left > 0 || tally && areOpen(tally) ? "wait" : "go";
}

/**
 * Of one that must not go: its conditions are at fault, or those of an upstream that was skipped, and no
 * upstream without a condition has failed.
 */
export function isSkip({ failed, skipped = 0, allowFailure }: DependencyCounter): boolean {
  return failed === skipped || allowFailure;
}

export function stepped(
  counter: DependencyCounter,
  { upstream, was, is }: Omit<CounterStep, "dependent">,
): DependencyCounter {
  if (counter.alone && !isBarrier(upstream)) return counter;
  const next = { ...counter };
  const conditional = counter.tally && tallied(counter.tally, upstream, was, is);
  if (conditional) {
    next.tally = conditional.tally;
    if (!conditional.isAlternative) next.left += Number(was !== null) - Number(is !== null);
    if (conditional.isMissed) next.first ??= upstream;
    else if (next.first === upstream) next.first = null;
    return next;
  }
  next.left += Number(was !== null) - Number(is !== null);
  next.failed += Number(isFailure(is)) - Number(isFailure(was));
  next.skipped = (counter.skipped ?? 0) + Number(is === "SKIPPED") - Number(was === "SKIPPED");
  if (next.skipped === 0) delete next.skipped;
  const isFirstFailure = isSkip(counter) && !isSkip(next);
  if (isFailure(is)) next.first = isFirstFailure ? upstream : next.first ?? upstream;
  else if (next.first === upstream) next.first = null;
  return next;
}

function isFailure(end: End | null): boolean {
  return end !== null && end !== "COMPLETED";
}

const KNOWN_KEPT = 10_000;

export class DependencyCounters {
  readonly #known: VersionCache<DependencyCounter>;

  constructor(kv: KvPort) {
    this.#known = new VersionCache(kv, keys.dependencyCounter, KNOWN_KEPT);
  }

  async merge(steps: CounterStep[]): Promise<Merged> {
    const merged: Pick<Merged, "checks" | "writes"> = { checks: [], writes: [] };
    const byDependent = Map.groupBy(steps, ({ dependent }) => dependent);
    const loaded = await this.#known.load([...byDependent.keys()]);
    const next = new Map<string, DependencyCounter>();
    // A counter that is gone has released its task, or the task is gone.
    for (const [id, { value, versionstamp }] of loaded) {
      const counter = byDependent.get(id)!.reduce(stepped, value);
      merged.checks.push({ key: keys.dependencyCounter(id), versionstamp });
      merged.writes.push(counterWrite(id, counter));
      next.set(id, counter);
      if (decisionOf(counter) === decisionOf(value)) continue;
      merged.writes.push(outboxWrite(id));
    }
    const applied = (versionstamp: string) => {
      for (const [id, value] of next) this.#known.remember(id, { value, versionstamp });
    };
    return { ...merged, applied };
  }

  /** A unit has written the counter: its task begins to wait, or is released. */
  wrote(id: string, counter: DependencyCounter | undefined, versionstamp: string): void {
    if (counter) this.#known.remember(id, { value: counter, versionstamp });
    else this.#known.forget(id);
  }

  known(id: string): Known<DependencyCounter> | undefined {
    return this.#known.get(id);
  }

  distrust(): void {
    this.#known.distrust();
  }
}

export function counterWrite(id: string, counter: DependencyCounter): Write {
  return { key: keys.dependencyCounter(id), value: counter };
}

export function outboxWrite(subject: string): Write {
  return { key: keys.outbox(subject), value: true };
}
