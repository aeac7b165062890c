// CPU-bound work: `thread` gives it a worker thread of its own, so that it blocks nothing else. It may be one
// synchronous loop that ignores the signal: after a cancel or a timeout it ends where it reports progress.

import { z } from "zod";
import { define } from "../runtime/core/define.ts";

/**
 * Odd numbers per segment, a byte each: small enough for a CPU's cache, and all the memory that is
 * needed.
 */
const SEGMENT_LENGTH = 2 ** 18;

export const primes = define(
  {
    name: "primes",
    description: "Counts the primes below a limit.",
    input: z.object({ limit: z.int().min(0).max(1e9).describe("Exclusive") }),
    output: z.int(),
    thread: import.meta.url,
  },
  ({ input, progress }) => countPrimesBelow(input.limit, progress),
);

/** The segmented sieve of Eratosthenes over the odd numbers: the number `2 * i + 1` has the index `i`. */
function countPrimesBelow(limit: number, progress: (current: number, total: number) => void): number {
  if (limit <= 2) return 0;
  const oddNumbers = Math.floor(limit / 2);
  const sieving = oddPrimesUpTo(Math.sqrt(limit));
  // Where each prime's next odd multiple lies; all below its square were crossed out by smaller primes.
  const nextMultiples = sieving.map((prime) => (prime * prime - 1) / 2);
  const segment = new Uint8Array(Math.min(SEGMENT_LENGTH, oddNumbers));
  const progressStep = Math.ceil(oddNumbers / SEGMENT_LENGTH / 100) * SEGMENT_LENGTH;

  let count = 0; // Of odd numbers left over: 1 is among them, and stands for the prime 2.
  for (let start = 0; start < oddNumbers; start += SEGMENT_LENGTH) {
    const length = Math.min(SEGMENT_LENGTH, oddNumbers - start);
    segment.fill(0);
    for (let k = 0; k < sieving.length; k++) {
      let index = nextMultiples[k] - start;
      for (; index < length; index += sieving[k]) segment[index] = 1;
      nextMultiples[k] = start + index;
    }
    for (let index = 0; index < length; index++) count += 1 - segment[index];
    if (start % progressStep === 0) progress(Math.min(limit, 2 * (start + length)), limit);
  }
  return count;
}

function oddPrimesUpTo(max: number): number[] {
  const found: number[] = [];
  for (let candidate = 3; candidate <= max; candidate += 2) {
    let isPrime = true;
    for (let k = 0; isPrime && found[k] ** 2 <= candidate; k++) isPrime = candidate % found[k] !== 0;
    if (isPrime) found.push(candidate);
  }
  return found;
}
