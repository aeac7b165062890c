// The tasks of a group.

import type { StateType } from "../core/states.ts";
import { type Entry, isForgotten, isTerminal, type Stored, typeOf } from "../core/task.ts";
import { parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import type { GroupRecord } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";

const IDS_PER_READ = 500;
/** Records may be large, so fewer of them are in memory at once. */
const RECORDS_PER_READ = 200;
/** The ids of so many tasks are sorted in memory. Only a map makes a larger group. */
const MOST_SORTED = 10_000;

export interface Member {
  task: string;
  place: number;
}

export class GroupMembers {
  constructor(private readonly store: Store) {}

  /** The ids of members that have not ended, at most `limit` of the last ones. */
  async unfinished(group: string, limit: number): Promise<string[]> {
    const ids = (await this.#unfinished(group, limit)).map(({ id }) => id);
    return ids.slice(0, limit).reverse();
  }

  /** The states of members that have not ended, of about `limit` at the most. */
  async unfinishedTypes(group: string, limit: number): Promise<StateType[]> {
    return (await this.#unfinished(group, limit)).map(({ type }) => type);
  }

  /** The last ones first: mostly they are the ones that wait, and then no others are read. */
  async #unfinished(group: string, limit: number): Promise<{ id: string; type: StateType }[]> {
    const found: { id: string; type: StateType }[] = [];
    for await (const page of this.pages(group, { reverse: true })) {
      const entries = await this.store.readTogether(page.map(({ task }) => task));
      for (const entry of entries.map(presentOrNull)) {
        if (entry === null || isTerminal(entry.record)) continue;
        found.push({ id: entry.record.id, type: typeOf(entry.record) });
      }
      if (found.length >= limit) break;
    }
    return found;
  }

  /** The members by id, a page at a time. */
  async *pages(group: string, { reverse = false } = {}): AsyncGenerator<Member[]> {
    const selector = { prefix: prefixes.index("group", group) };
    for await (const page of pages<number | null>(this.store.kv, selector, { size: IDS_PER_READ, reverse })) {
      yield page.map(({ key, value }) => ({ task: parse.index(key).id, place: value ?? 0 }));
    }
  }

  /** Their ids, a page at a time. */
  async *newestFirst(group: string): AsyncGenerator<string[]> {
    for await (const page of this.pages(group, { reverse: true })) yield page.map(({ task }) => task);
  }

  /** The members' records in the order of the group, a page at a time. Null for a task that is gone. */
  async *entries({ id, total }: Pick<GroupRecord, "id" | "total">): AsyncGenerator<(Entry | null)[]> {
    if (total <= MOST_SORTED) {
      const members = (await Array.fromAsync(this.pages(id))).flat();
      // Before all others: the caller may stop at the first one that is gone.
      if (members.length < total) yield [null];
      members.sort((a, b) => a.place - b.place || (a.task < b.task ? -1 : 1));
      yield* this.#read(members);
      return;
    }
    // The ids of a map were drawn in its order.
    let count = 0;
    for await (const page of this.pages(id)) count += page.length;
    if (count < total) yield [null];
    for await (const page of this.pages(id)) yield* this.#read(page);
  }

  /** The members' records by id, a page at a time. Tasks that are gone are left out. */
  async *present(group: string): AsyncGenerator<Entry[]> {
    for await (const page of this.pages(group)) {
      for await (const entries of this.#read(page)) yield entries.filter((entry) => entry !== null);
    }
  }

  async *#read(members: Member[]): AsyncGenerator<(Entry | null)[]> {
    for (let from = 0; from < members.length; from += RECORDS_PER_READ) {
      const part = members.slice(from, from + RECORDS_PER_READ);
      const entries = await this.store.readTogether(part.map(({ task }) => task));
      yield entries.map(presentOrNull);
    }
  }
}

export function presentOrNull(entry: Entry<Stored> | null): Entry | null {
  return entry === null || isForgotten(entry.record) ? null : entry as Entry;
}
