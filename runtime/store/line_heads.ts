// Who is next at a limit, as this process has read it last. Whatever changes the order of a line steps the
// counter of its limit, too: a commit that checks the counter's version need not read the line again.

import { BoundedMap } from "../core/bounded_map.ts";
import { parkedAt } from "../core/limits.ts";
import { type Entry, isForgotten, type Stored, type TaskRecord } from "../core/task.ts";
import { isSmall } from "./record_size.ts";

/** So many are read where one is needed: it is one read for all of them. */
export const READ_AHEAD = 10;
const MOST_LINES = 1_000;

interface Head {
  /** That of the counter. */
  versionstamp: string;
  entries: Entry[];
}

/** A task leaves a line, or comes to stand in one. */
interface Move {
  record: Stored;
  from: string | null;
  to: string | null;
}

export class LineHeads {
  readonly #heads = new BoundedMap<string, Head>(MOST_LINES);

  /** The first ones at the limit while its counter has this version; null if fewer are known. */
  first(name: string, versionstamp: string, count: number): Entry[] | null {
    const head = this.#heads.get(name);
    if (head?.versionstamp !== versionstamp || head.entries.length < count) return null;
    return head.entries.slice(0, count);
  }

  /** They were read, in their order, while the counter had this version. */
  read(name: string, versionstamp: string, entries: Entry[]): void {
    const large = entries.findIndex(({ record }) => !isSmall(record));
    this.#set(name, { versionstamp, entries: large < 0 ? entries : entries.slice(0, large) });
  }

  get isEmpty(): boolean {
    return this.#heads.size === 0;
  }

  /** A commit of this process has stepped the counter from this version to that one, with these moves. */
  stepped(name: string, before: string | undefined, versionstamp: string, moves: readonly Move[]): void {
    const head = this.#heads.get(name);
    if (head === undefined) return;
    const last = head.entries.at(-1)!.record;
    const gone = new Set<string>();
    let isKept = head.versionstamp === before;
    for (const { record, from, to } of moves) {
      if (from === name) gone.add(record.id);
      if (to === name && !isBehind(record as TaskRecord, last)) isKept = false;
    }
    const entries = isKept ? head.entries.filter(({ record }) => !gone.has(record.id)) : [];
    this.#set(name, { versionstamp, entries });
  }

  /** What was changed of it is not its place. */
  update({ record, versionstamp }: Entry<Stored>): void {
    const name = lineOf(record);
    const entries = name === null ? undefined : this.#heads.get(name)?.entries;
    const at = entries?.findIndex((entry) => entry.record.id === record.id) ?? -1;
    if (at < 0 || entries![at].versionstamp >= versionstamp) return;
    entries![at] = { record: record as TaskRecord, versionstamp };
  }

  distrust(): void {
    this.#heads.clear();
  }

  #set(name: string, head: Head): void {
    if (head.entries.length > 0) this.#heads.set(name, head);
    else this.#heads.delete(name);
  }
}

/** @param records those of which the commit has decided where they stand */
export function movesIn(
  units: readonly { changes: { before: { record: Stored } | null; next: Stored }[] }[],
  records: ReadonlyMap<string, TaskRecord>,
): Move[] {
  return units.flatMap(({ changes }) =>
    changes.flatMap(({ before, next }): Move[] => {
      const record = records.get(next.id) ?? next;
      const [from, to] = [before && lineOf(before.record), lineOf(record)];
      return from === null && to === null ? [] : [{ record, from, to }];
    })
  );
}

function lineOf(record: Stored): string | null {
  return isForgotten(record) ? null : parkedAt(record);
}

function isBehind(one: TaskRecord, other: TaskRecord): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  return one.parked!.order > other.parked!.order;
}
