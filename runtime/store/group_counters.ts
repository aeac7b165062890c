// Groups count their tasks' ends and keep a dense log of them, which is what a stream of completions resumes on.
// Both are written in the very commit that ends the tasks, once per commit and group, so neither can miss or
// double an end.

import type { Clock } from "../platform/clock.ts";
import { concurrencyLimitId, keys } from "../platform/keys.ts";
import type { KvLimits, KvPort, Write } from "../platform/kv.ts";
import { type Merged, VersionCache } from "./version_cache.ts";
import type { StateType } from "../core/task.ts";

export interface GroupRecord {
  id: string;
  /** How many tasks it counts. */
  total: number;
  /** Length of the completion log. */
  log: number;
  /** Tasks that have ended, by state. */
  ended: Partial<Record<StateType, number>>;
  createdAt: number;
  /** So many of its tasks run at once (concurrency_limit.ts). */
  maxConcurrent?: number;
  /** Tasks that have ended before they were let in, less those that were let in, have ended, and are run again. */
  outside?: number;
}

/** What one step of a task means to one of its groups: it ended (`is`), or its end (`was`) was taken back. */
export interface GroupStep {
  group: string;
  id: string;
  was: StateType | null;
  is: StateType | null;
  /** It has ended before: it was retried since. */
  again: boolean;
  /** 1 if it ended before the group's window let it in, -1 if it is to be run again behind it. */
  outside: number;
}

/** What an entry of the log says beside its key. */
export interface LogValue {
  type: StateType;
  again: boolean;
}

const MOST_GROUPS_OF_A_TASK = 8;

/** A task's every end is counted by each of its groups in the same commit, so it can be in a few only. */
export function mostGroupsOf(limits: KvLimits): number {
  return Math.min(MOST_GROUPS_OF_A_TASK, limits.checks - 4);
}

/** A group is kept this long after its last change. */
export const GROUP_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const KNOWN_KEPT = 100;

export class GroupCounters {
  readonly #known: VersionCache<GroupRecord>;

  constructor(kv: KvPort, private readonly clock: Clock) {
    this.#known = new VersionCache(kv, keys.group, KNOWN_KEPT);
  }

  /** The group's record and log entries after all of these steps. */
  async merge(steps: GroupStep[]): Promise<Merged> {
    const byGroup = Map.groupBy(steps, ({ group }) => group);
    const merged: Merged = { checks: [], writes: [], applied: () => {} };
    const next = new Map<string, GroupRecord>();
    const now = this.clock.now();
    const expireAt = now + GROUP_RETENTION_MS;
    // One that is not there is past its retention: nobody can ask for it any more.
    for (const [group, known] of await this.#known.load([...byGroup.keys()])) {
      const record = { ...known.value, ended: { ...known.value.ended } };
      for (const { id, was, is, again, outside } of byGroup.get(group)!) {
        if (outside !== 0) record.outside = (record.outside ?? 0) + outside;
        if (was) record.ended[was] = (record.ended[was] ?? 0) - 1;
        if (is) {
          record.ended[is] = (record.ended[is] ?? 0) + 1;
          record.log++;
          merged.writes.push({
            key: keys.groupDone(group, record.log, id),
            value: { type: is, again } satisfies LogValue,
            expireAt,
          });
        }
      }
      if (record.maxConcurrent !== undefined) {
        merged.writes.push({ key: keys.outbox(concurrencyLimitId(group)), value: true });
      }
      merged.checks.push({ key: keys.group(group), versionstamp: known.versionstamp });
      merged.writes.push(groupWrite(record, now));
      next.set(group, record);
    }
    merged.applied = (versionstamp) => {
      for (const [group, value] of next) this.#known.remember(group, { value, versionstamp });
    };
    return merged;
  }

  distrust(): void {
    this.#known.distrust();
  }
}

/** How many of its tasks have ended. */
export function doneOf({ ended }: Pick<GroupRecord, "ended">): number {
  return Object.values(ended).reduce((sum, count) => sum + count, 0);
}

export async function groupRecord(kv: KvPort, group: string): Promise<GroupRecord | null> {
  return (await kv.get<GroupRecord>(keys.group(group))).value;
}

/** Says how many tasks a group has, whatever it said before. */
export async function setTotal(kv: KvPort, clock: Clock, group: string, total: number): Promise<void> {
  const key = keys.group(group);
  for (;;) {
    const { value, versionstamp } = await kv.get<GroupRecord>(key);
    if (!value || value.total === total) return;
    const atomic = kv.atomic().check({ key, versionstamp });
    kv.write(atomic, groupWrite({ ...value, total }, clock.now()), clock.now());
    if ((await kv.commit(atomic)).ok) return;
  }
}

/** How a group's record is written. */
export function groupWrite(record: GroupRecord, now: number): Write {
  return { key: keys.group(record.id), value: record, expireAt: now + GROUP_RETENTION_MS };
}
