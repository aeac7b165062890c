// One caller's tasks take at most its share of the slots of each kind: those of another find some at once,
// however long the first ones run. What does not fit waits in the queue, and is passed over there.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import type { TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import type { Usage, Usages } from "../core/usage.ts";

/** The slots of some tasks of one caller. */
export interface CallerSlot {
  take(): void;
  give(): void;
}

type Owned = Pick<TaskRecord, "id" | "caller">;

export class CallerSlots {
  readonly #held: Record<RunnerKind, Map<Usage, number>> = { inline: new Map(), thread: new Map() };
  /** Of whom tasks were passed over. */
  readonly #passedOver: Record<RunnerKind, Set<Usage>> = { inline: new Set(), thread: new Set() };

  /** @param onRoom called when there is room again for tasks that were passed over */
  constructor(
    private readonly usages: Usages,
    private readonly sizes: Record<RunnerKind, number>,
    private readonly onRoom: (kind: RunnerKind) => void,
  ) {}

  /** How many more of this caller's may start. */
  room(kind: RunnerKind, owned: Owned): number {
    let room = Infinity;
    for (const usage of this.#usagesOf(owned)) room = Math.min(room, this.#roomOf(kind, usage));
    return room;
  }

  /** Those who have no room. Once they have some, it is told. */
  passOver(kind: RunnerKind, owned: Owned): void {
    for (const usage of this.#usagesOf(owned)) this.#passedOver[kind].add(usage);
  }

  /** Null where nobody is counted for the task. */
  slotOf(kind: RunnerKind, owned: Owned): CallerSlot | null {
    const usages = this.#usagesOf(owned);
    if (usages.length === 0) return null;
    return {
      take: () => {
        for (const usage of usages) this.#add(kind, usage, 1);
      },
      give: () => {
        for (const usage of usages) this.#add(kind, usage, -1);
        this.#tellOfRoom(usages);
      },
    };
  }

  /** Quotas have changed. */
  changed(): void {
    for (const kind of RUNNER_KINDS) {
      if (this.#passedOver[kind].size === 0) continue;
      this.#passedOver[kind].clear();
      this.onRoom(kind);
    }
  }

  #tellOfRoom(usages: readonly Usage[]): void {
    for (const kind of RUNNER_KINDS) {
      const passed = this.#passedOver[kind];
      const free = usages.filter((usage) => passed.has(usage) && this.#roomOf(kind, usage) > 0);
      for (const usage of free) passed.delete(usage);
      if (free.length > 0) this.onRoom(kind);
    }
  }

  #roomOf(kind: RunnerKind, usage: Usage): number {
    const size = this.sizes[kind];
    const ofKind = usage.most("running", size) - (this.#held[kind].get(usage) ?? 0);
    // A quota counts those of all kinds.
    return Math.min(ofKind, (usage.quota("running") ?? Infinity) - usage.running);
  }

  #add(kind: RunnerKind, usage: Usage, count: number): void {
    usage.running += count;
    const held = (this.#held[kind].get(usage) ?? 0) + count;
    if (held > 0) this.#held[kind].set(usage, held);
    else this.#held[kind].delete(usage);
  }

  #usagesOf({ id, caller }: Owned): readonly Usage[] {
    return caller === undefined || caller === ""
      ? []
      : this.usages.of({ name: caller, tenant: tenantOf(id) });
  }
}

/** Slots that a claim has found for its tasks, until these begin or the claim is over. */
export class Reservation {
  readonly #taken: CallerSlot[] = [];

  constructor(private readonly slots: CallerSlots) {}

  /** False if the task's caller has no room. */
  take(kind: RunnerKind, owned: Owned): boolean {
    if (this.slots.room(kind, owned) <= 0) {
      this.slots.passOver(kind, owned);
      return false;
    }
    const slot = this.slots.slotOf(kind, owned);
    if (slot === null) return true;
    slot.take();
    this.#taken.push(slot);
    return true;
  }

  release(): void {
    for (const slot of this.#taken.splice(0)) slot.give();
  }
}
