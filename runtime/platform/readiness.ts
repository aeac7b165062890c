// Whether the database takes writes: a full disk, a file that may only be read and one that was deleted
// answer reads as ever. However many ask, it is written to once a second at most.

import type { Clock } from "./clock.ts";
import { keys } from "./keys.ts";
import type { KvPort } from "./kv.ts";

const WRITES_EVERY_MS = 1_000;
/**
 * 60 kB, as much as a large task: on a full disk a few bytes may still find room in what the file has. Each
 * time others, as SQLite does not write what is there.
 */
const NUMBERS_TO_A_FILE = 7_500;

export class Readiness {
  #last: Promise<void> | null = null;
  #at = -Infinity;
  #isPending = false;

  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  /**
   * Resolves if the last write was taken, at most a second ago.
   *
   * @throws {UnavailableError} if it was not
   */
  check(): Promise<void> {
    const now = this.clock.monotonic();
    if (this.#last && (this.#isPending || now - this.#at < WRITES_EVERY_MS)) return this.#last;
    this.#at = now;
    this.#isPending = true;
    return this.#last = this.#write().finally(() => this.#isPending = false);
  }

  async #write(): Promise<void> {
    const now = this.clock.now();
    const value = this.kv.hasFile
      ? new Uint8Array(new Float64Array(NUMBERS_TO_A_FILE).fill(now).buffer)
      : now;
    await this.kv.writeBlind([{ key: keys.readiness, value }], now);
  }
}
