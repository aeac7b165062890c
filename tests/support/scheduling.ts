// Parts for tests of schedules: an engine that fires them when a test says so, and runs nothing.

import { z } from "zod";
import { QueueLimit } from "../../runtime/commands/queue_limit.ts";
import { Submitter } from "../../runtime/commands/submit.ts";
import { ANYBODY, type Caller } from "../../runtime/core/caller.ts";
import { define } from "../../runtime/core/define.ts";
import { Registry } from "../../runtime/core/registry.ts";
import { type Entry, type TaskRecord } from "../../runtime/core/task.ts";
import { cancelled, claimed, settled } from "../../runtime/core/transitions.ts";
import { UNCOUNTED } from "../../runtime/core/usage.ts";
import { entryOf, type ScheduleRecord } from "../../runtime/schedules/record.ts";
import type { ScheduleConfig } from "../../runtime/core/schedule_config.ts";
import { ScheduleTimers } from "../../runtime/schedules/firing.ts";
import { CallerSchedules } from "../../runtime/schedules/schedules.ts";
import { decode } from "../../runtime/store/record_codec.ts";
import { aBench, type Bench, type BenchOptions, keys, taskOf } from "./builders.ts";

export const work = define({ name: "work", input: z.object({ n: z.number().optional() }) }, () => null);
export const other = define({ name: "other", input: z.object({}) }, () => null);

export interface SchedulingOptions extends BenchOptions {
  mostQueued?: number;
}

export class Scheduling implements AsyncDisposable {
  /** Instants that the timer loop was told of. */
  readonly expected: number[] = [];
  /** What was logged as an error. */
  readonly errors: string[] = [];

  private constructor(readonly bench: Bench, private readonly mostQueued: number) {}

  static async open({ mostQueued = 1_000_000, ...options }: SchedulingOptions = {}): Promise<Scheduling> {
    return new Scheduling(await aBench(options), mostQueued);
  }

  get now(): number {
    return this.bench.clock.now();
  }

  /** A process of its own, on the same store unless it says which. */
  process(registry: Registry = new Registry([work, other]), store: Bench["store"] = this.bench.store) {
    const context = { store, values: this.bench.values, registry, maxInputBytes: 2 ** 20 };
    const limit = new QueueLimit(store, this.mostQueued, UNCOUNTED);
    store.subscribe({ applied: (entry, before) => limit.changed(entry, before) });
    const submitter = new Submitter(context, limit);
    const expect = (at: number) => void this.expected.push(at);
    const log = {
      info: () => {},
      error: (message: string, error: unknown) => void this.errors.push(`${message}: ${error}`),
    };
    return {
      context,
      submitter,
      timers: new ScheduleTimers(context, submitter, log),
      schedulesOf: (caller: Caller) => new CallerSchedules({ commands: context, submitter, expect }, caller),
    };
  }

  schedulesOf(caller: Caller = ANYBODY): CallerSchedules {
    return this.process().schedulesOf(caller);
  }

  /** Makes a schedule of "work". */
  async put(
    name: string,
    config: Partial<ScheduleConfig> & Pick<ScheduleConfig, "spec">,
  ): Promise<ScheduleRecord> {
    return (await this.schedulesOf().put(name, { task: "work", ...config })).view.record;
  }

  /** Fires all that is due now, in as many rounds as that takes. */
  async fire(timers: ScheduleTimers = this.process().timers): Promise<number | null> {
    for (;;) {
      const next = await timers.tick();
      if (next === null || next > this.now) return next;
    }
  }

  /** Time passes, and what is due is fired. */
  async advance(ms: number): Promise<void> {
    this.bench.clock.advance(ms);
    await this.fire();
  }

  async record(name: string, tenant = ""): Promise<ScheduleRecord> {
    return entryOf(await this.bench.kv.get<Uint8Array>(keys.schedule(name, tenant)))!.record;
  }

  /** All tasks, in the order of their ids. */
  async tasks(): Promise<TaskRecord[]> {
    const entries = await this.bench.kv.list<Uint8Array>({ prefix: ["task"] }, { limit: 5_000 });
    return entries.map(({ value }) => decode(value) as TaskRecord);
  }

  /** The times that tasks are for, in minutes from the start of the test's clock. */
  async minutes(from: number): Promise<number[]> {
    return (await this.tasks()).map(({ schedule }) => (schedule!.for - from) / 60_000);
  }

  /** A task that waits in the queue begins. */
  async begin(id: string): Promise<void> {
    await this.#move(id, (record, now) => claimed(record, now, { worker: "w", token: "t" }));
  }

  /** A task begins and ends. */
  async end(id: string, as: "completed" | "failed" | "cancelled" = "completed"): Promise<void> {
    const outcome = as === "failed"
      ? { kind: "failed" as const, error: { name: "Error", message: "no", retryable: false } }
      : { kind: "completed" as const, result: { json: "1" } };
    await this.#move(id, (record, now) => {
      if (as === "cancelled") return cancelled(record, now, null);
      const running = record.lease ? record : claimed(record, now, { worker: "w", token: "t" });
      return settled(running, now, outcome, () => 0);
    });
  }

  async #move(id: string, step: (record: TaskRecord, now: number) => TaskRecord): Promise<void> {
    await this.bench.store.update(
      "settle",
      id,
      (entry) => ({ next: step(taskOf(entry as Entry), this.now) }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
  }
}
