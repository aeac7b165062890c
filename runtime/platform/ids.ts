// Ids as a port. Task ids are UUIDv7 (RFC 9562), so that keys sort by the time of their making;
// within a process they rise strictly, also when several fall into one millisecond.

import { v7 } from "uuid";
import type { Clock } from "./clock.ts";

export interface Ids {
  /** A UUIDv7. */
  id(): string;
  /** A short random text, unique for practical purposes: lease tokens, op ids, worker ids. */
  token(): string;
  /** Evenly spread in [0, 1): jitter. */
  random(): number;
}

/** Ids from a clock and a source of random bytes; hand in a seeded source to make a run repeatable. */
export function makeIds(clock: Clock, fill: (bytes: Uint8Array<ArrayBuffer>) => void = fillFromCrypto): Ids {
  const bytes = new Uint8Array(16);
  let msecs = 0;
  let seq = 0;
  const prefix = randomHex(fill, 6);
  let tokens = 0;
  return {
    id() {
      fill(bytes);
      const now = clock.now();
      if (now > msecs) {
        msecs = now;
        // Half of the 32-bit counter stays free, so it cannot run over within a millisecond.
        seq = new DataView(bytes.buffer).getUint32(6) >>> 1;
      } else {
        seq++;
      }
      return v7({ msecs, seq, random: bytes });
    },
    token: () => `${prefix}-${(++tokens).toString(36)}`,
    random() {
      fill(bytes);
      return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
    },
  };
}

function randomHex(fill: (bytes: Uint8Array<ArrayBuffer>) => void, length: number): string {
  const bytes = new Uint8Array(length);
  fill(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fillFromCrypto(bytes: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(bytes);
}

/** An id made by another machine a moment ago; lists by time look this much further. */
export const MAX_CLOCK_SKEW_MS = 60_000;

/**
 * True if an id is a UUIDv7 of this moment, so that it sorts like all others. Ids of callers' own may not be, nor those
 * that are drawn after the clock was set back: they go on from the later time.
 */
export function hasCurrentTime(id: string, now: number): boolean {
  return id[14] === "7" && Math.abs(parseInt(id.slice(0, 8) + id.slice(9, 13), 16) - now) < MAX_CLOCK_SKEW_MS;
}
