// Small records that wait for others, or that others wait for, as this process last wrote them. Hints: a
// commit that relies on one checks it.

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
  readonly #entries = new Map<string, Entry>();

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  update(entry: Entry<Stored>): void {
    const { record } = entry;
    this.#entries.delete(record.id);
    if (isForgotten(record) || !isLink(record) || !isSmall(record)) return;
    this.#entries.set(record.id, entry as Entry);
    if (this.#entries.size > MOST_KEPT) this.#entries.delete(this.#entries.keys().next().value!);
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }
}

/** It waits for others, or it has ended and others take its result. */
function isLink(record: TaskRecord): boolean {
  return isAwaiting(record) || hasDependents(record) && isTerminal(record);
}
