// The tasks of times that have passed.

import type { Caller } from "../core/caller.ts";
import { ValidationError } from "../core/errors.ts";
import type { Submission } from "../core/submission.ts";
import { inTenant } from "../core/tenant.ts";
import { isoAt } from "../platform/clock.ts";
import { requireExpansion } from "./change.ts";
import type { ScheduleContext } from "./context.ts";
import { followed, MOST_ACTIVE } from "./decision.ts";
import { ownTasks } from "./own_tasks.ts";
import { keyOf, type ScheduleEntry, type ScheduleRecord, slotId, writesOf } from "./record.ts";

/** Milliseconds since the epoch, both included. */
export interface Range {
  from: number;
  to: number;
}

export interface Backfilled {
  /** The tasks that were submitted, in the order of their times. */
  tasks: { id: string; scheduledFor: number }[];
  /** How many times of the range had their tasks already. */
  existing: number;
}

export const MOST_BACKFILLED = 1_000;

/**
 * @throws {ValidationError}
 * @throws {ConflictError} if the schedule has changed, or one of the times was fired meanwhile.
 */
export async function backfill(
  { commands: { store }, submitter }: ScheduleContext,
  caller: Caller,
  { record, versionstamp }: ScheduleEntry,
  range: Range,
): Promise<Backfilled> {
  const times = timesIn(record, range, store.clock.now());
  const all = times.map((at) => ({ id: slotId(record, at), scheduledFor: at }));
  const stored = await store.peekMany(all.map(({ id }) => inTenant(id, record.tenant)));
  const tasks = all.filter((_, i) => stored[i] === null);
  if (tasks.length === 0) return { tasks, existing: all.length };
  const running = followed(record, (await ownTasks(store, [record]))[0]);
  const isChain = record.overlap !== "allow-all";
  const upstreamsOf = (place: number) => place === 0 ? running : [tasks[place - 1].id];
  const submissions = tasks.map(({ id, scheduledFor }, place): Submission => ({
    id,
    task: record.task,
    input: JSON.parse(record.input),
    options: isChain
      ? { ...record.options, waitFor: upstreamsOf(place), allowFailure: true }
      : record.options,
    schedule: { name: record.name, for: scheduledFor },
  }));
  const added = isChain ? tasks.slice(-1) : tasks;
  const active = [...running, ...added.map(({ id }) => id)].slice(-MOST_ACTIVE);
  await submitter.submit({
    batch: { submissions, pointerOf: (_, part) => part },
    guard: { key: keyOf(record), versionstamp },
    writes: () => writesOf(record, { ...record, active }),
    caller,
  });
  return { tasks, existing: all.length - tasks.length };
}

function timesIn(record: ScheduleRecord, { from, to }: Range, now: number): number[] {
  if (to > now) throw invalid("/to", `must not be in the future (got "${isoAt(to)}")`);
  if (to < from) throw invalid("/to", `must not be before from (got "${isoAt(to)}")`);
  const expansion = requireExpansion(record, null);
  const times: number[] = [];
  for (let slot = expansion.next(from - 1); slot && slot.at <= to; slot = expansion.next(slot.at)) {
    if (slot.isExcluded) continue;
    if (times.length === MOST_BACKFILLED) {
      const last = isoAt(times[times.length - 1]);
      throw invalid("/to", `has more than ${MOST_BACKFILLED} times behind from: go up to ${last} at first`);
    }
    times.push(slot.at);
  }
  return times;
}

function invalid(pointer: string, message: string): ValidationError {
  return new ValidationError([{ pointer, message }]);
}
