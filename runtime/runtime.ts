// The one door to the engine. It wires the parts together; what they do stands in their own files.

import { systemClock } from "./platform/clock.ts";
import type { Clock } from "./platform/clock.ts";
import { Children } from "./worker/child_tasks.ts";
import { Completions } from "./queries/as_completed.ts";
import type { AnyDefinition } from "./core/define.ts";
import { QueueDepth } from "./commands/queue_limit.ts";
import { TimerLoop } from "./maintenance/timer_loop.ts";
import { ForgottenError, NotFoundError } from "./core/errors.ts";
import type { TaskEvent } from "./store/event_log.ts";
import type { GroupRecord } from "./store/group_counters.ts";
import { memberOf, rootOf } from "./core/id_range.ts";
import { OutboxProcessor } from "./dependencies/outbox_processor.ts";
import { Groups, type GroupStatus } from "./queries/groups.ts";
import { type Ids, makeIds } from "./platform/ids.ts";
import { InputResolver } from "./worker/input_resolver.ts";
import type { KvPort } from "./platform/kv.ts";
import { GarbageCollector } from "./maintenance/garbage_collector.ts";
import { list, type ListQuery, type Page } from "./queries/list.ts";
import { type Log, silentLog } from "./platform/log.ts";
import { Notifier } from "./queries/notifier.ts";
import { nearPendingWork } from "./queries/pending_work.ts";
import { Reconciler } from "./maintenance/reconciler.ts";
import { Reaper } from "./maintenance/reaper.ts";
import { Registry } from "./core/registry.ts";
import { Runners } from "./worker/runners/runners.ts";
import { cancel, type Cancelled, type CancelRequest } from "./commands/cancel.ts";
import type { CommandContext } from "./commands/context.ts";
import { forget } from "./commands/forget.ts";
import { cancelGroup, createGroup, type GroupCancelled } from "./commands/group_commands.ts";
import type { IfMatch } from "./commands/present_task.ts";
import { dependentsResumed, retry } from "./commands/retry.ts";
import { Store } from "./store/store.ts";
import { type SubmitCall, type Submitted, Submitter } from "./commands/submit.ts";
import {
  type Entry,
  isForgotten,
  isReady,
  isTerminal,
  type Stored,
  type StoredValue,
  typeOf,
} from "./core/task.ts";
import { taskEvents } from "./queries/task_events.ts";
import { Timers } from "./maintenance/timers.ts";
import { Values } from "./store/values.ts";
import { type ReturnWhen, type Waited, waitFor, type WaitOptions } from "./queries/wait.ts";
import type { Doorbell } from "./platform/doorbells/doorbell.ts";
import { QueueBell } from "./platform/doorbells/queue.ts";
import { SweepBell } from "./platform/doorbells/sweep.ts";
import { WatchBell } from "./platform/doorbells/watch.ts";
import { Worker } from "./worker/worker.ts";

/** Which doorbells ring in this process. The sweep alone is enough for every task to run. */
export interface Doorbells {
  /** A call in the same process, right after a commit. */
  call: boolean;
  /** A KV queue message in the submit's own commit, where the backend has queues. */
  queue: boolean;
  /** A key that all processes watch, where these share a database server. */
  watch: boolean;
  /** A look every few seconds. */
  sweep: boolean;
}

export interface RuntimeOptions {
  kv: KvPort;
  definitions: Iterable<AnyDefinition>;
  /** False: this process submits and answers, and runs no tasks. Default true. */
  runsTasks?: boolean;
  /** Handlers that run at once. Default 200. */
  concurrency?: number;
  /** Worker threads that run at once. Default: one for each core. */
  threads?: number;
  /** A worker that has shown no heartbeat for this long is dead. Default 10,000. */
  leaseMs?: number;
  /** Default 1 MiB. */
  maxInputBytes?: number;
  /** Default 16 MiB. */
  maxResultBytes?: number;
  /** More tasks than this may not wait for a worker. Default 1,000,000. */
  maxQueued?: number;
  /** Keep stacks with errors. Default false. */
  keepStacks?: boolean;
  doorbells?: Partial<Doorbells>;
  /** Milliseconds between sweeps. Default 2,000. */
  sweepMs?: number;
  /** Milliseconds between looks for tasks without a driver and for values without a task. Default 5,000. */
  patrolMs?: number;
  clock?: Clock;
  ids?: Ids;
  log?: Log;
}

export const DEFAULTS = {
  concurrency: 200,
  leaseMs: 10_000,
  maxInputBytes: 2 ** 20,
  maxResultBytes: 2 ** 24,
  maxQueued: 1_000_000,
  sweepMs: 2_000,
  patrolMs: 5_000,
} as const;

/** Builds a runtime on an open database. Nothing runs before `start`. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { call, queue, watch, sweep } = {
    call: true,
    queue: true,
    watch: true,
    sweep: true,
    ...options.doorbells,
  };
  const clock = options.clock ?? systemClock;
  const bells: Doorbell[] = [];
  if (queue && await QueueBell.works(options.kv)) bells.push(new QueueBell(options.kv.writer, clock));
  const { watched } = options.kv;
  if (watch && watched) bells.push(new WatchBell(options.kv, watched, clock, options.ids ?? makeIds(clock)));
  if (sweep) bells.push(new SweepBell(clock, options.sweepMs ?? DEFAULTS.sweepMs));
  return new Runtime(options, clock, bells, call);
}

export class Runtime {
  readonly registry: Registry;
  readonly completions: Completions;
  readonly groups: Groups;
  readonly maxInputBytes: number;
  readonly clock: Clock;
  readonly #store: Store;
  readonly #values: Values;
  readonly #commands: CommandContext;
  readonly #submitter: Submitter;
  readonly #notifier: Notifier;
  readonly #dueLoop: TimerLoop;
  readonly #follower: OutboxProcessor;
  readonly #reaper: Reaper;
  readonly #patrol: Reconciler;
  readonly #leftovers: GarbageCollector;
  readonly #repairs = new Map<string, number>();
  readonly #runners: Runners;
  readonly #worker: Worker | null;
  readonly #bells: Doorbell[];
  readonly #log: Log;
  readonly #leaseMs: number;
  readonly #sweepMs: number;
  readonly #patrolMs: number;
  /** What ends the repeated work. */
  readonly #stops: (() => Promise<void>)[] = [];
  #stopped = false;

  constructor(options: RuntimeOptions, clock: Clock, bells: Doorbell[], ringOnCommit: boolean) {
    const ids = options.ids ?? makeIds(clock);
    this.clock = clock;
    this.#log = options.log ?? silentLog;
    this.#bells = bells;
    this.#leaseMs = options.leaseMs ?? DEFAULTS.leaseMs;
    this.#sweepMs = options.sweepMs ?? DEFAULTS.sweepMs;
    this.#patrolMs = options.patrolMs ?? DEFAULTS.patrolMs;
    this.maxInputBytes = options.maxInputBytes ?? DEFAULTS.maxInputBytes;
    this.registry = new Registry(options.definitions);
    const store = this.#store = new Store({
      kv: options.kv,
      clock,
      ids,
      claims: options.runsTasks !== false,
      onCommit: (atomic) => {
        for (const bell of bells) bell.onCommit?.(atomic);
      },
    });
    const values = this.#values = new Values(options.kv, ids);
    const depth = new QueueDepth(store, options.maxQueued ?? DEFAULTS.maxQueued);
    this.#submitter = new Submitter(store, values, this.registry, this.maxInputBytes, depth);
    const { registry, maxInputBytes } = this;
    this.#commands = { store, values, registry, maxInputBytes };
    this.groups = new Groups(store);
    this.#notifier = new Notifier(store);
    this.completions = new Completions(store, this.#notifier, this.groups);
    this.#follower = new OutboxProcessor(store, this.#log);
    this.#dueLoop = new TimerLoop(new Timers(store, values), clock, this.#log);
    this.#reaper = new Reaper(store, this.#leaseMs);
    this.#patrol = new Reconciler(store, values);
    this.#leftovers = new GarbageCollector(store, values);
    this.#patrol.onRepair = this.#leftovers.onRepair = (id, what) => {
      this.#repairs.set(what, (this.#repairs.get(what) ?? 0) + 1);
      this.#log.error("a task was repaired", new Error(`task ${id} ${what}`));
    };
    this.#runners = new Runners(options.threads ?? navigator.hardwareConcurrency);
    this.#worker = options.runsTasks === false ? null : new Worker(store, {
      registry: this.registry,
      runners: this.#runners,
      values,
      inputs: new InputResolver(store, values),
      children: new Children(store, values, this.#notifier, this.#submitter, this.#commands),
      maxResultBytes: options.maxResultBytes ?? DEFAULTS.maxResultBytes,
      keepStacks: options.keepStacks ?? false,
      concurrency: options.concurrency ?? DEFAULTS.concurrency,
      leaseMs: this.#leaseMs,
      log: this.#log,
    });
    // The call in the same process at its shortest: a new task begins where it was submitted.
    if (ringOnCommit) store.starter = this.#worker;
    const told = bells.filter(({ onEnd }) => onEnd !== undefined);
    store.onApplied = (entry, before) => {
      depth.changed(entry, before);
      this.#notifier.publish(entry);
      this.#worker?.changed(entry);
      this.#expectTimers(entry);
      if (ringOnCommit && isReady(entry.record)) this.#worker?.ring();
      if (told.length > 0 && !isForgotten(entry.record) && isTerminal(entry.record)) {
        for (const bell of told) bell.onEnd!();
      }
    };
  }

  /** Starts to claim and run tasks, to fire timers, and to look after dead workers. */
  async start(): Promise<void> {
    await this.#worker?.start();
    for (const bell of this.#bells) bell.start(() => this.#ring(), () => this.#look());
    this.#dueLoop.start();
    this.#follower.start();
    this.#every(this.#leaseMs / 3, "reaping", async () => {
      const handedOn = await this.#reaper.tick();
      if (handedOn > 0) this.#log.info(`tasks of dead workers that were handed on: ${handedOn}`);
    });
    this.#every(this.#sweepMs, "looking through the outbox", () => this.#follower.sweep());
    this.#every(this.#sweepMs, "looking at watched tasks", () => this.#notifier.sweep());
    this.#every(this.#patrolMs, "looking for what was left behind", async () => {
      await this.#patrol.tick();
      await this.#leftovers.tick();
    });
  }

  /**
   * Stops within about `graceMs`: no more claims, running functions may finish, the rest is handed back into the queue
   * without counting against anyone. The database stays open.
   */
  async stop(graceMs = 4_000): Promise<void> {
    this.#stopped = true;
    for (const bell of this.#bells) await bell.stop();
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.#dueLoop.stop();
    await this.#follower.stop();
    await this.#worker?.stop(graceMs);
    await this.#store.idle();
    this.#runners.close();
  }

  /** How many functions run here. */
  get running(): number {
    return this.#worker?.running ?? 0;
  }

  /** Functions run here, or tasks may wait for them. */
  get isBusy(): boolean {
    return this.#worker?.isBusy ?? false;
  }

  /** More tasks wait than functions may run here. */
  get isFull(): boolean {
    return this.#worker?.isFull ?? false;
  }

  /** Why a process is needed now, or within `aheadMs` for what shall be on time; null if it is not. */
  async need(aheadMs: number): Promise<string | null> {
    if (this.isBusy) return "tasks run";
    if (this.#reaper.hasSuspects) return "it is not clear yet whether all workers live";
    return await nearPendingWork(this.#store.kv, { now: this.clock.now(), aheadMs });
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get claims(): { made: number; beaten: number } {
    return this.#worker?.claims ?? { made: 0, beaten: 0 };
  }

  /** What had to be mended so far, by what was wrong. Empty in a run without faults. */
  get repairs(): ReadonlyMap<string, number> {
    return this.#repairs;
  }

  /** How many tasks and groups somebody waits for here. */
  get watched(): number {
    return this.#notifier.watched;
  }

  /** Ids for the tasks of one call, which is to be submitted with `root`. */
  newIds(): { root: string; draw: () => string } {
    const root = rootOf(this.#store.ids.id());
    let drawn = 0;
    return { root, draw: () => memberOf(root, drawn++) };
  }

  /** Stores tasks: see {@linkcode Submitter.submit}. */
  submit(call: SubmitCall): Promise<Submitted> {
    return this.#submitter.submit(call);
  }

  /** See {@linkcode cancel}. */
  cancel(id: string, request: CancelRequest): Promise<Cancelled> {
    return cancel(this.#store, id, request);
  }

  /** See {@linkcode retry}. */
  retry(id: string, input: unknown, ifMatch?: IfMatch): Promise<Entry> {
    return retry(this.#commands, id, input, ifMatch);
  }

  /** See {@linkcode dependentsResumed}. */
  dependentsResumed(retried: Entry): Promise<void> {
    return dependentsResumed(this.#store, this.#follower, retried.record);
  }

  /** See {@linkcode forget}. */
  forget(id: string, ifMatch?: IfMatch): Promise<void> {
    return forget(this.#store, id, ifMatch);
  }

  /** See {@linkcode createGroup}. */
  createGroup(ids: string[]): Promise<GroupStatus> {
    return createGroup(this.#store, this.groups, ids);
  }

  /** See {@linkcode cancelGroup}. */
  cancelGroup(id: string, request: CancelRequest): Promise<GroupCancelled> {
    return cancelGroup(this.#store, this.groups, id, request);
  }

  /**
   * A task as it is now, or as soon as it has ended, but after `waitMs` at the latest.
   *
   * @throws {NotFoundError | ForgottenError}
   */
  async task(id: string, waitMs = 0, signal?: AbortSignal): Promise<Entry> {
    const entry = await this.#notifier.ended(id, waitMs, signal);
    if (!entry) throw new NotFoundError("task", id);
    if (isForgotten(entry.record)) throw new ForgottenError(id);
    return entry as Entry;
  }

  /**
   * A group as it is now, or as soon as all its tasks have ended, but after `waitMs` at the latest.
   *
   * @throws {NotFoundError}
   */
  group(id: string, waitMs = 0, signal?: AbortSignal): Promise<GroupRecord> {
    return this.groups.ended(id, this.#notifier, waitMs, signal);
  }

  /** JSON text of an input or a result. */
  value(id: string, value: StoredValue): Promise<string> {
    return this.#values.load(id, value);
  }

  events(entry: Entry, after: number, signal?: AbortSignal): AsyncGenerator<TaskEvent[]> {
    return taskEvents(this.#store, this.#notifier, entry, after, signal);
  }

  list(query: ListQuery): Promise<Page> {
    return list(this.#store, query);
  }

  /** See {@linkcode waitFor}. */
  wait(ids: string[], returnWhen: ReturnWhen, waitMs: number, options?: WaitOptions): Promise<Waited> {
    return waitFor(this.#store, this.#notifier, ids, returnWhen, waitMs, options);
  }

  /** One read, to see that the database answers. */
  async ping(): Promise<void> {
    await this.#store.kv.get(["ping"]);
  }

  #ring(): void {
    this.#worker?.ring();
    this.#dueLoop.ring();
  }

  /** Tasks may have ended in other processes. */
  #look(): void {
    this.#notifier.sweep().catch((error) => this.#log.error("looking at watched tasks failed", error));
    this.#follower.sweep().catch((error) => this.#log.error("looking through the outbox failed", error));
  }

  /** What this process schedules, it need not find out by looking. */
  #expectTimers({ record }: Entry<Stored>): void {
    if (isForgotten(record)) return this.#dueLoop.expect(record.forgottenAt);
    if (typeOf(record) === "SCHEDULED") this.#dueLoop.expect(record.runAt);
    if (record.expiresAt !== null && record.startedAt === null) this.#dueLoop.expect(record.expiresAt);
  }

  /** Does something again and again, never twice at once; a failure is logged, and the next time may be better. */
  #every(ms: number, what: string, work: () => Promise<unknown>): void {
    let working: Promise<unknown> = Promise.resolve();
    let cancel = () => {};
    const schedule = () => {
      cancel = this.clock.timer(() => {
        working = work().catch((error) => this.#log.error(`${what} failed`, error)).then(() => {
          if (!this.#stopped) schedule();
        });
      }, ms);
    };
    schedule();
    this.#stops.push(async () => {
      cancel();
      await working;
    });
  }
}
