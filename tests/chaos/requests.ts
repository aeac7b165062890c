// What the load asks for, drawn by chance.

import { WORK } from "./definitions.ts";
import { MOST_OF_A_LIMIT } from "./checks.ts";
import type { Asked } from "./lines.ts";
import type { Random } from "../support/random.ts";

/**
 * Longer than a graceful stop waits. One of these is run once, so that the end of it all does not wait for
 * it.
 */
const LONG_MS = 4_500;

export function aTask(random: Random, key: string | null): { body: object; asked: Asked } {
  const maxAttempts = random.chance(0.3) ? random.int(2, 4) : 1;
  const ms = durationMs(random);
  const failures = ms >= LONG_MS ? 0 : failuresOf(random, maxAttempts);
  const asked: Asked = {
    failures,
    maxAttempts,
    // Few crashes are enough for some of them to end CRASHED.
    maxCrashes: random.chance(0.2) ? random.int(0, 1) : 20,
    delayMs: random.chance(0.15) ? random.int(100, 3_000) : 0,
    padding: random.chance(0.03) ? random.int(15_000, 40_000) : 0,
    limit: random.chance(0.2) ? `limit-${random.int(1, 3)}` : undefined,
  };
  const input = {
    ms,
    failures,
    reports: random.chance(0.25),
    padding: "x".repeat(asked.padding),
  };
  const options = {
    maxCrashes: asked.maxCrashes,
    delayMs: asked.delayMs,
    priority: random.int(-2, 2),
    retry: { maxAttempts, delayMs: 100, factor: 2, jitter: true },
    metadata: key === null ? {} : { key },
    concurrency: asked.limit && { key: asked.limit, limit: MOST_OF_A_LIMIT },
  };
  return { body: { task: WORK, input, options }, asked };
}

function durationMs(random: Random): number {
  if (random.chance(0.015)) return random.int(LONG_MS, 7_000);
  return random.chance(0.1) ? random.int(500, 1_500) : random.int(0, 200);
}

/** Up to all of its attempts. */
function failuresOf(random: Random, maxAttempts: number): number {
  if (maxAttempts > 1) return random.int(0, maxAttempts);
  return random.chance(0.05) ? 1 : 0;
}
