// Removes data that no task names: chunks of values whose commit never came (the worker died in between), and
// what was left beside a record that is gone. Such data exists for a moment in every run, so it is removed
// only after this process has found it abandoned for a long time by its own clock.

import { isForgotten, type Stored } from "../core/task.ts";
import { namesValue } from "../core/stored_values.ts";
import { behindAll, parse, prefixes } from "../platform/keys.ts";
import { isBarrier } from "../platform/outbox_subject.ts";
import { deleteUnder, firstOfEach } from "../platform/paging.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

/** Values, tasks with events, and tasks with edges, that one round looks at. */
const PER_ROUND = 50;
/** An outcome may wait for its commit as long as KV is away: this must be longer. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** The most that one round adds to that: time in which no process looked does not count. */
const LONGEST_STEP_MS = 5 * 60 * 1000;
const MOST_SUSPECTS = 10_000;

interface Found {
  task: string;
  blob: string | null;
}

/** A look through all keys of one kind, round after round. */
interface Walk {
  prefix: Deno.KvKey;
  found: (key: Deno.KvKey) => Found;
  keysOf: (found: Found) => Deno.KvKey;
  /** Where the next round begins, if not at the first key. */
  start?: Deno.KvKey;
}

export class GarbageCollector {
  readonly #suspects = new Map<string, { forMs: number; seenAt: number }>();
  readonly #walks: Walk[] = [
    {
      prefix: prefixes.allBlobs,
      found: (key) => ({ task: parse.blob(key).id, blob: parse.blob(key).blob }),
      keysOf: ({ task, blob }) => prefixes.chunks(task, blob!),
    },
    {
      prefix: prefixes.allEvents,
      found: (key) => ({ task: parse.event(key).id, blob: null }),
      keysOf: ({ task }) => prefixes.events(task),
    },
    {
      prefix: prefixes.allEdges,
      found: (key) => ({ task: parse.edge(key).upstream, blob: null }),
      keysOf: ({ task }) => prefixes.edges(task),
    },
  ];

  /** @param onRepair told of each task that left something behind, and of what it was */
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly onRepair: (id: string, what: string) => void = () => {},
    private readonly abandonedAfterMs: number = ABANDONED_AFTER_MS,
  ) {}

  /** @returns how many were removed. */
  async tick(): Promise<number> {
    const found: Found[] = [];
    for (const walk of this.#walks) found.push(...await this.#next(walk));
    if (found.length === 0) return 0;
    const entries = await this.store.peekEach(found.map(({ task }) => task));
    let removed = 0;
    for (const [i, one] of found.entries()) {
      const name = `${one.task}/${one.blob ?? ""}`;
      const entry = entries[i];
      if (isNewerRecord(entry) || isNamed(one, entry?.record ?? null)) this.#suspects.delete(name);
      else if (this.#isAbandoned(name)) {
        await this.#remove(one);
        this.#suspects.delete(name);
        removed++;
      }
    }
    return removed;
  }

  async #next(walk: Walk): Promise<Found[]> {
    const found: Found[] = [];
    const { prefix, keysOf } = walk;
    for await (
      const key of firstOfEach(this.store.kv, prefix, (key) => keysOf(walk.found(key)), walk.start)
    ) {
      const one = walk.found(key);
      walk.start = behindAll(keysOf(one));
      // The edges of a barrier are removed with it.
      if (!isBarrier(one.task)) found.push(one);
      if (found.length === PER_ROUND) return found;
    }
    walk.start = undefined;
    return found;
  }

  #isAbandoned(name: string): boolean {
    const now = this.store.clock.monotonic();
    const known = this.#suspects.get(name);
    if (!known) {
      if (this.#suspects.size < MOST_SUSPECTS) this.#suspects.set(name, { forMs: 0, seenAt: now });
      return false;
    }
    known.forMs += Math.min(now - known.seenAt, LONGEST_STEP_MS);
    known.seenAt = now;
    return known.forMs >= this.abandonedAfterMs;
  }

  async #remove({ task, blob }: Found): Promise<void> {
    if (blob === null) {
      await this.values.purge(task);
      this.onRepair(task, "was deleted, but its data was left behind");
    } else {
      await deleteUnder(this.store.kv, prefixes.chunks(task, blob));
      this.onRepair(task, "had a stored value that its record does not name");
    }
  }
}

function isNamed({ blob }: Found, record: Stored | null): boolean {
  if (record === null) return false;
  if (isForgotten(record)) return blob !== null && record.lent?.blob === blob;
  return blob === null || namesValue(record, blob);
}
