// How many tasks of a queue, or of a definition, run at once. It is a limit by key that no caller can name
// (core/imposed_limits.ts); its number stands in the limit's counter from the commit in which it is said.

import { UnavailableError } from "../core/errors.ts";
import { imposedKey, lacks, type LimitedKind, underLimits } from "../core/imposed_limits.ts";
import { limitName } from "../core/limits.ts";
import { type Entry, isForgotten, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import { admittedToLimit } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import type { RulesInForce } from "../store/limit_rules.ts";
import type { Store } from "../store/store.ts";
import { type Concurrency, type Control, mostAtOnce } from "./control_set.ts";
import type { Controls } from "./controls.ts";
import { newVersion } from "./pauses.ts";

export interface Limited {
  kind: LimitedKind;
  name: string;
}

/** Nothing was ever said. */
export const NO_CONCURRENCY: Concurrency = {
  override: null,
  overriddenAt: null,
  overriddenBy: null,
  base: null,
};

/** Another process may change the same at the same moment. */
const MOST_TRIES = 50;

/**
 * Resolves once what becomes ready in this process is under it; in others it is a second later. What runs
 * goes on, and is counted.
 *
 * @param next what becomes of what was said before; the same object for no change
 */
export async function changeConcurrency(
  store: Store,
  controls: Controls,
  { kind, name }: Limited,
  next: (before: Concurrency) => Concurrency,
): Promise<Concurrency> {
  const limit = limitName(imposedKey(kind, name), "");
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const known = await store.kv.get<Control>(keys.control(kind, name));
    const before = known.value?.concurrency ?? NO_CONCURRENCY;
    const concurrency = next(before);
    if (concurrency === before) return before;
    const isSaid = mostAtOnce(concurrency) !== null;
    const paused = known.value?.paused ?? null;
    const control: Control = isSaid ? { paused, concurrency } : { paused };
    controls.expect(kind, name, control);
    const most = mostAtOnce(concurrency);
    const rules: RulesInForce = most === null ? {} : { rule: { pattern: name, limit: most } };
    const value = isSaid || paused !== null ? control : undefined;
    const applied = await store.commit("settle", [], {
      checks: [known],
      writes: [{ key: keys.control(kind, name), value }, newVersion(store)],
      limitSteps: [{ name: limit, held: 0, waiting: 0, rules }],
    });
    await controls.lookAgain();
    if (!applied) continue;
    // Starts that were decided before are on disk, or will never be.
    await store.underWay();
    return concurrency;
  }
  throw new UnavailableError("others change the same limit again and again: look what holds, and try again");
}

/** What a call says: null takes back what was said. */
export function overridden(
  before: Concurrency,
  override: number | null,
  now: number,
  by: string | null,
): Concurrency {
  if (override === null) return { ...before, override, overriddenAt: null, overriddenBy: null };
  return { ...before, override, overriddenAt: now, overriddenBy: by };
}

/**
 * A task has become ready before its queue or its definition had a limit: it gets its slots now, or waits for
 * them in its place.
 *
 * @returns true if it is ready no more, so that it leaves its block
 */
export async function askLimits(store: Store, entry: Entry): Promise<boolean> {
  const asked = admittedToLimit(entry.record, store.clock.now());
  const next: TaskRecord = { ...asked, held: undefined, wentBack: true };
  const applied = await store.commit("submit", [{ before: entry, next }]);
  if (applied) return !isReady(applied[0].record);
  store.ready.forget(entry.record.id, entry.record.queue);
  return false;
}

/** Tasks that run were started before that: they get their slots, whether there is room or not. */
export async function countRunning(
  store: Store,
  controls: Controls,
  running: Iterable<Entry>,
): Promise<void> {
  if (!controls.hasLimits) return;
  const uncounted = Array.from(running).filter(({ record }) => controls.lacksLimits(record));
  await Promise.all(uncounted.map(({ record, versionstamp }) => {
    const step = ({ record: now }: Entry<Stored>) => {
      if (isForgotten(now) || now.lease === null || now.lease.token !== record.lease?.token) return null;
      const imposed = controls.imposedOn(now);
      return lacks(now, imposed) ? { next: { ...underLimits(now, imposed), held: true as const } } : null;
    };
    return store.update("settle", record.id, step, { record, versionstamp });
  }));
}
