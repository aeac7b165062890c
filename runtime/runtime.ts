// The engine as its callers see it. process/ builds the parts and runs them.

import { CallerView } from "./caller_view.ts";
import { Background } from "./process/background.ts";
import type { Batch } from "./commands/batch.ts";
import { cancel, type Cancelled, type CancelRequest } from "./commands/cancel.ts";
import type { MapSpec } from "./commands/flows/map.ts";
import type { FlowSpec } from "./commands/flows/schema.ts";
import { submitFlow, submitMap, type SubmittedFlow } from "./commands/flows/submit.ts";
import { forget } from "./commands/forget.ts";
import type { CancelCounts } from "./commands/cancel_many.ts";
import { cancelGroup, createGroup } from "./commands/group_commands.ts";
import type { Idempotency } from "./commands/idempotency.ts";
import type { IfMatch } from "./commands/present_task.ts";
import { dependentsResumed, retry } from "./commands/retry.ts";
import type { SubmitCall, Submitted } from "./commands/submit.ts";
import type { Caller } from "./core/caller.ts";
import type { Registry } from "./core/registry.ts";
import { type Entry, isReady, type StoredValue, type TaskRecord } from "./core/task.ts";
import { slotsOfAll } from "./core/queue.ts";
import type { Hold } from "./queues/control_set.ts";
import { DEFAULTS, type RuntimeOptions } from "./process/options.ts";
import type { Clock } from "./platform/clock.ts";
import { Readiness } from "./platform/readiness.ts";
import type { Turns } from "./platform/turns.ts";
import type { Completions } from "./queries/as_completed.ts";
import type { GroupStatus } from "./queries/group_status.ts";
import type { Groups } from "./queries/groups.ts";
import { list, type ListQuery, type Page } from "./queries/list.ts";
import { taskOrThrow } from "./queries/notifier.ts";
import { nearPendingWork } from "./queries/pending_work.ts";
import { taskEvents } from "./queries/task_events.ts";
import { type ReturnWhen, type Waited, waitFor, type WaitOptions } from "./queries/wait.ts";
import type { TaskEvent } from "./store/event_log.ts";
import type { GroupRecord } from "./store/group_counters.ts";
import { type Parts, wire } from "./process/wiring.ts";

/**
 * Builds a runtime on an open database. Nothing runs before `start`.
 *
 * @throws {NewerFormatError} for a database that only a newer release can read.
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  return new Runtime(await wire(options), options);
}

export class Runtime {
  readonly clock: Clock;
  /** For work that takes long in one go. */
  readonly turns: Turns;
  readonly registry: Registry;
  readonly completions: Completions;
  readonly groups: Groups;
  readonly maxInputBytes: number;
  /** Tasks that may wait for a worker. */
  readonly maxQueued: number;
  /** Functions that run at once on the main thread, in all queues together. */
  readonly concurrency: number;
  readonly #parts: Parts;
  readonly #readiness: Readiness;
  readonly #background: Background;

  constructor(parts: Parts, options: RuntimeOptions) {
    this.clock = parts.clock;
    this.turns = parts.store.turns;
    this.registry = parts.registry;
    this.completions = parts.completions;
    this.groups = parts.groups;
    this.maxInputBytes = options.maxInputBytes ?? DEFAULTS.maxInputBytes;
    this.maxQueued = options.maxQueued ?? DEFAULTS.maxQueued;
    this.concurrency = slotsOfAll(options.queues ?? null, options.concurrency ?? DEFAULTS.concurrency);
    this.#parts = parts;
    this.#readiness = new Readiness(parts.store.kv, parts.clock);
    this.#background = new Background(parts, options);
  }

  /**
   * Starts to run tasks, to fire timers, and to reclaim the tasks of dead workers.
   *
   * @throws {NewerFormatError} for a database that only a newer release can read.
   */
  async start(): Promise<void> {
    await this.#background.start();
  }

  /**
   * Stops within about `graceMs`: it claims nothing more, running functions may finish, and the rest goes
   * back into the queue without using up an attempt. The database stays open. Called again it can only
   * shorten the grace.
   */
  stop(graceMs = 4_000): Promise<void> {
    return this.#background.stop(graceMs);
  }

  /** Counts whose tasks wait, in all processes: see {@linkcode QueueLimit.count}. */
  countQueued(): Promise<void> {
    return this.#parts.queueLimit.count();
  }

  /** Counts what the callers of a tenant keep stored: see {@linkcode StoredLimit.count}. */
  countStored(tenant: string): Promise<void> {
    return this.#parts.storedLimit.count(tenant);
  }

  /**
   * What keeps a task that is ready from starting, as far as it is known here; null if nothing does. To tell,
   * and not to rely on.
   */
  holdOf(record: TaskRecord): Hold | null | Promise<Hold | null> {
    if (!isReady(record)) return null;
    const { controls } = this.#parts;
    if (controls.isFresh) return controls.holdOf(record);
    return controls.look().then(() => controls.holdOf(record), () => null);
  }

  /** How many functions run here. */
  get running(): number {
    return this.#parts.worker?.running ?? 0;
  }

  /** Functions run here, or tasks may wait for them. */
  get isBusy(): boolean {
    return this.#parts.worker?.isBusy ?? false;
  }

  /** More tasks wait than functions may run here. */
  get isFull(): boolean {
    return this.#parts.worker?.isFull ?? false;
  }

  /** The reason to stay awake now, or for a timer that is due within `aheadMs`; null if there is none. */
  async need(aheadMs: number): Promise<string | null> {
    const { worker, reaper, store, clock, registry } = this.#parts;
    if (await worker?.hasWork()) return "tasks run";
    if (reaper.hasSuspects) return "it is not clear yet whether all workers live";
    const reason = await nearPendingWork(store.kv, {
      now: clock.now(),
      aheadMs,
      knows: (task) => registry.has(task),
    });
    // Tasks may have come meanwhile.
    return reason ?? (await worker?.hasWork() ? "tasks run" : null);
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get claims(): { made: number; beaten: number } {
    return this.#parts.worker?.claimCounts ?? { made: 0, beaten: 0 };
  }

  /** How many repairs there were so far, by what was wrong. */
  get repairs(): ReadonlyMap<string, number> {
    return this.#parts.repairs.counts;
  }

  /** How many tasks and groups are waited for here. */
  get watched(): number {
    return this.#parts.notifier.watched;
  }

  /** What a caller sees, and may do. All other calls see the default tenant as the engine does. */
  for(caller: Caller): CallerView {
    return new CallerView(this.#parts, caller);
  }

  /** See {@linkcode Submitter.submit}. */
  submit<B extends Batch>(call: SubmitCall<B>): Promise<Submitted<B>> {
    return this.#parts.submitter.submit(call);
  }

  /** See {@linkcode submitFlow}. */
  submitFlow(spec: FlowSpec, idempotency?: Idempotency): Promise<SubmittedFlow> {
    return submitFlow(this.#parts, spec, { idempotency });
  }

  /** See {@linkcode submitMap}. */
  submitMap(spec: MapSpec, idempotency?: Idempotency): Promise<Submitted> {
    return submitMap(this.#parts.submitter, this.turns, spec, idempotency);
  }

  /** See {@linkcode cancel}. */
  cancel(id: string, request: CancelRequest): Promise<Cancelled> {
    return cancel(this.#parts.store, id, request);
  }

  /** See {@linkcode retry}. */
  retry(id: string, input: unknown, ifMatch?: IfMatch): Promise<Entry> {
    return retry(this.#parts.commands, id, input, ifMatch);
  }

  /** See {@linkcode dependentsResumed}. */
  dependentsResumed(retried: Entry): Promise<void> {
    return dependentsResumed(this.#parts.outbox, retried.record);
  }

  /** See {@linkcode forget}. */
  forget(id: string, ifMatch?: IfMatch): Promise<void> {
    return forget(this.#parts.store, id, ifMatch);
  }

  /** See {@linkcode createGroup}. */
  createGroup(ids: string[]): Promise<GroupStatus> {
    return createGroup(this.#parts.store, this.groups, ids);
  }

  /** See {@linkcode cancelGroup}. */
  cancelGroup(id: string, request: CancelRequest): Promise<CancelCounts> {
    return cancelGroup(this.#parts.store, this.groups, id, request);
  }

  /** See {@linkcode taskOrThrow}. */
  task(id: string, waitMs = 0, signal?: AbortSignal): Promise<Entry> {
    return taskOrThrow(this.#parts.notifier, id, waitMs, signal);
  }

  /**
   * A group as it is now, or as soon as all its tasks have ended, but after `waitMs` at the latest.
   *
   * @throws {NotFoundError}
   */
  group(id: string, waitMs = 0, signal?: AbortSignal): Promise<GroupRecord> {
    return this.waitForGroup(id, "ALL_COMPLETED", waitMs, signal);
  }

  /** See {@linkcode Groups.when}. */
  waitForGroup(
    id: string,
    returnWhen: ReturnWhen,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<GroupRecord> {
    return this.groups.when(id, returnWhen, this.#parts.notifier, waitMs, signal);
  }

  /** JSON text of an input or a result. */
  value(id: string, value: StoredValue): Promise<string> {
    return this.#parts.values.load(id, value, "caller");
  }

  events(entry: Entry, after: number, signal?: AbortSignal): AsyncGenerator<TaskEvent[]> {
    return taskEvents(this.#parts.store, this.#parts.notifier, entry, after, signal);
  }

  list(query: ListQuery): Promise<Page> {
    return list(this.#parts.store, query);
  }

  /** See {@linkcode waitFor}. */
  wait(ids: string[], returnWhen: ReturnWhen, waitMs: number, options?: WaitOptions): Promise<Waited> {
    return waitFor(this.#parts.store, this.#parts.notifier, ids, returnWhen, waitMs, options);
  }

  /**
   * One write, but not more than one a second, to see that the database takes them.
   *
   * @throws {UnavailableError} if it does not
   */
  ping(): Promise<void> {
    return this.#readiness.check();
  }
}
