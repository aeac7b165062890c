// Real time without deadlines: what is to come after a second or more never comes. So what a test waits for
// comes by an event, or the test hangs and is told so.

import { type Clock, systemClock } from "../../runtime/platform/clock.ts";
import { HANGS_MS } from "./waiting.ts";

const LEAST_DEADLINE_MS = 1_000;
const NEVER_MS = 10 * HANGS_MS;

export const patientClock: Clock = {
  ...systemClock,
  timer: (fn, ms) => systemClock.timer(fn, ms < LEAST_DEADLINE_MS ? ms : NEVER_MS),
};
