// Lets in tasks that wait for a slot of a limit, as many as have room, in their order. The commit itself
// decides which of them get their slots (store/limit_counters.ts); one that meets another full limit waits
// there from then on.

import { parkedAt } from "../core/limits.ts";
import { type Entry, isForgotten, type TaskRecord } from "../core/task.ts";
import { admittedToLimit } from "../core/transitions.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { limitSubject } from "../platform/outbox_subject.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { hasRoom, type LimitCounter, mostOf } from "../store/limit_tally.ts";
import type { Store } from "../store/store.ts";

/** Checks of a commit that are not about an admitted task: the outbox entry, its limits, the rules. */
const SPARE_CHECKS = 6;
const MOST_AT_ONCE = 100;

/**
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if something has changed meanwhile.
 */
export async function admitParked(
  store: Store,
  name: string,
  outboxVersion: string,
  atOnce: number = Math.min(MOST_AT_ONCE, Math.max(1, store.kv.limits.checks - SPARE_CHECKS)),
): Promise<boolean> {
  const { kv, clock } = store;
  const outbox = keys.outbox(limitSubject(name));
  const options: UnitOptions = {
    checks: [{ key: outbox, versionstamp: outboxVersion }],
    writes: [{ key: outbox }],
  };
  const [{ value, versionstamp }, first] = await Promise.all([
    kv.get<LimitCounter>(keys.limit(name)),
    kv.list({ prefix: prefixes.parked(name) }, { limit: atOnce }),
  ]);
  const most = value && mostOf(value);
  const room = value === null || !hasRoom(value) ? 0 : most === null ? atOnce : most - value.held;
  const page = room > 0 ? first.slice(0, room) : [];
  if (page.length === 0) {
    // Nobody waits, whatever the counter says.
    if (value !== null && room > 0 && value.waiting > 0) {
      options.checks!.push({ key: keys.limit(name), versionstamp });
      options.limitSteps = [{ name, held: 0, waiting: -value.waiting }];
    }
    return await store.commit("submit", [], options) !== null;
  }
  const entries = await store.readMany(page.map(({ key }) => parse.parked(key)));
  const changes = page.flatMap(({ key }, i): Change[] => {
    const entry = entries[i];
    if (entry && !isForgotten(entry.record) && parkedAt(entry.record) === name) {
      return [{ before: entry as Entry, next: admittedToLimit(entry.record as TaskRecord, clock.now()) }];
    }
    // A record and its key are written together: only a fault of the database leaves one behind.
    options.writes!.push({ key });
    return [];
  });
  if (atOnce > 1 && !store.fits(changes, options)) {
    return await admitParked(store, name, outboxVersion, Math.ceil(atOnce / 2));
  }
  return await store.commit("submit", changes, options) !== null;
}
