// Groups: tasks that are waited for together. A group counts the ends of its tasks (group_log.ts); this file makes
// groups of existing tasks and tells how a group stands.

import type { Waiting } from "./entries.ts";
import { ConflictError, NotFoundError } from "./errors.ts";
import { type GroupRecord, groupWrite, type LogValue } from "./group_log.ts";
import { keys, prefixes } from "./keys.ts";
import type { Store } from "./store.ts";
import { byEnd, present } from "./waiting.ts";
import { isForgotten, isTerminal, type StateType, typeOf } from "./task.ts";

export interface GroupStatus {
  id: string;
  total: number;
  /** How many have ended. */
  done: number;
  /** How many tasks are in each state; states without a task are left out. */
  counts: Partial<Record<StateType, number>>;
  createdAt: number;
}

/** A task's every end is counted by each of its groups in the same commit, so it can be in a few only. */
export const MOST_GROUPS_OF_A_TASK = 8;
const MOST_DRIVEN = 100_000;
const PER_READ = 500;

export class Groups {
  constructor(private readonly store: Store) {}

  /**
   * Makes a group of existing tasks; those that have ended are in its log at once.
   *
   * @throws {NotFoundError | ForgottenError | ConflictError} before anything is written, for a task that is not there
   *   or is in too many groups.
   */
  async create(ids: string[]): Promise<GroupStatus> {
    const { store } = this;
    const members = [...new Set(ids)];
    const entries = present(await store.readMany(members), members, ids);
    for (const { record } of entries) {
      if (record.groups.length < MOST_GROUPS_OF_A_TASK) continue;
      const pointer = `/ids/${ids.indexOf(record.id)}`;
      throw new ConflictError(`task ${record.id} is in ${MOST_GROUPS_OF_A_TASK} groups already`, pointer);
    }
    const id = store.ids.id();
    const now = store.clock.now();
    const group: GroupRecord = { id, total: members.length, log: 0, ended: {}, createdAt: now };
    // The group first: a task that ends in between must find its counters.
    await store.kv.writeBlind([groupWrite(group, now)], now);
    // Those that have ended come into the log in the order in which they did.
    const joins = entries.toSorted(byEnd).map((entry) => {
      return store.update("settle", entry.record.id, ({ record }) => {
        return isForgotten(record) ? null : { next: { ...record, groups: [...record.groups, id] } };
      }, entry);
    });
    const lost = (await Promise.all(joins)).filter((joined) => !joined).length;
    if (lost > 0) await this.#shrink(id, lost);
    return await this.status(id);
  }

  /** Members that were forgotten while the group was made are not waited for. */
  async #shrink(id: string, lost: number): Promise<void> {
    const { kv, clock } = this.store;
    const key = keys.group(id);
    for (;;) {
      const { value, versionstamp } = await kv.get<GroupRecord>(key);
      const write = groupWrite({ ...value!, total: value!.total - lost }, clock.now());
      const atomic = kv.atomic().check({ key, versionstamp });
      kv.write(atomic, write, clock.now());
      const result = await kv.commit(atomic);
      if (result.ok) return;
    }
  }

  async record(id: string): Promise<GroupRecord> {
    const { value } = await this.store.kv.get<GroupRecord>(keys.group(id));
    if (!value) throw new NotFoundError("group", id);
    return value;
  }

  /** @throws {NotFoundError} */
  async status(id: string): Promise<GroupStatus> {
    const { total, ended, createdAt } = await this.record(id);
    const counts: Partial<Record<StateType, number>> = {};
    let done = 0;
    for (const [type, count] of Object.entries(ended) as [StateType, number][]) {
      if (count > 0) counts[type] = count;
      done += count;
    }
    // What runs or waits for its time is counted from leases and timers; the rest waits in the queue.
    let waiting = total - done;
    if (waiting > 0) {
      for (const type of [...await this.#running(id), ...await this.#scheduled(id)].slice(0, waiting)) {
        counts[type] = (counts[type] ?? 0) + 1;
        waiting--;
      }
      if (waiting > 0) counts.PENDING = waiting;
    }
    return { id, total, done, counts, createdAt };
  }

  /** Ids of its tasks that have not ended, at most `limit`. */
  async unfinished(id: string, limit: number): Promise<string[]> {
    const prefix = prefixes.index("group", id);
    const unfinished: string[] = [];
    for (let start: Deno.KvKey = [...prefix, ""]; unfinished.length < limit;) {
      const page = await this.store.kv.list({ prefix, start }, { limit: PER_READ });
      const ids = page.map(({ key }) => key[3] as string);
      const entries = await this.store.readMany(ids);
      unfinished.push(...ids.filter((_, i) => {
        const record = entries[i]?.record;
        return record && !isForgotten(record) && !isTerminal(record);
      }));
      if (page.length < PER_READ) break;
      start = [...prefix, `${ids[ids.length - 1]}\0`];
    }
    return unfinished.slice(0, limit);
  }

  /** Ids of all its tasks, at most `limit`. */
  async members(id: string, limit: number): Promise<string[]> {
    const page = await this.store.kv.list({ prefix: prefixes.index("group", id) }, { limit });
    return page.map(({ key }) => key[3] as string);
  }

  /** Entries `from` (1 is the first) and later of the completion log, at most `limit`. */
  async log(
    id: string,
    from: number,
    limit: number,
  ): Promise<{ seq: number; task: string; again: boolean }[]> {
    const prefix = prefixes.groupDone(id);
    const page = await this.store.kv.list<LogValue>({ prefix, start: [...prefix, from] }, { limit });
    return page.map(({ key, value }) => ({
      seq: key[3] as number,
      task: key[4] as string,
      again: value.again,
    }));
  }

  async #running(group: string): Promise<StateType[]> {
    const leases = await this.store.kv.list<string[]>({ prefix: prefixes.leases }, { limit: MOST_DRIVEN });
    const entries = await this.store.readMany([...new Set(leases.flatMap(({ value }) => value))]);
    return entries.flatMap((entry) => {
      const record = entry?.record;
      const runs = record && !isForgotten(record) && record.lease !== null && record.groups.includes(group);
      return runs ? [typeOf(record)] : [];
    });
  }

  async #scheduled(group: string): Promise<StateType[]> {
    const timers = await this.store.kv.list<Waiting>({ prefix: prefixes.due("start") }, {
      limit: MOST_DRIVEN,
    });
    return timers.flatMap(({ value }) => value.groups.includes(group) ? ["SCHEDULED" as const] : []);
  }
}
