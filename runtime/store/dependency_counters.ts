// Joins: what a task that waits for others still waits for. Each is a counter beside the task, written in the very
// commit in which one of the others ends (or is run again after its end), once per commit and counter, so it can neither
// miss nor double an end. When it comes to another decision, the same commit leaves a note in the outbox, and the
// follower (outbox_processor.ts) moves the task.

import { keys } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { type Known, type Merged, VersionCache } from "./version_cache.ts";
import type { StateType } from "../core/task.ts";

export interface DependencyCounter {
  /** The definition of the task that waits: lists need no more. */
  task: string;
  /** Upstreams that have not ended. */
  left: number;
  /** Upstreams that have ended otherwise than COMPLETED. */
  failed: number;
  /** The first of these in time, as far as is known. */
  first: string | null;
  allowFailure: boolean;
}

/** What one step of an upstream means to a task that waits for it: it ended (`is`), or its end (`was`) was taken back. */
export interface CounterStep {
  /** The task that waits. */
  dependent: string;
  upstream: string;
  was: StateType | null;
  is: StateType | null;
}

export type Decision = "wait" | "go" | "fail";

export function decisionOf({ left, failed, allowFailure }: DependencyCounter): Decision {
  if (failed > 0 && !allowFailure) return "fail";
  return left > 0 ? "wait" : "go";
}

/** The counter after a step. */
export function stepped(
  counter: DependencyCounter,
  { upstream, was, is }: Omit<CounterStep, "dependent">,
): DependencyCounter {
  const next = { ...counter };
  next.left += Number(was !== null) - Number(is !== null);
  next.failed += Number(isFailure(is)) - Number(isFailure(was));
  if (isFailure(is)) next.first ??= upstream;
  else if (next.first === upstream) next.first = null;
  return next;
}

function isFailure(end: StateType | null): boolean {
  return end !== null && end !== "COMPLETED";
}

const KNOWN_KEPT = 10_000;

export class DependencyCounters {
  readonly #known: VersionCache<DependencyCounter>;

  constructor(kv: KvPort) {
    this.#known = new VersionCache(kv, keys.dependencyCounter, KNOWN_KEPT);
  }

  /** All joins that these steps touch, after them. */
  async merge(steps: CounterStep[]): Promise<Merged> {
    const merged: Merged = { checks: [], writes: [], applied: () => {} };
    const byDependent = Map.groupBy(steps, ({ dependent }) => dependent);
    const loaded = await this.#known.load([...byDependent.keys()]);
    const next = new Map<string, DependencyCounter>();
    // One that is not there has let its task go, or its task is gone.
    for (const [id, { value, versionstamp }] of loaded) {
      const counter = byDependent.get(id)!.reduce(stepped, value);
      merged.checks.push({ key: keys.dependencyCounter(id), versionstamp });
      merged.writes.push(counterWrite(id, counter));
      next.set(id, counter);
      if (decisionOf(counter) === decisionOf(value)) continue;
      merged.writes.push(outboxWrite(id));
    }
    merged.applied = (versionstamp) => {
      for (const [id, value] of next) this.#known.remember(id, { value, versionstamp });
    };
    return merged;
  }

  /** A unit wrote it by itself: its task begins to wait, or is let go. */
  wrote(id: string, counter: DependencyCounter | undefined, versionstamp: string): void {
    if (counter) this.#known.remember(id, { value: counter, versionstamp });
    else this.#known.forget(id);
  }

  /** As this process last wrote it, if it is remembered: a hint. */
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

/** Asks the follower to look at a task, or at a seal. */
export function outboxWrite(id: string): Write {
  return { key: keys.outbox(id), value: true };
}
