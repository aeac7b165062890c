// What is due: scheduled tasks become ready, waiting ones expire, and what gone tasks have stored is removed.
// `tick` works off what is due and says when it wants to be called again; anyone may call it at any time.

import { encode } from "../store/record_codec.ts";
import { entriesOf, expiryOf } from "../store/index_entries.ts";
import { edgesOf, isNeeded } from "../dependencies/edges.ts";
import { groupRecord, setTotal } from "../store/group_counters.ts";
import { after, type DueKind, isIndexKey, keys, parse, prefixes } from "../platform/keys.ts";
import { abandonBarrier, type Barrier } from "../dependencies/barrier.ts";
import type { Store } from "../store/store.ts";
import {
  type Entry,
  hasDependents,
  isAwaiting,
  isForgotten,
  isTerminal,
  type Stored,
  type TaskRecord,
  type Tombstone,
  typeOf,
} from "../core/task.ts";
import { becameReady, cancelled, canExpire, expired } from "../core/transitions.ts";
import type { Values } from "../store/values.ts";

interface Due {
  key: Deno.KvKey;
  at: number;
  kind: DueKind;
  id: string;
}

const PER_TICK = 500;
const KINDS: DueKind[] = ["start", "expire", "purge", "unseal", "recount"];
/** What others still need is looked at again after this, and then after ever longer. */
const KEEP_AT_LEAST_MS = 60_000;

export class Timers {
  constructor(private readonly store: Store, private readonly values: Values) {}

  /** @returns when the next timer is due (wall clock), or null if there is none. */
  async tick(): Promise<number | null> {
    const { kv, clock } = this.store;
    const now = clock.now();
    const pages = await Promise.all(
      KINDS.map((kind) => kv.list({ prefix: prefixes.due(kind) }, { limit: PER_TICK })),
    );
    const dues = pages.flat().map(({ key }): Due => ({ key, ...parse.due(key) })).sort((a, b) => a.at - b.at);
    const ripe = dues.filter(({ at }) => at <= now);
    // All ripe ones read in a few calls; their commits group by themselves.
    const found = await this.store.peekMany(ripe.map(({ id }) => id));
    await Promise.all(ripe.map((due, i) => this.#fire(due, found[i], now)));
    if (ripe.length >= PER_TICK) return now;
    return dues.find(({ at }) => at > now)?.at ?? null;
  }

  async #fire(due: Due, entry: Entry<Stored> | null, now: number): Promise<void> {
    if (due.kind === "purge") return await this.#purge(due, entry);
    if (due.kind === "unseal") return await this.#giveUpSeal(due);
    if (due.kind === "recount") return await this.#recount(due);
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
    if (entry && !isForgotten(entry.record) && isOver(entry.record, clock.now())) {
      if (hasDependents(entry.record) && await isNeeded(this.store, entry.record)) {
        return await this.#keep(entry.record);
      }
      // The record first, under check: a retry that comes at this moment finds all of the task, or none of it.
      const now = clock.now();
      const atomic = kv.atomic().check({ key: keys.task(due.id), versionstamp: entry.versionstamp });
      const tombstone = buried(entry.record, now);
      kv.write(
        atomic,
        { key: keys.task(due.id), value: encode(tombstone), expireAt: expiryOf(tombstone) },
        now,
      );
      // What was kept for others has no expiry in the lists either.
      for (const { key } of entriesOf(entry.record)) {
        if (isIndexKey(key)) atomic.delete(key);
      }
      // Whoever follows it must have been told of its end.
      if (hasDependents(entry.record)) atomic.check({ key: keys.outbox(due.id), versionstamp: null });
      const gone = await kv.commit(atomic);
      if (!gone.ok) return;
      entry = null;
    }
    if (entry === null || isForgotten(entry.record)) await this.values.purge(due.id);
    // Otherwise it was retried since, and its next end has a timer of its own.
    await kv.writeBlind([{ key: due.key }], 0);
  }

  /** Others still need it: it stays, and its timer moves. */
  async #keep({ id }: TaskRecord): Promise<void> {
    const { store } = this;
    await store.update("settle", id, ({ record }) => {
      const now = store.clock.now();
      if (isForgotten(record) || !isOver(record, now)) return null;
      const keptMs = now - record.finishedAt!;
      return { next: { ...record, retentionMs: keptMs + Math.max(KEEP_AT_LEAST_MS, keptMs / 2) } };
    });
  }

  /** A call that was cut off has promised its group more tasks than there are. */
  async #recount({ id, key }: Due): Promise<void> {
    const { kv, clock } = this.store;
    const prefix = prefixes.index("group", id);
    const record = await groupRecord(kv, id);
    // Some that have ended may be gone already.
    let total = Object.values(record?.ended ?? {}).reduce((sum, count) => sum + count, 0);
    for (let start: Deno.KvKey = after(prefix);;) {
      const page = await kv.list({ prefix, start }, { limit: PER_TICK });
      const entries = await this.store.readMany(page.map((entry) => parse.index(entry.key).id));
      total += entries.filter((one) => one && !isForgotten(one.record) && !isTerminal(one.record)).length;
      if (page.length < PER_TICK) break;
      start = after(page[page.length - 1].key);
    }
    await setTotal(kv, clock, id, total);
    await kv.writeBlind([{ key }], 0);
  }

  /** The call was cut off before all of its tasks were there: those that are, are cancelled. */
  async #giveUpSeal({ id, key, at }: Due): Promise<void> {
    const { kv, clock } = this.store;
    const seal = await kv.get<Barrier>(keys.barrier(id));
    // The call was taken up again since.
    if (seal.value && seal.value.until !== at) return await kv.writeBlind([{ key }], 0);
    if (seal.value && !seal.value.sealed && !seal.value.givenUp) {
      const atomic = kv.atomic().check(seal);
      kv.write(atomic, abandonBarrier(id, seal.value, clock.now()), clock.now());
      if (!(await kv.commit(atomic)).ok) return;
    }
    if (!seal.value?.sealed) {
      // In the order of the blocks: whoever waits for another is cancelled ahead of it, so nothing lets him go.
      for await (const page of edgesOf(kv, id)) {
        for (const task of page.flatMap(({ value }) => value.ids)) {
          await this.store.update("settle", task, ({ record }) => {
            if (isForgotten(record) || !isAwaiting(record)) return null;
            return { next: cancelled(record, clock.now(), "the call that submitted it was cut off") };
          });
        }
        await kv.writeBlind(page.map((block) => ({ key: block.key })), 0);
      }
    }
    await kv.writeBlind([{ key }], 0);
  }
}

/** Its retention is over, whether others follow it or not. */
function isOver({ finishedAt, retentionMs }: TaskRecord, now: number): boolean {
  return finishedAt !== null && finishedAt + retentionMs <= now;
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
