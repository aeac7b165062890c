// Starts new tasks in the commit that stores them, while there are free slots: a claim would cost a commit of
// its own.

import { type Entry, isForgotten, type Stored, type TaskRecord } from "../core/task.ts";
import { claimed } from "../core/transitions.ts";
import { keys } from "../platform/keys.ts";
import type { Starter, Taken } from "../store/starter.ts";
import type { Store } from "../store/store.ts";
import type { LeaseBook } from "./lease_book.ts";
import type { Slots } from "./slots.ts";

export interface CommitStarterOptions {
  worker: string;
  slots: Slots;
  leases: LeaseBook;
  knows: (task: string) => boolean;
  /** How many tasks may start now: none while older ones wait. */
  room: () => number;
  begin: (entry: Entry, block: string) => void;
  /** Slots have come free again. */
  onFree: () => void;
}

export class CommitStarter implements Starter {
  constructor(private readonly store: Store, private readonly options: CommitStarterOptions) {}

  take(ready: TaskRecord[]): Taken {
    const taken: Taken = { running: new Map(), writes: [] };
    const { worker, slots, leases, knows, room } = this.options;
    const count = room();
    if (count <= 0) return taken;
    const { clock, ids } = this.store;
    const now = clock.now();
    // A task that has run before may still have an attempt that is about to end.
    const fit = ready.filter(({ attempt, expiresAt, task }) =>
      attempt === 0 && expiresAt === null && knows(task)
    );
    const block = ids.token();
    // The sort is stable: tasks of one priority stay in their order.
    for (const record of fit.sort((a, b) => b.priority - a.priority).slice(0, count)) {
      const lease = { worker, token: ids.token() };
      taken.running.set(record.id, claimed(record, now, lease));
      slots.starting.set(record.id, { lease, block });
    }
    if (taken.running.size === 0) return taken;
    const started = [...taken.running.keys()];
    leases.open(block, started);
    taken.writes.push({ key: keys.lease(worker, block), value: started }, ...leases.takeDeletions());
    return taken;
  }

  release({ running }: Taken): void {
    const { slots, leases, onFree } = this.options;
    let isAnyFree = false;
    for (const id of running.keys()) {
      const starting = slots.starting.get(id);
      if (!starting) continue;
      slots.starting.delete(id);
      leases.lose(starting.block);
      isAnyFree = true;
    }
    if (isAnyFree) onFree();
  }

  /** A commit was applied. Returns true if the task is one that starts with it. */
  committed(entry: Entry<Stored>): boolean {
    const { record } = entry;
    const starting = this.options.slots.starting.get(record.id);
    if (!starting || isForgotten(record) || record.lease?.token !== starting.lease.token) return false;
    this.options.slots.starting.delete(record.id);
    this.options.begin(entry as Entry, starting.block);
    return true;
  }
}
