// Groups count their tasks' ends and keep a dense log of them, which is what a stream of completions resumes on.
// Both are written in the very commit that ends the tasks, once per commit and group, so neither can miss or
// double an end.

import type { Clock } from "./clock.ts";
import { keys } from "./keys.ts";
import type { KvPort, Write } from "./kv.ts";
import type { StateType } from "./task.ts";

export interface GroupRecord {
  id: string;
  /** How many tasks it counts. */
  total: number;
  /** Length of the completion log. */
  log: number;
  /** Tasks that have ended, by state. */
  ended: Partial<Record<StateType, number>>;
  createdAt: number;
}

/** What one step of a task means to one of its groups: it ended (`is`), or its end (`was`) was taken back. */
export interface GroupStep {
  group: string;
  id: string;
  was: StateType | null;
  is: StateType | null;
  /** It has ended before: it was retried since. */
  again: boolean;
}

/** What an entry of the log says beside its key. */
export interface LogValue {
  type: StateType;
  again: boolean;
}

export interface Merged {
  checks: { key: Deno.KvKey; versionstamp: string | null }[];
  writes: Write[];
  /** To be called when the commit was applied. */
  applied(versionstamp: string): void;
}

interface Known {
  record: GroupRecord;
  versionstamp: string;
}

/** A group is kept this long after its last change. */
const GROUP_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const KNOWN_KEPT = 100;

export class GroupLog {
  /** Groups as this process last wrote them; the commit checks that nobody else has written since. */
  #known = new Map<string, Known>();

  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  /** The group's record and log entries after all of these steps. */
  async merge(steps: GroupStep[]): Promise<Merged> {
    const byGroup = Map.groupBy(steps, ({ group }) => group);
    const merged: Merged = { checks: [], writes: [], applied: () => {} };
    const next = new Map<string, GroupRecord>();
    const now = this.clock.now();
    const expireAt = now + GROUP_RETENTION_MS;
    for (const [group, groupSteps] of byGroup) {
      const known = await this.#load(group);
      if (!known) continue; // Its retention is over: nobody can ask for it any more.
      const record = { ...known.record, ended: { ...known.record.ended } };
      for (const { id, was, is, again } of groupSteps) {
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
      merged.checks.push({ key: keys.group(group), versionstamp: known.versionstamp });
      merged.writes.push(groupWrite(record, now));
      next.set(group, record);
    }
    merged.applied = (versionstamp) => {
      for (const [group, record] of next) this.#remember(group, { record, versionstamp });
    };
    return merged;
  }

  /** Forgets what was remembered: a commit failed, so somebody else may have written. */
  distrust(): void {
    this.#known.clear();
  }

  async #load(group: string): Promise<Known | null> {
    const known = this.#known.get(group);
    if (known) return known;
    const { value, versionstamp } = await this.kv.get<GroupRecord>(keys.group(group));
    return value === null ? null : { record: value, versionstamp: versionstamp! };
  }

  #remember(group: string, known: Known): void {
    this.#known.delete(group);
    this.#known.set(group, known);
    if (this.#known.size > KNOWN_KEPT) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** How a group's record is written. */
export function groupWrite(record: GroupRecord, now: number): Write {
  return { key: keys.group(record.id), value: record, expireAt: now + GROUP_RETENTION_MS };
}
