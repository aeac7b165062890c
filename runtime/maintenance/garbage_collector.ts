// Removes what no task names any more: chunks of values whose commit never came (its worker died in between), and what
// was left beside a record that is gone. Such keys are young for a moment in every run, so one goes only after this
// process has found it abandoned for a long time by its own clock.

import { after, behindAll, isBarrier, parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import { isForgotten, namesValue, type Stored } from "../core/task.ts";
import type { Values } from "../store/values.ts";

/** Tasks with chunks, tasks with events, and tasks with edges, that one round looks at. */
const PER_ROUND = 50;
/** An outcome whose commit is tried again and again while KV is away is younger than that when it comes back. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** What one round may add to that: the time in which nobody looked does not count. */
const LONGEST_STEP_MS = 5 * 60 * 1000;
const MOST_SUSPECTS = 10_000;

/** A value's chunks, or a task's events, or its edges. */
interface Found {
  task: string;
  blob: string | null;
}

/** Where a look through all keys of a kind has come. */
interface Walk {
  all: Deno.KvKey;
  of: (task: string) => Deno.KvKey;
  after: Deno.KvKey | null;
}

export class GarbageCollector {
  /** How long each has been found abandoned. */
  readonly #suspects = new Map<string, { forMs: number; seenAt: number }>();
  #afterBlob: Deno.KvKey | null = null;
  readonly #events: Walk = { all: prefixes.allEvents, of: prefixes.events, after: null };
  readonly #edges: Walk = { all: prefixes.allEdges, of: prefixes.edges, after: null };

  /** @param onRepair told of each task that left something behind, and of what it was */
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly onRepair: (id: string, what: string) => void = () => {},
    private readonly abandonedAfterMs = ABANDONED_AFTER_MS,
  ) {}

  /** Looks at the next ones. @returns how many were removed. */
  async tick(): Promise<number> {
    const found = [
      ...await this.#nextBlobs(),
      ...await this.#nextTasks(this.#events),
      ...await this.#nextTasks(this.#edges),
    ];
    if (found.length === 0) return 0;
    const records = await this.store.peekMany(found.map(({ task }) => task));
    let removed = 0;
    for (const [i, one] of found.entries()) {
      const name = `${one.task}/${one.blob ?? ""}`;
      if (isNamed(one, records[i]?.record ?? null)) this.#suspects.delete(name);
      else if (this.#isAbandoned(name)) {
        await this.#remove(one);
        this.#suspects.delete(name);
        removed++;
      }
    }
    return removed;
  }

  /** Each value once: its first chunk stands for all. */
  async #nextBlobs(): Promise<Found[]> {
    const found: Found[] = [];
    while (found.length < PER_ROUND) {
      const start = this.#afterBlob ?? after(prefixes.allBlobs);
      const [first] = await this.store.kv.list({ start, end: behindAll(prefixes.allBlobs) }, { limit: 1 });
      if (!first) {
        this.#afterBlob = null;
        break;
      }
      const { id: task, blob } = parse.blob(first.key);
      found.push({ task, blob });
      this.#afterBlob = behindAll(prefixes.chunks(task, blob));
    }
    return found;
  }

  /** Tasks that have keys under a prefix. */
  async #nextTasks(walk: Walk): Promise<Found[]> {
    const found: Found[] = [];
    while (found.length < PER_ROUND) {
      const start = walk.after ?? after(walk.all);
      const [first] = await this.store.kv.list({ start, end: behindAll(walk.all) }, { limit: 1 });
      if (!first) {
        walk.after = null;
        break;
      }
      const task = parse.edge(first.key).upstream;
      // A seal looks after its own.
      if (!isBarrier(task)) found.push({ task, blob: null });
      walk.after = behindAll(walk.of(task));
    }
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
      this.onRepair(task, "was gone, and what it had stored was not");
      return;
    }
    for (;;) {
      const chunks = await this.store.kv.list({ prefix: prefixes.chunks(task, blob) }, { limit: 500 });
      await this.store.kv.writeBlind(chunks.map(({ key }) => ({ key })), 0);
      if (chunks.length < 500) break;
    }
    this.onRepair(task, "had a stored value that it does not name");
  }
}

/** True if the task is there and has it. */
function isNamed({ blob }: Found, record: Stored | null): boolean {
  if (record === null || isForgotten(record)) return false;
  return blob === null || namesValue(record, blob);
}
