// The demo tasks: what the docs and the tests use.

import { add } from "./add.ts";
import { countdown } from "./countdown.ts";
import { digest } from "./digest.ts";
import { echo } from "./echo.ts";
import { fail } from "./fail.ts";
import { primes } from "./primes.ts";
import { sleep } from "./sleep.ts";
import { tally } from "./tally.ts";

/** Served where DEMO_TASKS=true, and loaded only there. */
export const demo = { add, echo, sleep, fail, countdown, primes, digest, tally };
