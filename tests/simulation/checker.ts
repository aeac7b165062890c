// Watches everything that KV takes, and everything that callers are told, and compares both with the engine's
// invariants, which it names by number. It has rules of its own: it must not be wrong where the engine is.

import { tenantOf } from "../../runtime/core/tenant.ts";
import { parse } from "../../runtime/platform/keys.ts";
import type { GroupRecord } from "../../runtime/store/group_counters.ts";
import type { HeartbeatRecord } from "../../runtime/store/leases.ts";
import { isImposed } from "../../runtime/core/imposed_limits.ts";
import type { StateName, StateType } from "../../runtime/core/states.ts";
import {
  type Entry,
  type HistoryEntry,
  isForgotten,
  isPastRetention,
  isTerminal,
  keptUntil,
  stateOf,
  type Stored,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "../../runtime/core/task.ts";
import { BulkActions } from "./bulk_actions.ts";
import { type ChildFindings, Children } from "./children.ts";
import { Compensations } from "./compensations.ts";
import { Dependencies, STOPPED } from "./dependencies.ts";
import type { Change, Row } from "./fake_kv.ts";
import { GroupPolicies } from "./groups.ts";
import { encodeKey } from "./key_order.ts";
import { Limits } from "./limits.ts";
import { Lists, type Look } from "./lists.ts";
import { OpenCalls } from "./open_calls.ts";
import { placeOf } from "./places.ts";
import { ReadyEntries } from "./ready_entries.ts";
import { faultOfOutcome } from "./replacements.ts";
import { Schedules } from "./schedules.ts";
import { Secrets } from "./secrets.ts";
import { storedIn } from "./stored_row.ts";
import type { Actor, Surroundings } from "./surroundings.ts";
import { UniqueKeys } from "./unique.ts";

/** What may follow what, but for a retry on request and what only a task does that waits for others. */
const NEXT: Record<StateType, StateType[]> = {
  SCHEDULED: ["SCHEDULED", "PENDING", "CANCELLED"],
  PENDING: ["RUNNING", "CANCELLED"],
  RUNNING: ["PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED"],
  PAUSED: ["PAUSED", "SCHEDULED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"],
  CANCELLING: ["CANCELLED"],
  COMPLETED: [],
  FAILED: [],
  CRASHED: [],
  CANCELLED: [],
};

/** States of PENDING in which a task is in no queue yet. */
const WAITS: StateName[] = ["AwaitingDependencies", "AwaitingConcurrencySlot", "AwaitingRateLimit"];

/** Of these, those of limits by key. */
const LIMITED: StateName[] = ["AwaitingConcurrencySlot", "AwaitingRateLimit"];

/** What the stories tell of tasks that wait for others. */
const LINKS = ["join", "edge", "outbox", "seal", "window", "late", "limit", "parked", "unique"];
/** Virtual instants have fractions. */
const ROUNDING_MS = 0.001;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** A reaper that was stopped itself may be so late with what it hands on. */
const REAPING_TAKES_MS = 60_000;

interface Run {
  id: string;
  attempt: number;
  process: Actor;
  /** The lease that the task had when the function began; null if it had none any more. */
  token: string | null;
  /** How many children it waits for. */
  awaits: number;
}

/** A world whose checker watches what happens in it. */
export interface CheckedWorld extends Surroundings {
  readonly checker: Checker;
}

export class Checker implements ChildFindings {
  readonly violations: string[] = [];
  /** What KV holds of each task. */
  readonly tasks = new Map<string, Stored>();
  /** Of these, the ones that have not ended. */
  readonly unended = new Map<string, TaskRecord>();
  /** Tasks that are gone, and may be. */
  readonly gone = new Set<string>();
  /**
   * Tasks that were past their retention, and were kept after all: a submit that had seen them before waits
   * for them. A reader in between may say that they are gone.
   */
  readonly #wasPast = new Set<string>();
  readonly #runs: Run[] = [];
  readonly #snoozed = new Set<number>();
  /** By task and process: the leases that it got on it. */
  readonly #leases = new Map<string, Set<string>>();
  /** By call and place: what makes a task the same task. */
  /** Of the commit that is looked at. */
  #changes: Change[] = [];
  readonly #made = new Map<string, string>();
  readonly #beats = new Map<string, { at: number; process: Actor; rev: string }>();
  readonly #reaped = new Map<string, number>();
  readonly #cancelAcked = new Set<string>();
  readonly #retryAsked = new Set<string>();
  readonly #forgetAsked = new Set<string>();
  /** Those whose retry a caller has asked for, or that their parents have run again. */
  readonly #beganAgain = new Set<string>();
  readonly #acked = new Map<string, string>();
  /** What submissions under unique keys got, by call and place. */
  readonly #got = new Map<string, string>();
  /** Calls that were refused for good. */
  readonly #refused = new Map<string, string>();
  /** By group, how many of it may run at once, and which do. */
  readonly #windows = new Map<string, number>();
  readonly #running = new Map<string, Set<string>>();
  /** What readers saw, by task and place. */
  readonly #seen = new Map<string, string>();

  readonly dependencies: Dependencies;
  readonly children: Children;
  readonly #openCalls: OpenCalls;
  readonly lists: Lists = new Lists(this.tasks);
  readonly #limits = new Limits((invariant, what) => this.violated(invariant, what));
  readonly #schedules = new Schedules((invariant, what) => this.violated(invariant, what));
  readonly #groups = new GroupPolicies((invariant, what) => this.violated(invariant, what));
  readonly compensations: Compensations = new Compensations(
    this.tasks,
    (invariant, what) => this.violated(invariant, what),
  );
  readonly #unique: UniqueKeys;
  readonly bulk: BulkActions;
  readonly #ready: ReadyEntries;
  readonly secrets: Secrets;

  constructor(private readonly world: Surroundings) {
    this.dependencies = new Dependencies(world, this);
    this.children = new Children(world, this);
    this.#openCalls = new OpenCalls(world, this);
    const violated = (invariant: string, what: string) => this.violated(invariant, what);
    this.#unique = new UniqueKeys(world, this.tasks, violated);
    this.bulk = new BulkActions(world, this.tasks, violated);
    this.#ready = new ReadyEntries(this.tasks, violated);
    this.secrets = new Secrets(this.tasks, violated);
  }

  /** KV has, or has had, this task. */
  wasStored(id: string): boolean {
    return this.tasks.has(id) || this.gone.has(id);
  }

  violated(invariant: string, what: string): void {
    const line = `invariant ${invariant}: ${what}`;
    this.world.note("checker", `!!! ${line}`);
    this.violations.push(line);
  }

  // ---- what KV takes

  applied(changes: Change[], by: Actor): void {
    this.#changes = changes;
    this.children.beforeCommit(changes);
    for (const { key, before, after } of changes) {
      if (key[0] === "task") this.#step(parse.task(key), after, by);
      else if (key[0] === "blob" && key[3] === 0) {
        const name = `${this.world.nameOf(key[1] as string)}/${String(key[2])}`;
        this.world.note(by.name, `${after ? "stores" : "removes"} the value ${name}`);
      } else if (key[0] === "worker") this.#beat(key[1] as string, before, after, by);
      else if (LINKS.includes(key[0] as string)) this.#link(key, after, by);
    }
    this.dependencies.applied(changes);
    this.#openCalls.applied(changes);
    this.lists.applied(changes);
    this.#limits.applied(changes);
    this.#schedules.applied(changes);
    this.#groups.applied(changes);
    this.compensations.applied(changes);
    this.#unique.applied(changes);
    this.#ready.applied(changes);
    this.bulk.applied(changes, by);
    if (this.world.hidden) this.secrets.applied(changes);
    for (const { key, after } of changes) {
      if (key[0] === "group" && key.length === 2 && after) this.#windows.set(key[1] as string, maxOf(after));
    }
    for (const { key } of changes) {
      if (key[0] !== "task") continue;
      this.#requireWindows(parse.task(key));
      this.#requireTenant(parse.task(key));
    }
  }

  /** Of two changes in one commit a retry may be the later one: the end that it takes back still counted. */
  #endedOrNow(id: string): Stored | undefined {
    const change = this.#changes.find(({ key }) => key[0] === "task" && parse.task(key) === id);
    const was = change?.before ? storedIn(change.before) : null;
    return was && !isForgotten(was) && isTerminal(was) ? was : this.tasks.get(id);
  }

  /** What belongs to a task is of its tenant. */
  #requireTenant(id: string): void {
    const record = this.tasks.get(id);
    if (!record || isForgotten(record)) return;
    const { groups, next = [], parentId, deps } = record;
    const upstreams: string[] = deps && "json" in deps.upstreams ? JSON.parse(deps.upstreams.json) : [];
    const relatives = [...groups, ...next, ...upstreams, ...parentId === null ? [] : [parentId]];
    for (const relative of [id, ...relatives]) {
      if (tenantOf(relative) === this.world.tenant) continue;
      this.violated("16", `${this.world.nameOf(id)} is tied to ${relative}, which is of another tenant`);
    }
  }

  /** So many of a group run at once. */
  #requireWindows(id: string): void {
    const record = this.tasks.get(id);
    if (!record || isForgotten(record)) return;
    for (const group of record.groups) {
      const running = this.#running.get(group) ?? new Set();
      if (record.lease === null) running.delete(id);
      else running.add(id);
      this.#running.set(group, running);
      const max = this.#windows.get(group) ?? Infinity;
      if (running.size > max) this.violated("17", `${running.size} of a group run at once, and not ${max}`);
    }
  }

  expired(rows: Row[]): void {
    this.#limits.expired(rows);
    for (const { key } of rows) {
      if (key[0] !== "task") continue;
      this.#removed(parse.task(key), "KV let it expire");
      this.dependencies.removed(parse.task(key));
    }
    this.#unique.expired(rows);
  }

  #link([kind, id, block]: Deno.KvKey, after: Row | null, by: Actor): void {
    const said = after === null ? "removes" : "writes";
    const value = after === null || after.value === true
      ? ""
      : ` ${this.#named(JSON.stringify(after.value))}`;
    const where = block === undefined ? "" : `/${this.#named(String(block))}`;
    this.world.note(by.name, `${said} ${String(kind)}/${this.#named(String(id))}${where}${value}`);
  }

  /** With short names. */
  #named(text: string): string {
    return text.replace(UUID, (id) => this.world.nameOf(id));
  }

  #step(id: string, row: Row | null, by: Actor): void {
    const before = this.tasks.get(id) ?? null;
    if (row === null) return before === null ? undefined : this.#removed(id, `${by.name} removed it`);
    const after = storedIn(row);
    if (isForgotten(after) && after.rev === 0) return this.#fence(id, before, by);
    this.tasks.set(id, after);
    if (isForgotten(after) || isTerminal(after)) this.unended.delete(id);
    else this.unended.set(id, after);
    this.world.note(by.name, `wrote ${this.world.nameOf(id)} ${shown(after)}`);
    if (!isForgotten(after)) {
      this.#requireBlobs(before, after);
      if (after.lease) {
        this.#leasesOf(id, this.#beats.get(after.lease.worker)?.process ?? by).add(after.lease.token);
      }
    }
    if (before === null) return this.#new(after, by);
    if (isPastRetention(before, this.world.latest.wall)) this.#wasPast.add(id);
    const name = this.world.nameOf(id);
    if (after.rev !== before.rev + 1) this.violated("4", `${name}: rev ${before.rev} → ${after.rev}`);
    if (isForgotten(before)) return this.violated("3", `${name} was forgotten and written again`);
    if (isForgotten(after)) {
      if (!isTerminal(before)) this.violated("3", `${name} was forgotten while ${typeOf(before)}`);
      if (this.bulk.isFor("delete", before)) this.asked("forget", id);
      if (after.isPast) this.#requirePast(before, `${by.name} removed it`);
      else if (!this.#forgetAsked.has(id)) this.violated("1", `${name} was forgotten, and nobody asked`);
      return;
    }
    this.#transition(name, before, after, by);
    this.#lease(name, before, after, by);
  }

  /** It stands where a task would be that a try without an answer would make (runtime/store/fences.ts). */
  #fence(id: string, before: Stored | null, by: Actor): void {
    const name = this.world.nameOf(id);
    this.world.note(by.name, `fences ${name} off`);
    if (before !== null) this.violated("1", `${name} was fenced off and is there`);
    const place = [...this.#made].find(([, made]) => made === id);
    if (place) this.violated("1", `${name} was fenced off and had been made`);
  }

  #new(after: Stored, by: Actor): void {
    const name = this.world.nameOf(after.id);
    if (isForgotten(after)) return this.violated("4", `${name} began as forgotten`);
    if (after.rev !== 1) this.violated("4", `${name} began with rev ${after.rev}`);
    if (stateOf(after).name === "Cached") this.#requireHit(name, after);
    else if (!["SCHEDULED", "PENDING", "RUNNING"].includes(typeOf(after))) {
      this.violated("4", `${name} began as ${typeOf(after)}`);
    }
    if (
      !isTerminal(after) &&
      typeOf(after) !== "SCHEDULED" &&
      (after.parked || after.rateAt !== undefined || !WAITS.includes(stateOf(after).name))
    ) {
      this.#requireRipe(name, after, by);
    }
    const place = placeOf(after);
    const other = this.#made.get(place);
    // An id of a caller's own is free again for another call once its task is past its retention.
    const isOfAnother = other === undefined && after.parentId === null;
    if (this.gone.has(after.id) && !isOfAnother) this.violated("1", `${name} was made a second time`);
    // A child that is gone is made anew.
    if (other !== undefined && !(after.parentId !== null && this.mayBeGone(other))) {
      this.violated("2", `${place} became ${this.world.nameOf(other)} and ${name}`);
    }
    this.#made.set(place, after.id);
    if (after.parentId !== null) this.children.stored(after, by);
  }

  /** It has the result of another task, which is young enough and was made for the same key. */
  #requireHit(name: string, { cachedFrom, finishedAt, result }: TaskRecord): void {
    const source = this.tasks.get(cachedFrom!);
    // It may be deleted, or go, between the look and the commit, which then has the value itself.
    const isGone = !source || isForgotten(source);
    if (isGone && "json" in result! && this.mayBeGone(cachedFrom!)) return;
    if (!source || isForgotten(source) || stateOf(source).name !== "Completed") {
      return this.violated("cache", `${name} has the result of ${cachedFrom}, which has none`);
    }
    const ageMs = finishedAt! - source.finishedAt!;
    if (ageMs >= source.cache!.ttlMs) this.violated("cache", `${name} has a result that is ${ageMs} ms old`);
    const same = "json" in result!
      ? JSON.stringify(result) === JSON.stringify(source.result)
      : "blob" in source.result! && source.result.blob === result!.blob && result!.of === source.id;
    if (!same) this.violated("cache", `${name} has another result than its source`);
  }

  #removed(id: string, how: string): void {
    const record = this.tasks.get(id);
    // A fence was never a task.
    if (record === undefined) return;
    this.tasks.delete(id);
    this.unended.delete(id);
    this.gone.add(id);
    if (!isForgotten(record)) this.#requirePast(record, how);
  }

  #requirePast(record: TaskRecord, how: string): void {
    // One that others follow is kept for longer, but only as long as they need it.
    const until = keptUntil(record);
    // Also while nobody reads a clock, because all processes are stopped.
    const now = this.world.latest.aheadMs + this.world.scheduler.now;
    if (until === null || until > now) {
      this.violated("1", `${this.world.nameOf(record.id)} is gone while ${shown(record)}: ${how}`);
    }
  }

  #transition(name: string, before: TaskRecord, after: TaskRecord, by: Actor): void {
    const last = before.history[before.history.length - 1].seq;
    const retried = isTerminal(before) && !isTerminal(after);
    let from = stateOf(before);
    for (const state of after.history.filter(({ seq }) => seq > last)) {
      const isMoved = from.name === "Pending" && state.name === "Scheduled" &&
        after.unique?.while === "waiting";
      // Its queue or its definition has got a limit since it was ready, which may be lifted already.
      const isAsked = from.name === "Pending" && state.name === "Pending" &&
        (imposedIn(after) !== imposedIn(before) || after.wentBack === true);
      // Its priority has changed, and so has its place in the queue.
      const isReordered = from.name === "Pending" && state.name === "Scheduled" &&
        before.priority !== after.priority;
      if (!isMoved && !isAsked && !isReordered && !mayFollow(from, state)) {
        this.violated("4", `${name}: ${from.name} → ${state.name}`);
      }
      // One that waits at a limit was ripe when it came there.
      const isLimited = (record: TaskRecord) => record.parked !== undefined || record.rateAt !== undefined;
      const ripens = from.type === "SCHEDULED" || WAITS.includes(from.name) && !isLimited(before);
      const isRipe = state.name === "Pending" || isLimited(after) && from.type === "SCHEDULED";
      if (ripens && isRipe) this.#requireRipe(name, before, by);
      from = state;
    }
    if (from.type !== typeOf(after)) this.violated("4", `${name}: the history was rewritten`);
    if (isTerminal(after) && !isTerminal(before) && after.cachedFrom !== undefined) {
      this.#requireHit(name, after);
    }
    if (isTerminal(before) && !retried && ended(before) !== ended(after)) {
      this.violated("3", `${name}: its end was rewritten, ${ended(before)} → ${ended(after)}`);
    }
    if (retried) {
      if (this.bulk.isFor("retry", after)) this.asked("retry", after.id);
      const resumed = STOPPED.includes(stateOf(before).name) &&
        this.dependencies.wasResumedBy(after.id, this.#beganAgain);
      const byParent = this.children.mayRetry(after, by);
      if (byParent) {
        this.#beganAgain.add(after.id);
        this.children.retried(after.id);
      }
      if (!this.#retryAsked.has(after.id) && !resumed && !byParent) {
        this.violated("3", `${name} began again, and nobody asked`);
      }
      if (this.#retryAsked.has(after.id) || byParent) this.#cancelAcked.delete(after.id);
    }
    if (after.crashes > before.crashes && this.world.shape.isCalm) {
      this.violated("19", `${name} was taken from a worker, and none has died`);
    }
    const isKept = after.result !== null && typeOf(after) !== "COMPLETED";
    if (isKept && !(typeOf(after) === "CANCELLED" && after.cancel?.keepResult)) {
      this.violated("keep-result", `${name} is ${from.name} with a result that nobody asked to keep`);
    }
    if (after.attempt > after.maxAttempts) this.violated("7", `${name}: attempt ${after.attempt}`);
    if (after.crashes > after.maxCrashes && typeOf(after) !== "CRASHED" && typeOf(after) !== "CANCELLED") {
      this.violated("19", `${name} goes on after ${after.crashes} crashes`);
    }
    const fault = faultOfOutcome(before, after, (id) => this.#endedOrNow(id), this.#made);
    if (fault) this.violated("replace", `${name}: ${fault}`);
    if (after.seq < before.seq) this.violated("14", `${name}: seq ${before.seq} → ${after.seq}`);
  }

  #lease(name: string, before: TaskRecord, after: TaskRecord, by: Actor): void {
    const was = before.lease;
    const is = after.lease;
    if (was === null && is === null) return;
    if (was === null) {
      const from = after.history.at(-2)?.name;
      if (from !== "Pending") this.violated("5", `${name} was claimed while ${from}`);
      if (this.#cancelAcked.has(after.id)) this.violated("13", `${name} was claimed after its cancel`);
      if (after.attempt !== before.attempt + 1) this.violated("7", `${name}: a claim counted wrongly`);
      return;
    }
    const owner = this.#beats.get(was.worker)?.process;
    if (is !== null) {
      if (is.token !== was.token) this.violated("5", `${name} was claimed while its lease was alive`);
      const reports = after.seq - before.seq -
        (after.history.at(-1)!.seq - before.history.at(-1)!.seq > 0 ? 1 : 0);
      if (reports > 0 && owner !== by) this.violated("6", `${by.name} reported for ${name}, not its own`);
      return;
    }
    if (after.crashes > before.crashes || owner !== by) return this.#requireDead(name, was.worker);
    // It took the result of another task in place of a run.
    const isTaken = after.cachedFrom !== undefined && isTerminal(after);
    const run = isTaken ? null : runOf(after);
    if (run !== null) this.#requireOwnRun(name, this.#runs[run], before, by);
    this.#requireCounted(name, before, after, run);
  }

  /** A run that asked not to be counted is not, and no other one that has ended by itself. */
  #requireCounted(name: string, before: TaskRecord, after: TaskRecord, run: number | null): void {
    const isPaused = stateOf(after).name === "AwaitingRetry";
    if (!isPaused) return;
    const isSnooze = run !== null && this.#snoozed.has(run);
    if (after.attempt === before.attempt - (isSnooze ? 1 : 0)) return;
    this.violated("7", `${name}: attempt ${before.attempt} → ${after.attempt} after run ${run}`);
  }

  /** The outcome must be of the very run that the lease was for. */
  #requireOwnRun(name: string, run: Run | undefined, before: TaskRecord, by: Actor): void {
    if (!run || run.id !== before.id) return this.violated("6", `${name} has the outcome of another task`);
    if (run.process !== by) {
      this.violated("6", `${by.name} wrote the outcome of ${run.process.name} for ${name}`);
    }
    if (run.attempt !== before.attempt || run.token !== before.lease!.token) {
      this.violated("6", `the outcome of a run without a lease was written for ${name}`);
    }
  }

  /** A worker that is stopped in good order leaves no task to be taken from it. */
  requireHandedBack(process: Actor): void {
    for (const record of this.tasks.values()) {
      if (isForgotten(record) || this.ownerOf(record) !== process) continue;
      this.violated("19", `${process.name} has stopped, and still holds ${this.world.nameOf(record.id)}`);
    }
  }

  #requireDead(name: string, worker: string): void {
    const now = this.world.scheduler.now;
    const reapedAt = this.#reaped.get(worker) ?? -Infinity;
    if (now - reapedAt <= REAPING_TAKES_MS || this.#isSilent(worker)) return;
    this.violated("5", `${name} was taken from a living worker`);
  }

  #isSilent(worker: string): boolean {
    const beat = this.#beats.get(worker);
    return beat === undefined || this.world.scheduler.now - beat.at >= this.world.shape.leaseMs;
  }

  #beat(worker: string, before: Row | null, after: Row | null, by: Actor): void {
    const now = this.world.scheduler.now;
    if (after !== null) {
      // A beat that is applied a second time, late, says nothing of now.
      const { rev } = after.value as HeartbeatRecord;
      if (this.#beats.get(worker)?.rev === rev) return;
      this.#beats.set(worker, { at: now, process: by, rev });
    } else if (before !== null && this.#beats.get(worker)?.process === by && by.stopping) {
      // It signed off itself.
      this.#reaped.set(worker, now);
    } else if (before !== null) {
      if (!this.#isSilent(worker)) this.violated("5", `${by.name} declared a living worker dead`);
      this.world.note(by.name, `declares the worker of ${this.#beats.get(worker)?.process.name} dead`);
      this.#reaped.set(worker, now);
    }
  }

  /** Nothing begins before its time by the clock of the process that lets it begin. */
  #requireRipe(name: string, record: TaskRecord, by: Actor): void {
    if (record.runAt > by.clock.highest) {
      this.violated("10", `${name} became ready ${record.runAt - by.clock.highest} ms early`);
    }
  }

  /** A record never names what is not there. */
  #requireBlobs(before: Stored | null, after: TaskRecord): void {
    const old = before && !isForgotten(before) ? [before.input, before.result] : [];
    for (const value of [after.input, after.result]) {
      if (!value || old.some((known) => known && sameBlob(known, value))) continue;
      for (const missing of missingChunks(this.world, after.id, value)) {
        this.violated("1", `${this.world.nameOf(after.id)} names chunk ${missing}, which is not there`);
      }
    }
  }

  // ---- what functions do

  began(id: string, attempt: number, process: Actor): number {
    const record = this.tasks.get(id);
    const lease = record && !isForgotten(record) ? record.lease : null;
    // It may begin late, when its lease is gone and somebody else has one, or the same process once more.
    const own = lease && this.#beats.get(lease.worker)?.process === process ? lease.token : null;
    const twin = own !== null && this.#runs.some((run) => run.id === id && run.token === own);
    const begun = this.#runs.filter((run) => run.id === id && run.process === process).length;
    if (twin && begun >= this.#leasesOf(id, process).size) {
      this.violated("5", `one lease of ${this.world.nameOf(id)} began two runs`);
    }
    if (own !== null && this.#isSuspect(id)) this.#requireAlone(id, process);
    this.#runs.push({ id, attempt, process, token: twin ? null : own, awaits: 0 });
    return this.#runs.length - 1;
  }

  /** A function waits for its children. */
  async whileAway<T>(run: number, work: () => Promise<T>): Promise<T> {
    const one = this.#runs[run];
    one.awaits++;
    try {
      return await work();
    } finally {
      const record = this.tasks.get(one.id);
      const isOwn = record && !isForgotten(record) && record.lease?.token === one.token;
      if (--one.awaits === 0 && isOwn && this.#isSuspect(one.id)) this.#requireAlone(one.id, one.process);
    }
  }

  /** One or two more deaths would end it CRASHED. */
  #isSuspect(id: string): boolean {
    const record = this.tasks.get(id);
    return record !== undefined && !isForgotten(record) && record.crashes > 0 &&
      record.crashes + 1 >= record.maxCrashes;
  }

  /** Two suspects in one process: an innocent one could end CRASHED by the other's fault. */
  #requireAlone(id: string, process: Actor): void {
    const other = this.#runs.find((run) => {
      const record = this.tasks.get(run.id);
      return run.process === process && run.id !== id && run.token !== null && run.awaits === 0 &&
        this.#isSuspect(run.id) &&
        record && !isForgotten(record) && record.lease?.token === run.token;
    });
    if (other) this.violated("19", `${this.world.nameOf(id)} runs beside ${this.world.nameOf(other.id)}`);
  }

  #leasesOf(id: string, process: Actor): Set<string> {
    const place = `${id} ${process.name}`;
    const leases = this.#leases.get(place) ?? new Set();
    this.#leases.set(place, leases);
    return leases;
  }

  /** True if a run of this task could have returned it. */
  isResult(id: string, run: number | undefined): boolean {
    const record = this.tasks.get(id);
    const source = record && !isForgotten(record) ? record.cachedFrom ?? id : id;
    // What it took over from others is looked at when it does.
    const isTaken = record && !isForgotten(record) &&
      record.history.some(({ name }) => name === "AwaitingTask");
    if (isTaken) return true;
    return run !== undefined && this.#runs[run]?.id === source;
  }

  get runs(): number {
    return this.#runs.length;
  }

  // ---- what callers are told

  acked(call: string, ids: string[]): void {
    ids.forEach((id, n) => {
      const place = `${call}/${n}`;
      const before = this.#acked.get(place);
      if (before !== undefined && before !== id) {
        this.violated("2", `${place} was acknowledged as ${before} and as ${id}`);
      }
      this.#acked.set(place, id);
      if (this.#made.get(place) !== id) this.violated("1", `${place} was acknowledged and is not there`);
      this.isThere(id, "right after its acknowledgement", this.tasks.get(id) !== undefined);
    });
  }

  /** Each submission of the call got a task: its own, or one that was there. */
  ackedUnique(call: string, ids: string[]): void {
    ids.forEach((id, n) => {
      const place = `${call}/${n}`;
      const before = this.#got.get(place);
      if (before !== undefined && before !== id) {
        this.violated("2", `${place} got ${this.world.nameOf(before)}, and then ${this.world.nameOf(id)}`);
      }
      this.#got.set(place, id);
      const own = this.#made.get(place);
      if (own !== undefined && own !== id) this.violated("2", `${place} made a task, and got another one`);
      this.isThere(id, "right after its acknowledgement", this.tasks.get(id) !== undefined);
    });
  }

  refused(call: string, why: string): void {
    this.#refused.set(call, why);
  }

  asked(what: "retry" | "forget", id: string): void {
    (what === "retry" ? this.#retryAsked : this.#forgetAsked).add(id);
    if (what === "retry") {
      this.#beganAgain.add(id);
      this.children.retried(id);
    }
  }

  wasRetried(id: string): boolean {
    return this.#retryAsked.has(id);
  }

  ownerOf({ lease }: TaskRecord): Actor | undefined {
    return lease ? this.#beats.get(lease.worker)?.process : undefined;
  }

  cancelledWithChildren(id: string): void {
    for (const child of this.children.cancelled(id)) this.cancelled(child);
  }

  cancelled(id: string): void {
    const record = this.tasks.get(id);
    // It may have been retried since the cancel was decided: then the cancel is over.
    if (
      record && !isForgotten(record) && (typeOf(record) === "CANCELLED" || typeOf(record) === "CANCELLING")
    ) {
      this.#cancelAcked.add(id);
    }
  }

  /** Whether a task that was acknowledged could be read. */
  isThere(id: string, when: string, there: boolean): void {
    if (there || this.gone.has(id) || this.#wasPast.has(id) || this.#forgetAsked.has(id)) return;
    const record = this.tasks.get(id);
    if (!record || !isPastRetention(record, this.world.latest.wall)) {
      this.violated("1", `${this.world.nameOf(id)} could not be read ${when}`);
    }
  }

  /** A function has heard of its soft time limit. */
  toldToEnd(id: string, softTimeoutMs: number | null, afterMs: number): void {
    if (softTimeoutMs !== null && afterMs >= softTimeoutMs - ROUNDING_MS) return;
    this.violated("10", `${this.world.nameOf(id)} was told to end after ${afterMs} of ${softTimeoutMs} ms`);
  }

  /** Its function has asked for another run of the same attempt. */
  snoozed(run: number): void {
    this.#snoozed.add(run);
  }

  /** An event that a reader of a task got, and the one it had got before. */
  event(id: string, seq: number, after: number, what: string): void {
    const name = this.world.nameOf(id);
    if (seq !== after + 1) this.violated("14", `a stream of ${name} went from ${after} to ${seq}`);
    const place = `${id}/${seq}`;
    const before = this.#seen.get(place);
    // An end that a retry on request made past is told as what it was; who had read the task before is told
    // the end.
    const kinds = before === undefined ? [] : [before, what].map((one) => one.split(" ")[0]).sort();
    const past = ["error,failure", "end,log"].includes(kinds.join());
    if (before !== undefined && before !== what && !past) {
      this.violated("14", `event ${seq} of ${name} was ${before}, and then ${what}`);
    }
    this.#seen.set(place, what);
  }

  /** A waiter was told that this task has ended. */
  toldEnded({ record }: Entry): void {
    if (!isTerminal(record)) this.violated("15", `${this.world.nameOf(record.id)} was told as ended`);
  }

  /** Tasks with this tag that are there for sure. */
  tagged(tag: string): string[] {
    return [...this.tasks].flatMap(([id, stored]) => {
      return !isForgotten(stored) && stored.tags.includes(tag) && !this.mayBeGone(id) ? [id] : [];
    });
  }

  /** A list has shown these tasks. */
  toldListed(who: string, { filters, always }: Look, shown: string[]): void {
    const what = `${who}'s list of ${JSON.stringify(filters)}`;
    if (new Set(shown).size < shown.length) this.violated("lists", `${what} has a task twice`);
    for (const id of always) {
      if (shown.includes(id) || this.mayBeGone(id)) continue;
      this.violated("lists", `${what} lacks ${this.world.nameOf(id)}, which fitted all the time`);
    }
  }

  /** A stream by tag told these ends; the others were there when it began. */
  toldTagged(who: string, tag: string, expected: string[], told: ReadonlySet<string>): void {
    for (const id of expected) {
      if (told.has(id) || this.mayBeGone(id)) continue;
      this.violated("14", `${who} was not told of the end of ${this.world.nameOf(id)}, which is ${tag}`);
    }
    for (const id of told) {
      const stored = this.tasks.get(id);
      if (!stored || isForgotten(stored) || stored.tags.includes(tag)) continue;
      this.violated("14", `${who} was told of ${this.world.nameOf(id)}, which is not ${tag}`);
    }
  }

  logged(process: Actor, message: string, error: unknown): void {
    // Records and their drivers are written in one commit: whatever the faults are, there is nothing to be
    // repaired.
    if (message === "a task was repaired") this.violated("8", `${process.name}: ${(error as Error).message}`);
    // Whatever the faults are, the engine must not fall over its own rules.
    const own = error instanceof TypeError || error instanceof ReferenceError ||
      error instanceof Error && /Cannot move task/.test(error.message);
    if (own) this.violated("4", `${process.name}: ${message}: ${(error as Error).stack}`);
    if (error instanceof RangeError) {
      this.violated("17", `${process.name}: ${message}: ${error.stack}`);
      process.crash("of something that is too large");
    }
  }

  /** Whether it may be that this task is not there any more. */
  mayBeGone(id: string): boolean {
    const record = this.tasks.get(id);
    return !record || this.gone.has(id) || this.#wasPast.has(id) || this.#forgetAsked.has(id) ||
      isForgotten(record) ||
      isPastRetention(record, this.world.latest.wall);
  }

  // ---- at the end

  atTheEnd(): void {
    this.#schedules.atTheEnd();
    this.#groups.atTheEnd();
    this.bulk.atTheEnd();
    this.compensations.atTheEnd();
    for (const [call, why] of this.#refused) {
      // A call of several commits that could not go on leaves tasks that were cancelled before they could
      // run.
      const made = [...this.#made].filter(([place, id]) => {
        const record = this.tasks.get(id);
        const undone = this.dependencies.isWhole(call) && this.dependencies.neverRan(id) &&
          (!record || isForgotten(record) || typeOf(record) === "CANCELLED");
        return place.startsWith(`${call}/`) && !undone;
      }).map(([place]) => place);
      if (made.length > 0) this.violated("12", `${call} was refused (${why}) and made ${made.join(", ")}`);
    }
    for (const [place, id] of this.#acked) {
      if (!this.tasks.has(id) && !this.gone.has(id)) this.violated("1", `${place} is lost`);
    }
  }
}

function maxOf({ value }: Row): number {
  return (value as GroupRecord).maxConcurrent ?? Infinity;
}

/** The limits of its queue and its definition that it is under. */
function imposedIn({ limits = [] }: TaskRecord): string {
  return limits.map(({ key }) => key).filter(isImposed).join();
}

function mayFollow(from: HistoryEntry, { type, name, message }: HistoryEntry): boolean {
  const wasOver = ["FAILED", "CRASHED", "CANCELLED"].includes(from.type);
  if (wasOver && type === "PENDING" && message?.startsWith("retried on request")) return true;
  if (STOPPED.includes(from.name)) {
    return name === "AwaitingDependencies" && message === "its upstream was retried";
  }
  if (WAITS.includes(from.name)) {
    return ["Pending", "Scheduled", ...LIMITED].includes(name) || type === "CANCELLED";
  }
  // Before an attempt, and before one that was handed back.
  if (LIMITED.includes(name)) return ["SCHEDULED", "PENDING", "RUNNING"].includes(from.type);
  return NEXT[from.type].includes(type) && !WAITS.includes(name) && !STOPPED.includes(name);
}

function shown(stored: Stored): string {
  if (isForgotten(stored)) return `rev ${stored.rev} forgotten`;
  const { rev, attempt, crashes } = stored;
  const { type, name } = stateOf(stored);
  const state = name.toUpperCase() === type ? type : `${type} ${name}`;
  return `rev ${rev} ${state} attempt ${attempt} crashes ${crashes}`;
}

/** All that an end says. */
function ended({ history, result, error, finishedAt }: TaskRecord): string {
  return JSON.stringify([history.at(-1), result, error, finishedAt]);
}

function sameBlob(a: StoredValue, b: StoredValue): boolean {
  return "blob" in a ? "blob" in b && a.blob === b.blob : "json" in b;
}

/** The run whose outcome a record shows in its newest state, if it shows one. */
function runOf(record: TaskRecord): number | null {
  const type = typeOf(record);
  if (type === "COMPLETED" || type === "CANCELLED" && record.result) {
    if (!record.result || !("json" in record.result)) return null;
    return JSON.parse(record.result.json)?.run ?? null;
  }
  const said = type === "FAILED" || type === "SCHEDULED" ? record.history.at(-1)!.message : null;
  // The error of a child that failed quotes the child's.
  const match = said?.match(
    /^(?:in \d+ ms, as its function asked: )?(?:Error|PermanentError|Rejected|RetryAfter): run (\d+) failed/,
  );
  return match ? Number(match[1]) : null;
}

export function missingChunks(world: Surroundings, id: string, value: StoredValue): number[] {
  if ("json" in value) return [];
  const owner = value.of ?? id;
  return Array.from({ length: value.chunks }, (_, i) => i)
    .filter((i) => world.database.get(encodeKey(["blob", owner, value.blob, i])) === null);
}
