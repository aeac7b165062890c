// Joins: what a task that waits for others still waits for. Each is a counter beside the task, written in the very
// commit in which one of the others ends (or is run again after its end), once per commit and join, so it can neither
// miss nor double an end. When it comes to another decision, the same commit leaves a note in the outbox, and the
// follower (outbox_processor.ts) moves the task.

import { keys } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { type Known, type Merged, VersionCache } from "./version_cache.ts";
import type { StateType } from "../core/task.ts";

export interface Join {
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
export interface JoinStep {
  join: string;
  upstream: string;
  was: StateType | null;
  is: StateType | null;
}

export type Decision = "wait" | "go" | "fail";

export function decisionOf({ left, failed, allowFailure }: Join): Decision {
  if (failed > 0 && !allowFailure) return "fail";
  return left > 0 ? "wait" : "go";
}

/** The join after a step. */
export function stepped(join: Join, { upstream, was, is }: Omit<JoinStep, "join">): Join {
  const next = { ...join };
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
  readonly #known: VersionCache<Join>;

  constructor(kv: KvPort) {
    this.#known = new VersionCache(kv, keys.join, KNOWN_KEPT);
  }

  /** All joins that these steps touch, after them. */
  async merge(steps: JoinStep[]): Promise<Merged> {
    const merged: Merged = { checks: [], writes: [], applied: () => {} };
    const byJoin = Map.groupBy(steps, ({ join }) => join);
    const loaded = await this.#known.load([...byJoin.keys()]);
    const next = new Map<string, Join>();
    // One that is not there has let its task go, or its task is gone.
    for (const [id, { value, versionstamp }] of loaded) {
      const join = byJoin.get(id)!.reduce(stepped, value);
      merged.checks.push({ key: keys.join(id), versionstamp });
      merged.writes.push(joinWrite(id, join));
      next.set(id, join);
      if (decisionOf(join) === decisionOf(value)) continue;
      merged.writes.push(noteWrite(id));
    }
    merged.applied = (versionstamp) => {
      for (const [id, value] of next) this.#known.remember(id, { value, versionstamp });
    };
    return merged;
  }

  /** A unit wrote it by itself: its task begins to wait, or is let go. */
  wrote(id: string, join: Join | undefined, versionstamp: string): void {
    if (join) this.#known.remember(id, { value: join, versionstamp });
    else this.#known.forget(id);
  }

  /** As this process last wrote it, if it is remembered: a hint. */
  known(id: string): Known<Join> | undefined {
    return this.#known.get(id);
  }

  distrust(): void {
    this.#known.distrust();
  }
}

export function joinWrite(id: string, join: Join): Write {
  return { key: keys.join(id), value: join };
}

/** Asks the follower to look at a task, or at a seal. */
export function noteWrite(id: string): Write {
  return { key: keys.outbox(id), value: true };
}
