// Ids as a port. Task ids are UUIDv7 (RFC 9562), so that keys sort by time. Within a process each id is
// larger than the one before, also within a millisecond.

import type { Clock } from "./clock.ts";

export interface Ids {
  id(): string;
  /** A short text that no other call returns: lease tokens, op ids, worker ids. */
  token(): string;
  /** Evenly spread in [0, 1): jitter. */
  random(): number;
}

/** @param fill source of random bytes: with a seeded one, a run can be repeated */
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
        // Half of the 32-bit counter stays free: it cannot overflow within a millisecond.
        seq = new DataView(bytes.buffer).getUint32(6) >>> 1;
      } else {
        seq++;
      }
      return uuidV7(msecs, seq, bytes);
    },
    token: () => `${prefix}-${(++tokens).toString(36)}`,
    random() {
      fill(bytes);
      return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
    },
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** RFC 9562, 5.7: milliseconds, a counter of 32 bits, and the last 42 bits of `random`. */
function uuidV7(ms: number, seq: number, random: Uint8Array): string {
  const high = Math.floor(ms / 2 ** 16);
  return HEX[high >>> 24] + HEX[high >>> 16 & 0xff] + HEX[high >>> 8 & 0xff] + HEX[high & 0xff] + "-" +
    HEX[ms >>> 8 & 0xff] + HEX[ms & 0xff] + "-" +
    HEX[0x70 | seq >>> 28] + HEX[seq >>> 20 & 0xff] + "-" +
    HEX[0x80 | seq >>> 14 & 0x3f] + HEX[seq >>> 6 & 0xff] + "-" +
    HEX[seq << 2 & 0xff | random[10] & 0x03] + HEX[random[11]] + HEX[random[12]] + HEX[random[13]] +
    HEX[random[14]] + HEX[random[15]];
}

function randomHex(fill: (bytes: Uint8Array<ArrayBuffer>) => void, length: number): string {
  const bytes = new Uint8Array(length);
  fill(bytes);
  return Array.from(bytes, (byte) => HEX[byte]).join("");
}

function fillFromCrypto(bytes: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(bytes);
}

/** The most that clocks of machines differ: a list by time looks this much further. */
export const MAX_CLOCK_SKEW_MS = 60_000;

/**
 * True if an id is a UUIDv7 of about now, and so sorts by time. Callers' own ids may not be, nor ids that are
 * drawn after the clock was set back: those continue from the later time.
 */
export function hasCurrentTime(id: string, now: number): boolean {
  return id[14] === "7" && Math.abs(idTime(id) - now) < MAX_CLOCK_SKEW_MS;
}

/** The milliseconds of a UUIDv7. */
export function idTime(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
