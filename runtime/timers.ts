// What is due: scheduled tasks become ready, waiting ones expire, and what gone tasks have stored is removed.
// `tick` works off what is due and says when it wants to be called again; anyone may call it at any time.

import { encode } from "./codec.ts";
import { expiryOf } from "./entries.ts";
import { type DueKind, keys, prefixes } from "./keys.ts";
import type { Store } from "./store.ts";
import {
  type Entry,
  isForgotten,
  isPastRetention,
  type Stored,
  type TaskRecord,
  type Tombstone,
  typeOf,
} from "./task.ts";
import { becameReady, canExpire, expired } from "./transitions.ts";
import type { Values } from "./values.ts";

interface Due {
  key: Deno.KvKey;
  at: number;
  kind: DueKind;
  id: string;
}

const PER_TICK = 500;
const KINDS: DueKind[] = ["start", "expire", "purge"];

export class Timers {
  constructor(private readonly store: Store, private readonly values: Values) {}

  /** @returns when the next timer is due (wall clock), or null if there is none. */
  async tick(): Promise<number | null> {
    const { kv, clock } = this.store;
    const now = clock.now();
    const pages = await Promise.all(
      KINDS.map((kind) => kv.list({ prefix: prefixes.due(kind) }, { limit: PER_TICK })),
    );
    const dues = pages.flat().map(({ key }): Due => ({
      key,
      kind: key[1] as DueKind,
      at: key[2] as number,
      id: key[3] as string,
    })).sort((a, b) => a.at - b.at);
    const ripe = dues.filter(({ at }) => at <= now);
    // All ripe ones read in a few calls; their commits group by themselves.
    const found = await this.store.peekMany(ripe.map(({ id }) => id));
    await Promise.all(ripe.map((due, i) => this.#fire(due, found[i], now)));
    if (ripe.length >= PER_TICK) return now;
    return dues.find(({ at }) => at > now)?.at ?? null;
  }

  async #fire(due: Due, entry: Entry<Stored> | null, now: number): Promise<void> {
    if (due.kind === "purge") return await this.#purge(due, entry);
    const next = entry && nextOf(due, entry.record, now);
    if (next) {
      await this.store.commit("settle", [{ before: entry, next }]);
      return;
    }
    // A stray: no record is driven by it.
    const check = { key: keys.task(due.id), versionstamp: entry?.versionstamp ?? null };
    const { kv } = this.store;
    await kv.commit(kv.atomic().check(check).delete(due.key));
  }

  async #purge(due: Due, entry: Entry<Stored> | null): Promise<void> {
    const { kv, clock } = this.store;
    if (entry && !isForgotten(entry.record) && isPastRetention(entry.record, clock.now())) {
      // The record first, under check: a retry that comes at this moment finds all of the task, or none of it.
      const now = clock.now();
      const atomic = kv.atomic().check({ key: keys.task(due.id), versionstamp: entry.versionstamp });
      const tombstone = buried(entry.record, now);
      kv.write(
        atomic,
        { key: keys.task(due.id), value: encode(tombstone), expireAt: expiryOf(tombstone) },
        now,
      );
      const gone = await kv.commit(atomic);
      if (!gone.ok) return;
      entry = null;
    }
    if (entry === null || isForgotten(entry.record)) await this.values.purge(due.id);
    // Otherwise it was retried since, and its next end has a timer of its own.
    await kv.writeBlind([{ key: due.key }], 0);
  }
}

/** Says that there was a task, and which units wrote it, to those who read back late. */
function buried({ id, op, ops, rev }: TaskRecord, now: number): Tombstone {
  return { id, op, ops, rev: rev + 1, forgottenAt: now, isPast: true };
}

/** The task after the timer, or null if the timer is not (or no longer) one of its own. */
function nextOf({ kind, at }: Due, record: Stored, now: number): TaskRecord | null {
  if (isForgotten(record)) return null;
  if (kind === "start" && typeOf(record) === "SCHEDULED" && record.runAt === at) {
    return becameReady(record, now);
  }
  if (kind === "expire" && canExpire(record) && record.expiresAt === at) return expired(record, now);
  return null;
}
