// Which of its lease blocks a worker still needs: a block is used up once all its tasks are settled. A block
// that stays in KV too long does no harm, because readers compare it with the records. A block that is
// deleted too early leaves a running task without its lease entry, so each task is counted for each of its
// blocks: a task that was claimed, taken away and claimed again is in several.

import { keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";

/** Blocks that one commit deletes. */
const MOST_DELETIONS = 30;

export class LeaseBook {
  readonly #open = new Map<string, Set<string>>();
  #usedUp: string[] = [];

  constructor(private readonly worker: string) {}

  /** A claim was committed. */
  open(block: string, ids: string[]): void {
    if (ids.length > 0) this.#open.set(block, new Set(ids));
    else this.#usedUp.push(block);
  }

  /** The task is settled, or is no longer this worker's by this block. */
  close(block: string, id: string): void {
    const left = this.#open.get(block);
    if (!left?.delete(id) || left.size > 0) return;
    this.#open.delete(block);
    this.#usedUp.push(block);
  }

  /** A task of the block could not be settled. Its block stays in KV for a heartbeat or a reaper. */
  lose(block: string): void {
    this.#open.delete(block);
  }

  holds(block: string): boolean {
    return this.#open.has(block);
  }

  /** Deletes used-up blocks, each once, as part of a commit that is made anyway. */
  takeDeletions(): Write[] {
    return this.#usedUp.splice(0, MOST_DELETIONS).map((block) => ({ key: keys.lease(this.worker, block) }));
  }
}
