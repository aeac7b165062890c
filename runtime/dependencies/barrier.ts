// The barrier of a call that takes several commits. Its tasks wait for it as for an upstream, so none of them
// starts before all are stored. A call that is cut off never lifts its barrier: a timer then cancels what it
// had stored.

import { ConflictError } from "../core/errors.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";
import type { Store } from "../store/store.ts";
import { edgesOf } from "./edges.ts";

export interface Barrier {
  sealed: boolean;
  until: number;
  /** Which process works at the call: of two, only the last one may go on. */
  by: string;
  /** It was abandoned: no more tasks may be stored behind it. */
  givenUp?: true;
}

/** Longer than any call takes, with all its repeats under an idempotency key. */
export const CUT_OFF_AFTER_MS = 10 * 60 * 1000;

/** Callers may still have to find out what became of their commit. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

export const TOO_LATE = "the call took so long that it was given up: what it had stored is cancelled";

/** What the first commit of a call writes, and how the call confirms that the barrier is its own. */
export interface RaisedBarrier {
  barrier: string;
  by: string;
  writes: Write[];
  /** Abandons it. Each commit of the call renews it. */
  timer: Write;
  confirm(): Promise<Deno.AtomicCheck>;
}

/**
 * Prepares the barrier of a call that begins, or is taken up again.
 *
 * @throws {ConflictError} if it was abandoned.
 */
export async function raiseBarrier(
  { kv, ids }: Store,
  barrier: string,
  now: number,
): Promise<RaisedBarrier> {
  const key = keys.barrier(barrier);
  const { value } = await kv.get<Barrier>(key);
  if (value?.givenUp) throw new ConflictError(TOO_LATE);
  const by = ids.token();
  const until = now + CUT_OFF_AFTER_MS;
  const writes: Write[] = [
    { key, value: { sealed: false, until, by } satisfies Barrier },
  ];
  if (value && value.until !== until) writes.push({ key: keys.due("unseal", value.until, barrier) });
  return {
    barrier,
    by,
    writes,
    timer: { key: keys.due("unseal", until, barrier), value: null },
    async confirm() {
      const { value, versionstamp } = await kv.get<Barrier>(key);
      if (value?.by !== by) throw new ConflictError("another call with this idempotency key took it up");
      if (value.givenUp) throw new ConflictError(TOO_LATE);
      return { key, versionstamp };
    },
  };
}

export async function requireNotAbandoned({ kv }: Store, barrier: string): Promise<void> {
  if ((await kv.get<Barrier>(keys.barrier(barrier))).value?.givenUp) throw new ConflictError(TOO_LATE);
}

export function liftBarrier(barrier: string, { until, by }: Barrier, now: number): Write[] {
  const value: Barrier = { sealed: true, until, by };
  return [
    { key: keys.barrier(barrier), value, expireAt: now + REMEMBERED_MS },
    { key: keys.due("unseal", until, barrier) },
  ];
}

export function abandonBarrier(barrier: string, { until, by }: Barrier, now: number): Write {
  const value: Barrier = { sealed: false, until, by, givenUp: true };
  return { key: keys.barrier(barrier), value, expireAt: now + REMEMBERED_MS };
}

/** Calls of several commits are few: those that are not over have a timer each. */
const TIMERS_PER_READ = 100;

/** True while the call that submits the task is not stored whole. */
export async function isBehindBarrier({ kv }: Store, task: string): Promise<boolean> {
  for await (const page of pages(kv, { prefix: prefixes.due("unseal") }, { size: TIMERS_PER_READ })) {
    for (const { key } of page) {
      const barrier = parse.due(key).id;
      if (await isRaised(kv, barrier) && await holdsBack(kv, barrier, task)) return true;
    }
  }
  return false;
}

async function isRaised(kv: KvPort, barrier: string): Promise<boolean> {
  const { value } = await kv.get<Barrier>(keys.barrier(barrier));
  return value !== null && !value.sealed && !value.givenUp;
}

async function holdsBack(kv: KvPort, barrier: string, task: string): Promise<boolean> {
  for await (const page of edgesOf(kv, barrier)) {
    if (page.some(({ value: { ids } }) => ids.includes(task))) return true;
  }
  return false;
}
