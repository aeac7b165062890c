// The definitions that this server knows. To add a task: write a file beside this one and name it here.

import { add } from "./add.ts";
import { countdown } from "./countdown.ts";
import { digest } from "./digest.ts";
import { echo } from "./echo.ts";
import { fail } from "./fail.ts";
import { primes } from "./primes.ts";
import { sleep } from "./sleep.ts";
import { tally } from "./tally.ts";

export const definitions = { add, echo, sleep, fail, countdown, primes, digest, tally };
