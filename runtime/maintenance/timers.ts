// Fires what is due: scheduled tasks become ready, waiting ones expire, ended ones and groups are removed
// after their retention, and calls that were cut off are undone. Anyone may call `tick` at any time.

import { type Entry, isForgotten, type Stored, type TaskRecord, typeOf } from "../core/task.ts";
import { isReplaced, replacementTimedOut } from "../core/replaced.ts";
import { becameReady, canExpire, expired, placeCame } from "../core/transitions.ts";
import { type DueKind, keys, parse, prefixes } from "../platform/keys.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { abandonCall, recountGroup } from "./cut_off_calls.ts";
import { StandingCalls } from "./standing_calls.ts";
import { stopGroup } from "../store/stop_group.ts";
import { pruneGroup } from "./group_pruner.ts";
import { Pruner } from "./pruner.ts";

interface Timer {
  key: Deno.KvKey;
  versionstamp: string;
  kind: DueKind;
  at: number;
  id: string;
}

const PER_TICK = 500;
const KINDS: DueKind[] = [
  "start",
  "rate",
  "expire",
  "purge",
  "unseal",
  "recount",
  "group",
  "deadline",
  "replaced",
];

export class Timers {
  readonly #pruner: Pruner;
  readonly #calls: StandingCalls;

  constructor(private readonly store: Store, values: Values) {
    this.#pruner = new Pruner(store, values);
    this.#calls = new StandingCalls(store.clock);
  }

  /**
   * @param isStopping asked by what takes long
   * @returns when the next timer is due (wall clock), or null if there is none.
   */
  async tick(isStopping: () => boolean = () => false): Promise<number | null> {
    const { kv, clock } = this.store;
    const now = clock.now();
    const found = await Promise.all(
      KINDS.map((kind) => kv.list({ prefix: prefixes.due(kind) }, { limit: PER_TICK })),
    );
    const timers = found.flat().map(({ key, versionstamp }): Timer => ({
      key,
      versionstamp,
      ...parse.due(key),
    }))
      .sort((a, b) => a.at - b.at);
    const due = this.#calls.standing(timers.filter(({ at }) => at <= now));
    // All records in a few reads. The commits share KV commits by themselves.
    const entries = await this.store.peekEach(due.map(({ id }) => id));
    await Promise.all(due.map((timer, i) => {
      const entry = entries[i];
      return isNewerRecord(entry) ? null : this.#fire(timer, entry, now, isStopping);
    }));
    if (due.length >= PER_TICK) return now;
    return timers.find(({ at }) => at > now)?.at ?? null;
  }

  async #fire(
    timer: Timer,
    entry: Entry<Stored> | null,
    now: number,
    isStopping: () => boolean,
  ): Promise<void> {
    const { kind, id, at } = timer;
    switch (kind) {
      case "start":
      case "rate":
      case "expire":
      case "replaced":
        return await this.#move(timer, entry, now);
      case "purge":
        if (await this.#pruner.prune(id, entry)) await this.#remove(timer);
        return;
      case "unseal":
        if (await abandonCall(this.store, id, at, isStopping)) await this.#remove(timer);
        return;
      case "recount":
        await recountGroup(this.store, id, timer);
        await this.#removeUnchanged(timer);
        return;
      case "group":
        if (await pruneGroup(this.store, id, at)) await this.#remove(timer);
        return;
      case "deadline":
        await stopGroup(this.store, id, { cause: "timeout", until: at });
        await this.#remove(timer);
    }
  }

  async #move(timer: Timer, entry: Entry<Stored> | null, now: number): Promise<void> {
    const next = entry && nextOf(timer, entry.record, now);
    if (next) {
      await this.store.commit("change", [{ before: entry, next }]);
      return;
    }
    // No record names this timer.
    const check = { key: keys.task(timer.id), versionstamp: entry?.versionstamp ?? null };
    const { kv } = this.store;
    await kv.commit(kv.atomic().check(check).delete(timer.key));
  }

  /** Unless the call that it is about has renewed it meanwhile. */
  async #removeUnchanged({ key, versionstamp }: Timer): Promise<void> {
    const { kv } = this.store;
    await kv.commit(kv.atomic().check({ key, versionstamp }).delete(key));
  }

  async #remove({ key }: Timer): Promise<void> {
    await this.store.kv.writeBlind([{ key }], 0);
  }
}

/** The task after its timer, or null if the task has no such timer (any more). */
function nextOf({ kind, at }: Timer, record: Stored, now: number): TaskRecord | null {
  if (isForgotten(record)) return null;
  if (kind === "start" && typeOf(record) === "SCHEDULED" && record.runAt === at) {
    return becameReady(record, now);
  }
  if (kind === "replaced" && isReplaced(record) && record.replacement.until === at) {
    return replacementTimedOut(record, now);
  }
  if (kind === "rate" && record.rateAt === at) return placeCame(record, now);
  if (kind === "expire" && canExpire(record) && record.expiresAt === at) return expired(record, now);
  return null;
}
