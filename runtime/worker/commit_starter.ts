// Starts new tasks in the commit that stores them, while there are free slots: a claim would cost a commit of
// its own.

import type { RunnerKind } from "../core/define.ts";
import {
  type Entry,
  HISTORY_KEPT,
  isForgotten,
  queueOf,
  type Stored,
  type TaskRecord,
} from "../core/task.ts";
import { claimed } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import type { Starter, Taken } from "../store/starter.ts";
import type { Store } from "../store/store.ts";
import type { CallerSlots } from "./caller_slots.ts";
import type { LeaseBook } from "./lease_book.ts";
import type { SlotPool } from "./slot_pool.ts";
import type { Slots } from "./slots.ts";

export interface CommitStarterOptions {
  worker: string;
  slots: Slots;
  callers: CallerSlots;
  leases: LeaseBook;
  /** Null for definitions that this process does not have. */
  runnerOf: (task: string) => RunnerKind | null;
  /** How many tasks of the kind may start now in the slots that a queue takes: none while older ones wait. */
  room: (kind: RunnerKind, queue: string) => number;
  /** True if nothing but a slot may keep the task from starting. */
  mayStart: (record: TaskRecord) => boolean;
  /** True if some queue may have room. */
  hasRoom: () => boolean;
  begin: (entry: Entry, block: string) => void;
}

export class CommitStarter implements Starter {
  constructor(private readonly store: Store, private readonly options: CommitStarterOptions) {}

  take(ready: TaskRecord[]): Taken {
    const taken: Taken = { running: new Map(), writes: [] };
    const { worker, slots, callers, leases, runnerOf, room, mayStart, hasRoom } = this.options;
    if (!hasRoom()) return taken;
    const left = new Map<SlotPool, number>();
    const { clock, ids } = this.store;
    const now = clock.now();
    // A task that has run before may still have an attempt that is about to end.
    // One whose start takes back what is written with its submit (a timer, a unique key) waits for a claim.
    // So does one whose history is full: the unit has said already which states go to the event log.
    const fit = ready.filter(({ attempt, crashes, expiresAt, unique, history }) =>
      attempt === 0 && crashes === 0 && expiresAt === null && unique?.while !== "waiting" &&
      history.length < HISTORY_KEPT
    );
    const block = ids.token();
    // The sort is stable: tasks of one priority stay in their order.
    for (const record of fit.sort((a, b) => b.priority - a.priority)) {
      const kind = runnerOf(record.task);
      if (kind === null || !mayStart(record)) continue;
      // Another commit under way makes it ready, too: the outbox and an end may let in the same one.
      if (slots.starting.has(record.id)) continue;
      const queue = queueOf(record);
      const pool = slots.of(kind, queue);
      const free = left.get(pool) ?? room(kind, queue);
      left.set(pool, free);
      if (free <= 0 || callers.room(kind, record) <= 0) continue;
      left.set(pool, free - 1);
      const ofCaller = callers.slotOf(kind, record);
      ofCaller?.take();
      const lease = { worker, token: ids.token() };
      taken.running.set(record.id, claimed(record, now, lease));
      slots.starting.set(record.id, { lease, block, pool, ofCaller });
      pool.take();
    }
    if (taken.running.size === 0) return taken;
    const started = [...taken.running.keys()];
    leases.open(block, started);
    taken.writes.push({ key: keys.lease(worker, block), value: started }, ...leases.takeDeletions());
    return taken;
  }

  release({ running }: Taken): void {
    const { slots, leases } = this.options;
    for (const id of running.keys()) {
      const starting = slots.starting.get(id);
      if (!starting) continue;
      slots.starting.delete(id);
      leases.lose(starting.block);
      starting.ofCaller?.give();
      starting.pool.give();
    }
  }

  /** A commit was applied. Returns true if the task is one that starts with it. */
  committed(entry: Entry<Stored>): boolean {
    const { record } = entry;
    const { slots, begin } = this.options;
    const starting = slots.starting.get(record.id);
    if (!starting || isForgotten(record) || record.lease?.token !== starting.lease.token) return false;
    slots.starting.delete(record.id);
    begin(entry as Entry, starting.block);
    starting.ofCaller?.give();
    starting.pool.give();
    return true;
  }
}
