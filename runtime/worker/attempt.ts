// One attempt that this process runs: its lease, the newest version of its record, its reports, and the ways
// to stop it. Every write is checked against the lease's token: an attempt that has lost its lease writes
// nothing.

import { bare } from "../core/tenant.ts";
import { LazySignal } from "../core/lazy_signal.ts";
import { SoftTimeLimitError } from "../core/soft_time_limit.ts";
import { servingChange } from "../commands/cached.ts";
import type { Clock } from "../platform/clock.ts";
import type { AttemptName } from "../platform/log.ts";
import { attemptFailed, type StoredEvent } from "../store/event_log.ts";
import type { Report, ReportBuffer } from "./report_buffer.ts";
import { type ReportTarget, ReportWriter } from "./report_writer.ts";
import type { Slot } from "./slot_pool.ts";
import type { NewerRecordError } from "../core/errors.ts";
import type { Store } from "../store/store.ts";
import {
  type Entry,
  isForgotten,
  type Progress,
  stateOf,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { type Outcome, reported, settled } from "../core/transitions.ts";

/** Why an attempt was stopped from outside: `signal.reason` in its function. */
export class CancelledError extends Error {
  override name = "CancelledError";
}
export class LeaseLostError extends Error {
  override name = "LeaseLostError";
}
export class WorkerStoppingError extends Error {
  override name = "WorkerStoppingError";
}

const MOST_TAKES = 5;

export interface AttemptHooks {
  /** Called with errors that have no caller to go to. */
  onError?: (error: unknown) => void;
  /** What its function takes up while it runs, in the order in which it is taken. */
  slots?: Slot[];
}

export class Attempt implements ReportTarget {
  /** Its function has submitted tasks. */
  hasSubmitted = false;
  readonly id: string;
  readonly token: string;
  /** What its function listens to: it may still end well when it hears of its soft time limit. */
  readonly #own = new LazySignal();
  /** Nothing that its function does counts any more. */
  readonly #stop = new LazySignal();
  readonly #stopped = Promise.withResolvers<Outcome | null>();
  #entry: Entry;
  #graceTimer: (() => void) | null = null;
  #timeoutTimer: (() => void) | null = null;
  #softTimer: (() => void) | null = null;
  readonly #reports: ReportWriter;

  /** The trace context of this attempt, where spans are collected. */
  trace: string | undefined = undefined;

  constructor(
    private readonly store: Store,
    entry: Entry,
    private readonly hooks: AttemptHooks = {},
  ) {
    this.#entry = entry;
    this.id = entry.record.id;
    this.token = entry.record.lease!.token;
    this.#reports = new ReportWriter(store.clock, entry.record.attempt, this);
    // The task was cancelled after its claim.
    if (typeOf(entry.record) === "CANCELLING") this.#cancel();
  }

  get record(): TaskRecord {
    return this.#entry.record;
  }

  /** The versionstamp of the newest version of the record that is known here. */
  get versionstamp(): string {
    return this.#entry.versionstamp;
  }

  get name(): AttemptName {
    const { task, attempt } = this.record;
    return { task, id: bare(this.id), attempt };
  }

  get reports(): ReportBuffer {
    return this.#reports.buffer;
  }

  get clock(): Clock {
    return this.store.clock;
  }

  /** Its function's. */
  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** As `signal`, but not aborted by a soft time limit. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** A wait that begins after the soft time limit is not cut short by it. */
  get waitSignal(): AbortSignal {
    return this.#own.aborted ? this.#stop.signal : this.#own.signal;
  }

  /** True once the attempt was stopped from outside, or asked to stop. */
  get aborted(): boolean {
    return this.isCutOff || this.#graceTimer !== null;
  }

  /** Nothing counts any more that its function does. */
  get isCutOff(): boolean {
    return this.#stop.aborted;
  }

  /** @throws {Error} why it was stopped, or asked to */
  throwIfAborted(): void {
    this.stopSignal.throwIfAborted();
    if (this.aborted) throw this.#cancelError();
  }

  /** Resolves if the attempt is over before its function returns; null means that nothing may be written. */
  get stopped(): Promise<Outcome | null> {
    return this.#stopped.promise;
  }

  /** The record was changed, by this attempt or by someone else. */
  adopt(entry: Entry<Stored> | null): void {
    // Changes may arrive out of order.
    if (entry && entry.versionstamp <= this.#entry.versionstamp) return;
    if (!entry || isForgotten(entry.record) || entry.record.lease?.token !== this.token) return this.lose();
    this.#entry = entry as Entry;
    if (typeOf(this.record) === "CANCELLING") this.#cancel();
  }

  /** From now on its function has `timeoutMs`. */
  startTimeout(): void {
    const { timeoutMs, softTimeoutMs } = this.record;
    const { clock } = this.store;
    if (softTimeoutMs !== undefined) {
      const tell = () => this.#own.abort(new SoftTimeLimitError(softTimeoutMs));
      this.#softTimer = clock.timer(tell, softTimeoutMs);
    }
    if (timeoutMs === null) return;
    this.#timeoutTimer = clock.timer(() => this.#timeOut(timeoutMs), timeoutMs);
  }

  stopTimeout(): void {
    this.#softTimer?.();
    this.#timeoutTimer?.();
  }

  /** The attempt ends now, whether its function observes the signal or not. */
  #timeOut(timeoutMs: number): void {
    const message = `the attempt took longer than timeoutMs, ${timeoutMs} ms`;
    this.#abort(new DOMException(message, "TimeoutError"));
    this.#stopped.resolve({ kind: "timed-out", error: { name: "TimeoutError", message, retryable: true } });
  }

  /** The worker is stopping: the task goes back into the queue, and the attempt does not count. */
  release(): void {
    this.#abort(new WorkerStoppingError("the worker is stopping"));
    this.#stopped.resolve({ kind: "released" });
  }

  /** It needs what only a newer release can read. This process does not claim the task again. */
  leaveToNewer(error: NewerRecordError): void {
    this.store.newer.add(this.id, error);
  }

  /** The lease is lost: another worker runs the task, or it has ended. */
  lose(): void {
    this.#abort(new LeaseLostError("the lease was lost"));
    this.#stopped.resolve(null);
  }

  /**
   * Writes the outcome together with what is left to report.
   *
   * @returns false if the lease was lost: nothing was written.
   */
  async settle(outcome: Outcome): Promise<boolean> {
    this.#stopTimers();
    const last = await this.#reports.close();
    const { clock, ids } = this.store;
    return await this.#step(last, (record, events) => {
      const next = settled(record, clock.now(), outcome, ids.random);
      const isKept = outcome.kind === "failed" && outcome.error.stack !== undefined &&
        !outcome.hints?.isAsked;
      if (!isKept || stateOf(next).name !== "AwaitingRetry") return next;
      const failed = attemptFailed(next, outcome.error);
      events.push(failed.event);
      return failed.next;
    });
  }

  /**
   * It ends with the result of another task, in place of a run.
   *
   * @param sourceOf that task: asked again after a conflict, as of two that take a large result at once
   * @returns false if there is none, or the attempt was changed meanwhile
   */
  async takeResult(sourceOf: (store: Store, now: number) => Promise<Entry | null>): Promise<boolean> {
    for (let tries = 0; tries < MOST_TAKES && !this.aborted; tries++) {
      // Its end is not before its start, whatever a clock says.
      const now = Math.max(this.store.clock.now(), stateOf(this.record).at);
      const source = await sourceOf(this.store, now);
      if (source === null || this.aborted) return false;
      const change = servingChange(this.#entry, now, source);
      if (await this.store.commit("settle", [change]) !== null) return true;
    }
    return false;
  }

  /** Writes nothing more, neither its outcome nor reports. Resolves once no write is under way. */
  async abandon(): Promise<void> {
    this.#stopTimers();
    await this.#reports.stop();
  }

  /** Its function may go on for ever. */
  #stopTimers(): void {
    this.#graceTimer?.();
    this.stopTimeout();
  }

  #abort(reason: Error | DOMException): void {
    this.#stop.abort(reason);
    this.#own.abort(reason);
  }

  #cancel(): void {
    if (this.aborted) return;
    const { graceMs, keepResult } = this.record.cancel!;
    const error = this.#cancelError();
    if (keepResult) this.#own.abort(error);
    else this.#abort(error);
    this.#graceTimer = this.store.clock.timer(() => {
      this.#abort(error);
      this.#stopped.resolve({ kind: "released" });
    }, graceMs);
  }

  #cancelError(): CancelledError {
    return new CancelledError(this.record.cancel?.reason ?? "the task was cancelled");
  }

  /** Waits for other tasks without taking up a slot of the worker. */
  whileAway<T>(work: () => Promise<T>): Promise<T> {
    const signal = () => this.stopSignal;
    const { slots = [] } = this.hooks;
    return slots.reduce((work, slot) => () => slot.whileAway(work, signal), work)();
  }

  /** See {@linkcode ReportTarget}. */
  write(reports: Report[]): Promise<boolean> {
    return this.#step(reports, (record) => record);
  }

  onReportError(error: unknown): void {
    this.hooks.onError?.(error);
  }

  async #step(
    reports: Report[],
    then: (record: TaskRecord, events: StoredEvent[]) => TaskRecord,
  ): Promise<boolean> {
    const after = await this.store.update("settle", this.id, ({ record }) => {
      if (isForgotten(record) || record.lease?.token !== this.token) return null;
      const { events, progress } = numbered(reports, record.seq);
      const now = events.length > 0 ? reported(record, events.length, progress) : record;
      return { next: then(now, events), events };
    }, this.#entry);
    if (!after) return false;
    if (after.versionstamp > this.#entry.versionstamp) this.#entry = after as Entry;
    return true;
  }
}

/** Numbers the reports from `seq + 1` on. */
function numbered(reports: Report[], seq: number): { events: StoredEvent[]; progress: Progress | null } {
  let progress: Progress | null = null;
  const events = reports.map((report, i): StoredEvent => {
    if (report.kind === "progress") progress = report.progress;
    return { ...report, seq: seq + i + 1 };
  });
  return { events, progress };
}
