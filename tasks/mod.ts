// The definitions of the service in this repository. A program of your own needs its own folder: `deno task
// new -- my-app` makes one.

import { add } from "./add.ts";
import { countdown } from "./countdown.ts";
import { digest } from "./digest.ts";
import { echo } from "./echo.ts";
import { fail } from "./fail.ts";
import { primes } from "./primes.ts";
import { sleep } from "./sleep.ts";
import { tally } from "./tally.ts";

/** To add a task of yours: write a file beside this one and name it here. */
export const own = {};

/** Served where DEMO_TASKS=true; what the docs and the tests use. */
export const demo = { add, echo, sleep, fail, countdown, primes, digest, tally };

/** For `Client<typeof definitions>`. */
export const definitions = { ...own, ...demo };
