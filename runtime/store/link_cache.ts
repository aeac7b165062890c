// Small records that wait for others, or that others wait for, as this process last wrote them. Hints: a
// commit that relies on one checks it.

import { BoundedMap } from "../core/bounded_map.ts";
import {
  type Entry,
  hasDependents,
  isAwaiting,
  isForgotten,
  isTerminal,
  type Stored,
  type TaskRecord,
} from "../core/task.ts";
import { isSmall } from "./record_size.ts";

const MOST_KEPT = 10_000;

export class LinkCache {
  readonly #entries = new BoundedMap<string, Entry>(MOST_KEPT);

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  update(entry: Entry<Stored>): void {
    const { record } = entry;
    if (isForgotten(record) || !isLink(record) || !isSmall(record)) this.#entries.delete(record.id);
    else this.#entries.set(record.id, entry as Entry);
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }
}

/** It waits for others, or it has ended and others take its result. */
function isLink(record: TaskRecord): boolean {
  return isAwaiting(record) || hasDependents(record) && isTerminal(record);
}
