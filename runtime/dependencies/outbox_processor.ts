// The follower works off the outbox: each note there says that something may follow from how a task (or a seal) stands
// now. What follows depends on that alone, so it does no harm if two processes do it, or one does it twice.

import { type EdgeBlock, edgesOf } from "./edges.ts";
import { eventsOfPastEnd } from "../store/event_log.ts";
import { decisionOf, type DependencyCounter } from "../store/dependency_counters.ts";
import { keys, outboxSubject, parse, prefixes } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import { AutoResetEvent } from "../platform/auto_reset_event.ts";
import { Coalescer } from "../platform/coalescer.ts";
import type { Store } from "../store/store.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";
import {
  type Entry,
  isAwaiting,
  isForgotten,
  isTerminal,
  stateOf,
  type StateType,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { released, resumed, upstreamFailed } from "../core/transitions.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import { admit } from "./concurrency_limit.ts";

/** A note, and what it is about as KV holds it now. */
interface Sight {
  id: string;
  note: string;
  entry: Entry | null;
  join: Pick<Deno.KvEntryMaybe<DependencyCounter>, "value" | "versionstamp">;
}

/** Somebody who waits until the outbox holds no entry for these ids. */
interface Waiter {
  left: Set<string>;
  done: AutoResetEvent;
}

const PER_ROUND = 100;
const PER_SWEEP = 1_000;

export class OutboxProcessor {
  /** The version of each note, where it is known. */
  readonly #pending = new Map<string, string | null>();
  readonly #rounds = new Coalescer(() => this.#round());
  readonly #waiters = new Set<Waiter>();
  #stopped = true;

  constructor(private readonly store: Store, private readonly log: Log) {}

  start(): void {
    this.#stopped = false;
    this.#rounds.ring();
  }

  /** There are notes about these. */
  ring(ids: string[], versionstamp: string | null = null): void {
    for (const id of ids) this.#pending.set(id, versionstamp);
    if (!this.#stopped) this.#rounds.ring();
  }

  /** Finds notes that another process has left, or that nobody was told of. @returns how many there were. */
  async sweep(): Promise<number> {
    const notes = await this.store.kv.list({ prefix: prefixes.outbox }, { limit: PER_SWEEP });
    if (notes.length > 0) this.ring(notes.map(({ key }) => parse.outbox(key)));
    return notes.length;
  }

  /** Resolves once the outbox holds no entry for these ids, or after `withinMs`. */
  async processed(ids: string[], withinMs: number): Promise<void> {
    if (this.#stopped || ids.length === 0) return;
    const waiter: Waiter = { left: new Set(ids), done: new AutoResetEvent(this.store.clock) };
    this.#waiters.add(waiter);
    this.ring(ids.filter((id) => !this.#pending.has(id)));
    await waiter.done.next(withinMs);
    this.#waiters.delete(waiter);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { done } of this.#waiters) done.ring();
    await this.#rounds.idle();
  }

  async #round(): Promise<void> {
    if (this.#stopped) return;
    const notes = [...this.#pending].slice(0, PER_ROUND);
    for (const [id] of notes) this.#pending.delete(id);
    try {
      const known = notes.map(([id, note]) => this.#know(id, note));
      const unknown = notes.flatMap(([id], i) => known[i] ? [] : [id]);
      const read = unknown.length > 0 ? await this.#see(unknown) : [];
      const sights = [...known.filter((sight) => sight !== null), ...read];
      // Each one is waited for: two looks at one note must not be under way.
      const looks = await Promise.allSettled(sights.map((sight) => this.#look(sight)));
      const failed = looks.find((look) => look.status === "rejected");
      if (failed) this.log.error("following up failed", failed.reason);
      sights.forEach(({ id }, i) => {
        const look = looks[i];
        // What failed is found by the sweep.
        if (look.status === "rejected" || look.value) return;
        // Somebody was faster, or it has changed since: another look, at what KV holds.
        this.store.links.forget(id);
        if (!this.#pending.has(id)) this.#pending.set(id, null);
      });
      const left = new Set(sights.flatMap(({ id }, i) => looks[i].status === "rejected" ? [id] : []));
      this.#tellWaiters(notes.flatMap(([id]) => left.has(id) || this.#pending.has(id) ? [] : [id]));
    } catch (error) {
      // The notes are still there: the sweep finds them.
      this.log.error("following up failed", error);
    }
    if (this.#pending.size > 0) this.#rounds.ring();
  }

  #tellWaiters(processed: string[]): void {
    for (const { left, done } of this.#waiters) {
      for (const id of processed) left.delete(id);
      if (left.size === 0) done.ring();
    }
  }

  /** What a note of this process's own is about, from memory; the commit finds out if that is old. */
  #know(id: string, note: string | null): Sight | null {
    const entry = this.store.links.get(id);
    const join = this.store.dependencies.known(id);
    return note === null || !entry || !join ? null : { id, note, entry, join };
  }

  async #see(ids: string[]): Promise<Sight[]> {
    const found = await this.store.kv.getMany<unknown>(
      ids.flatMap((id) => [keys.outbox(id), keys.task(id), keys.dependencyCounter(id)]),
    );
    return ids.flatMap((id, i) => {
      const [note, task, join] = found.slice(3 * i, 3 * i + 3);
      if (note.versionstamp === null) return [];
      const entry = entryOrNewer(task as Deno.KvEntryMaybe<Uint8Array>);
      // The note stays, for a newer release.
      if (isNewerRecord(entry)) return [];
      const isThere = entry !== null && !isForgotten(entry.record);
      return [{
        id,
        note: note.versionstamp,
        entry: isThere ? entry as Entry : null,
        join: join as Deno.KvEntryMaybe<DependencyCounter>,
      }];
    });
  }

  /** @returns false if it has to be looked at again. */
  async #look(sight: Sight): Promise<boolean> {
    const { id, entry } = sight;
    const subject = outboxSubject(id);
    if (subject.kind === "barrier") return await this.#unseal(sight);
    if (subject.kind === "concurrency-limit") return await admit(this.store, subject.group, sight.note);
    if (entry?.record.followed) {
      const told = isTerminal(entry.record) ? typeOf(entry.record) : null;
      // It may be run again, and end otherwise, while this is told.
      if (!await this.#tell(id, told, { key: keys.task(id), versionstamp: entry.versionstamp })) return false;
    }
    return await this.#decide(sight);
  }

  /** Moves a task to where its join says that it belongs, and takes the note away. */
  async #decide({ id, note, entry, join }: Sight): Promise<boolean> {
    const options: UnitOptions = {
      checks: [{ key: keys.outbox(id), versionstamp: note }],
      writes: [{ key: keys.outbox(id) }],
    };
    const changes: Change[] = [];
    if (entry && join.value !== null) {
      const { next, goes } = await this.#moved(entry.record, join.value);
      options.checks!.push({ key: keys.dependencyCounter(id), versionstamp: join.versionstamp });
      const wasOver = isTerminal(entry.record);
      if (next) {
        changes.push({ before: entry, next, events: wasOver ? eventsOfPastEnd(entry.record) : undefined });
      } else {
        options.checks!.push({ key: keys.task(id), versionstamp: entry.versionstamp });
      }
      // Nothing can keep it any more.
      if (goes) options.writes!.push({ key: keys.dependencyCounter(id) });
    }
    return await this.store.commit("outbox", changes, options) !== null;
  }

  async #moved(
    record: TaskRecord,
    join: DependencyCounter,
  ): Promise<{ next: TaskRecord | null; goes: boolean }> {
    const now = this.store.clock.now();
    const decision = decisionOf(join);
    // One that was cancelled on request as well stays so.
    const wasFailed = stateOf(record).name === "UpstreamFailed" && record.cancel === null;
    if (decision === "fail") {
      if (!isAwaiting(record)) return { next: null, goes: false };
      return { next: upstreamFailed(record, now, await this.#upstream(join.first)), goes: false };
    }
    if (!isAwaiting(record) && !wasFailed) return { next: null, goes: false };
    const waiting = wasFailed ? resumed(record, now) : record;
    if (decision === "go") return { next: released(waiting, now), goes: true };
    return { next: wasFailed ? waiting : null, goes: false };
  }

  async #upstream(id: string | null): Promise<TaskRecord | null> {
    const [entry] = id === null ? [] : await this.store.peekMany([id]);
    return entry && !isForgotten(entry.record) ? entry.record : null;
  }

  /** Tells those that follow something how it ended (null: not, or no more). */
  async #tell(upstream: string, end: StateType | null, sure: Deno.AtomicCheck): Promise<boolean> {
    let told = true;
    for await (const page of edgesOf(this.store.kv, upstream)) {
      const news = page.filter(({ value: { told, kind } }) => told !== end && kind === undefined);
      const commits = news.map(({ key, versionstamp, value: { ids, told: was } }) => {
        return this.store.commit("outbox", [], {
          checks: [{ key, versionstamp }, sure],
          writes: [{ key, value: { ids, told: end } }],
          counterSteps: ids.map((dependent) => ({ dependent, upstream, was, is: end })),
        });
      });
      for (const applied of await Promise.all(commits)) told &&= applied !== null;
    }
    return told;
  }

  /** Tasks that waited for the seal alone have no join. */
  async #letGo({ key, versionstamp, value: { ids, kind } }: Deno.KvEntry<EdgeBlock>): Promise<boolean> {
    if (kind !== "direct") return true;
    const known = ids.map((id) => this.store.links.get(id));
    const entries = known.every((entry) => entry) ? known : await this.store.readMany(ids);
    const now = this.store.clock.now();
    const changes = entries.flatMap((entry): Change[] => {
      if (!entry || isForgotten(entry.record) || !isAwaiting(entry.record)) return [];
      return [{ before: entry, next: released(entry.record, now) }];
    });
    const applied = await this.store.commit("outbox", changes, {
      checks: [{ key, versionstamp }],
      writes: [{ key }],
    });
    if (applied === null) { for (const id of ids) this.store.links.forget(id); }
    return applied !== null;
  }

  /** All tasks of a call are there (the note was left with its seal): those that waited for nothing else go. */
  async #unseal({ id, note }: Sight): Promise<boolean> {
    const { kv } = this.store;
    for await (const page of edgesOf(this.store.kv, id)) {
      const gone = await Promise.all(page.map((block) => this.#letGo(block)));
      if (gone.includes(false)) return false;
    }
    const sure: Deno.AtomicCheck = { key: keys.outbox(id), versionstamp: note };
    if (!await this.#tell(id, "COMPLETED", sure)) return false;
    for await (const page of edgesOf(kv, id)) await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
    return await this.store.commit("outbox", [], { checks: [sure], writes: [{ key: keys.outbox(id) }] }) !==
      null;
  }
}
