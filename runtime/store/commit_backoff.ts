// The pauses between the tries of one commit, and the end of its patience.

import { DatabaseGoneError, UnavailableError } from "../core/errors.ts";
import { type Clock, sleep } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";

const GIVE_UP_AFTER_MS = 10_000;
/** A file seldom comes back. */
const GIVE_UP_GONE_AFTER_MS = 500;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

export class CommitBackoff {
  readonly #since: number;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(private readonly clock: Clock, private readonly ids: Ids) {
    this.#since = clock.monotonic();
  }

  /** @throws {UnavailableError} if the commit has been tried for 10 s, or the database's file is gone. */
  async after(failure: unknown): Promise<void> {
    const mostMs = failure instanceof DatabaseGoneError ? GIVE_UP_GONE_AFTER_MS : GIVE_UP_AFTER_MS;
    if (this.clock.monotonic() - this.#since > mostMs) {
      throw new UnavailableError("the database did not take a commit", { cause: failure });
    }
    await sleep(this.clock, this.#pauseMs * this.ids.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}
