// Parts for tests of tasks that wait for others: a bench with a submitter and an outbox processor, on which
// tasks are run by hand.

import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import type { Batch } from "../../runtime/commands/batch.ts";
import { Compensations } from "../../runtime/commands/groups/compensations.ts";
import { GroupFollower } from "../../runtime/commands/groups/follow_group.ts";
import { Groups } from "../../runtime/queries/groups.ts";
import { Notifier } from "../../runtime/queries/notifier.ts";
import type { CommandContext } from "../../runtime/commands/context.ts";
import { UNCOUNTED } from "../../runtime/core/usage.ts";
import { QueueLimit } from "../../runtime/commands/queue_limit.ts";
import { OutboxProcessor } from "../../runtime/dependencies/outbox_processor.ts";
import type { DependencyCounter } from "../../runtime/store/dependency_counters.ts";
import { keys, prefixes } from "../../runtime/platform/keys.ts";
import { type Log, silentLog } from "../../runtime/platform/log.ts";
import { Registry } from "../../runtime/core/registry.ts";
import { cancel, cancelIfThere, type Cancelled } from "../../runtime/commands/cancel.ts";
import { cancelGroupIfThere } from "../../runtime/commands/group_commands.ts";
import { forget } from "../../runtime/commands/forget.ts";
import { retry } from "../../runtime/commands/retry.ts";
import type { Submission } from "../../runtime/core/submission.ts";
import { type SubmitCall, Submitter } from "../../runtime/commands/submit.ts";
import { Store } from "../../runtime/store/store.ts";
import { type Entry, stateOf, type TaskRecord } from "../../runtime/core/task.ts";
import { claimed, type Outcome, settled } from "../../runtime/core/transitions.ts";
import { aBench, type Bench, type BenchOptions } from "./builders.ts";
import { turn } from "./waiting.ts";

export interface Composing extends Bench {
  submitter: Submitter;
  commands: CommandContext;
  follower: OutboxProcessor;
  /** Submits; a task is named by its id. */
  call(submissions: Partial<Submission>[], options?: Partial<SubmitCall>): Promise<TaskRecord[]>;
  cancel(id: string, reason?: string): Promise<Cancelled>;
  retry(id: string, input?: unknown): Promise<Entry>;
  forget(id: string): Promise<void>;
  /** Runs it once: it returns its own id, or fails. */
  run(id: string, outcome?: "completes" | "fails"): Promise<void>;
  /** Processes outbox entries until there are none. */
  follow(): Promise<void>;
  /** What a task does: the name of its state. */
  state(id: string): Promise<string>;
  join(id: string): Promise<DependencyCounter | null>;
  /** Keys of these kinds. */
  left(...kinds: string[]): Promise<Deno.KvKey[]>;
}

export interface ComposingOptions extends BenchOptions {
  log?: Log;
}

export async function composing(options: ComposingOptions = {}): Promise<Composing> {
  return onBench(await aBench(options), options.log);
}

/** Another process on the same database: it remembers nothing. */
export function elsewhere(bench: Composing): Composing {
  const { kv, clock, ids } = bench;
  return onBench({
    ...bench,
    store: new Store({ kv, clock, ids }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

function onBench(bench: Bench, log: Log = silentLog): Composing {
  const { store, values, clock, kv } = bench;
  const registry = new Registry([define({ name: "work", input: z.unknown() }, () => null)]);
  const notifier = new Notifier(store);
  const ofStore = new Groups(store);
  const groups = new GroupFollower(store, ofStore, notifier, () => {
    return Promise.resolve(new Compensations(store, values, submitter, notifier));
  });
  const follower = new OutboxProcessor(store, log, {
    onReady() {},
    followGroup: (...args) => groups.follow(...args),
    replacements: () => Promise.reject(new Error("none here")),
    cancel: (id, reason) => cancelIfThere(store, id, { reason, graceMs: 0 }),
    cancelGroup: (id, reason) => cancelGroupIfThere(store, ofStore, id, { reason, graceMs: 0 }),
  });
  store.subscribe({ outboxWritten: (subjects, versionstamp) => follower.ring(subjects, versionstamp) });
  const context = { store, values, registry, maxInputBytes: 2 ** 20 };
  const submitter = new Submitter(context, new QueueLimit(store, 1_000_000, UNCOUNTED));
  const step = (id: string, next: (record: TaskRecord) => TaskRecord) =>
    store.update("settle", id, ({ record }) => ({ next: next(record as TaskRecord) }));
  return {
    ...bench,
    submitter,
    commands: context,
    cancel: (id, reason) => cancel(store, id, { reason, graceMs: 0 }),
    retry: (id, input) => retry(context, id, input),
    forget: (id) => forget(store, id),
    follower,
    async call(submissions, more = {}) {
      const { entries } = await submitter.submit({
        batch: batchOf(submissions),
        ...more,
      });
      return entries.map(({ record }) => record);
    },
    async run(id, outcome = "completes") {
      const error = { name: "Error", message: "no luck", retryable: false };
      const what: Outcome = outcome === "completes"
        ? { kind: "completed", result: { json: JSON.stringify(id) } }
        : { kind: "failed", error };
      await step(id, (record) => claimed(record, clock.now(), { worker: "w", token: "t" }));
      await step(id, (record) => settled(record, clock.now(), what, () => 1));
    },
    async follow() {
      follower.start();
      while ((await kv.list({ prefix: prefixes.outbox }, { limit: 1 })).length > 0) {
        await follower.sweep();
        await turn();
      }
      await follower.stop();
    },
    state: async (id) => stateOf(await bench.record(id)).name,
    join: async (id) => (await kv.get<DependencyCounter>(keys.dependencyCounter(id))).value,
    async left(...kinds) {
      return (await bench.all()).map(({ key }) => key).filter(([kind]) => kinds.includes(kind as string));
    },
  };
}

/** Of the task that the bench can run. */
export function batchOf(submissions: Partial<Submission>[]): Batch {
  return {
    submissions: submissions.map((one) => ({ task: "work", ...one })),
    pointerOf: (index, part) => `/tasks/${index}${part}`,
  };
}

/** Ids of one's own, as many as wanted. */
export function ownIds(count: number): string[] {
  return Array.from({ length: count }, () => crypto.randomUUID());
}

/** What stands for a task's result. */
export function resultOf(id: string): { $task: string } {
  return { $task: id };
}
