// The way of a claimed task through this worker: it begins, runs, and is settled.

import { type Entry, isForgotten, type Stored, type TaskRecord } from "../core/task.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/store.ts";
import { Attempt } from "./attempt.ts";
import type { CallerSlot, CallerSlots } from "./caller_slots.ts";
import type { ExecuteOptions } from "./execute.ts";
import { executeTraced } from "./traced_execute.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { LeaseBook } from "./lease_book.ts";
import { settle } from "./settlement.ts";
import { Slot, type SlotPool } from "./slot_pool.ts";
import type { Slots } from "./slots.ts";

export interface AttemptRunnerOptions extends ExecuteOptions {
  slots: Slots;
  callers: CallerSlots;
  leases: LeaseBook;
  heartbeat: Heartbeat;
  log: Log;
  isStopping: () => boolean;
}

export class AttemptRunner {
  constructor(private readonly store: Store, private readonly options: AttemptRunnerOptions) {}

  /**
   * Resolves once the attempt is over, and never rejects.
   *
   * @param block the lease block that lists the task
   * @param place that of a suspect in its line
   */
  begin(entry: Entry, block: string, place?: Slot): Promise<void> {
    // This process was suspended, or KV was away: other workers may take it for dead, and run the task
    // themselves.
    return this.options.heartbeat.isOverdue
      ? this.#beginAfterHeartbeat(entry, block, place)
      : this.#begin(entry, block, place);
  }

  async #beginAfterHeartbeat({ record }: Entry, block: string, place?: Slot): Promise<void> {
    const { id, lease } = record;
    const { slots, leases, heartbeat, log } = this.options;
    const pool = this.#poolOf(record);
    pool.take();
    const ofCaller = this.#callerSlotOf(record);
    ofCaller?.take();
    slots.unconfirmed++;
    let run: Promise<void> | undefined;
    try {
      let current: Entry<Stored> | null;
      do {
        await heartbeat.shared();
        [current] = await this.store.readMany([id]);
      } while (heartbeat.isOverdue);
      const isMine = current && !isForgotten(current.record) && current.record.lease?.token === lease!.token;
      if (isMine && leases.holds(block)) run = this.#begin(current as Entry, block, place);
      else leases.close(block, id);
    } catch (error) {
      // A later heartbeat of this worker hands the task back, or the reaper of another one does.
      leases.lose(block);
      log.error(`task ${id} was claimed but could not begin`, error);
    } finally {
      slots.unconfirmed--;
      ofCaller?.give();
      pool.give();
    }
    await run;
  }

  async #begin(entry: Entry, block: string, place?: Slot): Promise<void> {
    const { slots, leases, log } = this.options;
    const { id } = entry.record;
    const other = slots.running.get(id);
    // The answer to a claim can be so late that the task was handed back and claimed again: one of the two is
    // over.
    if (other && other.versionstamp > entry.versionstamp) return leases.close(block, id);
    other?.lose();
    const slot = new Slot(this.#poolOf(entry.record), this.#callerSlotOf(entry.record));
    const attempt = new Attempt(this.store, entry, {
      onError: (error) => log.error(`a report of task ${id} was not written`, error),
      slots: place ? [slot, place] : [slot],
    });
    slots.running.set(id, attempt);
    await this.#run(attempt, slot, block).catch((error) => log.error(`task ${id} was left behind`, error));
  }

  async #run(attempt: Attempt, slot: Slot, block: string): Promise<void> {
    const { slots, leases } = this.options;
    const outcome = await executeTraced(attempt, this.options, this.options.tracing ?? null);
    // The slot is free once the function has ended; the outcome is written while the next task is claimed.
    if (slots.running.get(attempt.id) === attempt) slots.running.delete(attempt.id);
    slots.settling.set(attempt.id, attempt);
    slot.end();
    let isOver = true;
    if (outcome === null) await attempt.abandon();
    else isOver = await settle(this.store, attempt, outcome, this.options);
    slots.settled(attempt);
    if (isOver) leases.close(block, attempt.id);
    else leases.lose(block);
  }

  #callerSlotOf(record: TaskRecord): CallerSlot | null {
    return this.options.callers.slotOf(this.options.registry.runnerOf(record.task)!, record);
  }

  #poolOf({ task, queue }: TaskRecord): SlotPool {
    return this.options.slots.of(this.options.registry.runnerOf(task)!, queue);
  }
}
