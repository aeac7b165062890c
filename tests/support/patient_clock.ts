// Real time without deadlines: timers of a second or more never fire. So a test waits for an event, or it
// hangs and is told so.

import { type Clock, systemClock } from "../../runtime/platform/clock.ts";
import { HANGS_MS } from "./waiting.ts";

const LEAST_DEADLINE_MS = 1_000;
const NEVER_MS = 10 * HANGS_MS;

export const patientClock: Clock = {
  ...systemClock,
  timer: (fn, ms) => systemClock.timer(fn, ms < LEAST_DEADLINE_MS ? ms : NEVER_MS),
};
