// The seal of a call that takes several commits: its tasks wait for it like for an upstream, so that none runs before
// all of them are there. A call that was cut off never gets one, and its tasks are cancelled after a while.

import { ConflictError } from "../core/errors.ts";
import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Store } from "../store/store.ts";

export interface Barrier {
  sealed: boolean;
  /** When it is given up. */
  until: number;
  /** Who works at the call: of two, only the last one goes on. */
  by: string;
  givenUp?: true;
}

const PREFIX = "seal-";

/** Longer than any call takes, with all its repeats under an idempotency key. */
export const CUT_OFF_AFTER_MS = 10 * 60 * 1000;

/** A call is known by its first task. */
export function barrierOf(firstId: string): string {
  return PREFIX + firstId;
}

export function isBarrier(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** A seal is remembered for those who have to find out what became of their commit. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

export const TOO_LATE = "the call took so long that it was given up: what it had stored is cancelled";

/** What the first commit of a call writes, and how it finds out afterwards that the seal is its own. */
export interface Opening {
  seal: string;
  by: string;
  /** The seal, and the timer that gives it up. */
  writes: Write[];
  /** @throws {ConflictError} if another call has taken it up. */
  mine(): Promise<{ key: Deno.KvKey; versionstamp: string | null }>;
}

/**
 * The seal of a call that begins, or is taken up again.
 *
 * @throws {ConflictError} if it was given up.
 */
export async function openBarrier({ kv, ids }: Store, seal: string, now: number): Promise<Opening> {
  const key = keys.seal(seal);
  const { value } = await kv.get<Barrier>(key);
  if (value?.givenUp) throw new ConflictError(TOO_LATE);
  const by = ids.token();
  const until = now + CUT_OFF_AFTER_MS;
  const writes: Write[] = [
    { key, value: { sealed: false, until, by } satisfies Barrier },
    { key: keys.due("unseal", until, seal), value: null },
  ];
  if (value && value.until !== until) writes.push({ key: keys.due("unseal", value.until, seal) });
  return {
    seal,
    by,
    writes,
    async mine() {
      const { value, versionstamp } = await kv.get<Barrier>(key);
      if (value?.by !== by) throw new ConflictError("another call with this idempotency key took it up");
      if (value.givenUp) throw new ConflictError(TOO_LATE);
      return { key, versionstamp };
    },
  };
}

/** @throws {ConflictError} if nothing more may come to it. */
export async function requireNotGivenUp({ kv }: Store, seal: string): Promise<void> {
  if ((await kv.get<Barrier>(keys.seal(seal))).value?.givenUp) throw new ConflictError(TOO_LATE);
}

/** All is there. */
export function sealed(seal: string, { until, by }: Barrier, now: number): Write[] {
  return [
    {
      key: keys.seal(seal),
      value: { sealed: true, until, by } satisfies Barrier,
      expireAt: now + REMEMBERED_MS,
    },
    { key: keys.due("unseal", until, seal) },
  ];
}

/** Nothing more may come to it. */
export function givenUp(seal: string, { until, by }: Barrier, now: number): Write {
  const value: Barrier = { sealed: false, until, by, givenUp: true };
  return { key: keys.seal(seal), value, expireAt: now + REMEMBERED_MS };
}
