// How long a page of a list, or a count, reads. One read of records is always made.

import type { Clock } from "../platform/clock.ts";

const LONGEST_MS = 40;

export interface Bound {
  readonly isOver: boolean;
}

export const UNBOUNDED: Bound = { isOver: false };

export class ReadingTime implements Bound {
  readonly #endsAt: number;

  constructor(private readonly clock: Clock) {
    this.#endsAt = clock.monotonic() + LONGEST_MS;
  }

  get isOver(): boolean {
    return this.clock.monotonic() >= this.#endsAt;
  }
}
