import { type Entry, isForgotten, type Stored, typeOf } from "../core/task.ts";
import type { TimerLoop } from "../maintenance/timer_loop.ts";

/** A timer that this process has written need not be found by reading. */
export function expectTimers(timers: TimerLoop, { record }: Entry<Stored>): void {
  if (isForgotten(record)) return timers.expect(record.forgottenAt);
  if (typeOf(record) === "SCHEDULED") timers.expect(record.runAt);
  if (record.rateAt !== undefined) timers.expect(record.rateAt);
  if (record.expiresAt !== null && record.startedAt === null) timers.expect(record.expiresAt);
}
