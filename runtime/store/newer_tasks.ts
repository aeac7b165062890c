// Tasks that only a newer release can go on with: this process does not claim them. A hint: a process that
// forgets one finds out again.

import type { NewerRecordError } from "../core/errors.ts";

const MOST_KEPT = 10_000;

export class NewerTasks {
  readonly #ids = new Set<string>();

  constructor(private readonly onFirst: (error: NewerRecordError) => void) {}

  has(id: string): boolean {
    // Mostly empty, and asked for each id of a block of the queue.
    return this.#ids.size > 0 && this.#ids.has(id);
  }

  /** Its own record, or one that it needs, was written by a newer release. */
  add(id: string, error: NewerRecordError): void {
    if (this.#ids.size === 0) this.onFirst(error);
    this.#ids.add(id);
    if (this.#ids.size > MOST_KEPT) this.#ids.delete(this.#ids.values().next().value!);
  }
}
