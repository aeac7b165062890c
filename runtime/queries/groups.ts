// Groups: tasks that are waited for together. A group counts the ends of its tasks (group_counters.ts).

import { NotFoundError } from "../core/errors.ts";
import type { StateType } from "../core/states.ts";
import { type Entry, typeOf } from "../core/task.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { doneOf, type GroupRecord, type LogValue } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { endOfGroup, failuresOf } from "../store/group_record.ts";
import { compensationErrors } from "./compensation_status.ts";
import { errorsOf, type GroupError, type LogEntry, type ReadLog } from "./group_errors.ts";
import { GroupMembers, presentOrNull } from "./group_members.ts";
import { type GroupStatus, statusOf } from "./group_status.ts";
import type { Notifier } from "./notifier.ts";
import type { ReturnWhen } from "./wait.ts";
import { Watch } from "./watch.ts";

const LOG_PER_READ = 500;

/** Why a group has not a value of each of its tasks. */
export interface GroupFailure {
  /** The first task that failed; if none did, the first that was cancelled. Null if that task is gone. */
  entry: Entry | null;
}

export class Groups {
  readonly members: GroupMembers;

  constructor(private readonly store: Store) {
    this.members = new GroupMembers(store);
  }

  /** @throws {NotFoundError} */
  async record(id: string): Promise<GroupRecord> {
    const { value } = await this.store.kv.get<GroupRecord>(keys.group(id));
    if (!value) throw new NotFoundError("group", id);
    return value;
  }

  /**
   * The group as soon as its first task has ended, the first has failed (a cancelled one does not count), or
   * all have ended; but after `waitMs` at the latest. Its counters say so, however many tasks it has.
   *
   * @throws {NotFoundError}
   */
  async when(
    id: string,
    returnWhen: ReturnWhen,
    notifier: Notifier,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<GroupRecord> {
    const { clock } = this.store;
    const until = clock.monotonic() + waitMs;
    using watch = new Watch(clock, (ring) => notifier.watchGroup(id, ring));
    for (;;) {
      const record = await this.record(id);
      if (isOver(record, returnWhen)) return record;
      if (!await watch.next(until - clock.monotonic(), signal)) return record;
    }
  }

  /** @throws {NotFoundError} */
  async status(id: string): Promise<GroupStatus> {
    const group = await this.record(id);
    return await statusOf(this.store, this.members, group, await this.errors(group));
  }

  /** See {@linkcode errorsOf}; and those of its compensations. */
  async errors(group: GroupRecord): Promise<GroupError[]> {
    const logOf = (id: string): ReadLog => (from, limit) => this.log(id, from, limit);
    const own = await errorsOf(this.store, group, logOf(group.id));
    return [...own, ...await compensationErrors(this.store, group, logOf)];
  }

  /** Why a group whose tasks have all ended has not a value of each; null if the tasks were retried since. */
  async failure(group: GroupRecord): Promise<GroupFailure | null> {
    const { id } = group;
    const wanted: StateType[] = failuresOf(group) > 0 ? ["FAILED", "CRASHED"] : ["CANCELLED"];
    let isGone = false;
    for await (const page of this.#logPages(id)) {
      const ids = page.filter(({ type }) => wanted.includes(type)).map(({ task }) => task);
      // One at a time: mostly the first task is the one.
      for (const task of ids) {
        const entry = presentOrNull(await this.store.read(task));
        if (entry === null) isGone = true;
        else if (wanted.includes(typeOf(entry.record))) return { entry };
      }
    }
    return isGone ? { entry: null } : null;
  }

  /** Entries of the completion log from `from` on (1 is the first), at most `limit`. */
  async log(id: string, from: number, limit: number): Promise<LogEntry[]> {
    const selector = { prefix: prefixes.groupDone(id), start: keys.groupDone(id, from, "") };
    return (await this.store.kv.list<LogValue>(selector, { limit })).map(logEntryOf);
  }

  async *#logPages(id: string): AsyncGenerator<LogEntry[]> {
    const selector = { prefix: prefixes.groupDone(id) };
    for await (const page of pages<LogValue>(this.store.kv, selector, { size: LOG_PER_READ })) {
      yield page.map(logEntryOf);
    }
  }
}

function isOver(group: GroupRecord, returnWhen: ReturnWhen): boolean {
  if (endOfGroup(group) !== null) return true;
  const done = doneOf(group);
  if (returnWhen === "FIRST_COMPLETED") return done > 0;
  return returnWhen === "FIRST_EXCEPTION" && failuresOf(group) > 0;
}

function logEntryOf({ key, value }: Deno.KvEntry<LogValue>): LogEntry {
  const { seq, id } = parse.groupDone(key);
  return { seq, task: id, ...value };
}
