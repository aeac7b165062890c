// The seal of a call that takes several commits: its tasks wait for it like for an upstream, so that none runs before
// all of them are there. A call that was cut off never gets one, and its tasks are cancelled after a while.

import { keys } from "./keys.ts";
import type { Write } from "./kv.ts";

export interface Seal {
  sealed: boolean;
  /** When it is given up. */
  until: number;
  givenUp?: true;
}

const PREFIX = "seal-";

/** Longer than any call takes, with all its repeats under an idempotency key. */
const SEALED_WITHIN_MS = 10 * 60 * 1000;

/** A call is known by its first task. */
export function sealOf(firstId: string): string {
  return PREFIX + firstId;
}

export function isSeal(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** A seal is remembered for those who have to find out what became of their commit. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/** The seal of a call that begins, and the timer that gives it up. */
export function openSeal(seal: string, now: number): Write[] {
  const until = now + SEALED_WITHIN_MS;
  return [
    { key: keys.seal(seal), value: { sealed: false, until } satisfies Seal },
    { key: keys.due("unseal", until, seal), value: null },
  ];
}

/** All is there. */
export function sealed(seal: string, { until }: Seal, now: number): Write[] {
  return [
    { key: keys.seal(seal), value: { sealed: true, until } satisfies Seal, expireAt: now + REMEMBERED_MS },
    { key: keys.due("unseal", until, seal) },
  ];
}

/** Nothing more may come to it. */
export function givenUp(seal: string, { until }: Seal, now: number): Write {
  const value: Seal = { sealed: false, until, givenUp: true };
  return { key: keys.seal(seal), value, expireAt: now + REMEMBERED_MS };
}
