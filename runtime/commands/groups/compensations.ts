// Takes the completed tasks of a group back that did not complete: each of them, in reverse order of
// completion, by one more task, which is submitted when the one before has ended. The group's record says how
// far it has come, and moves on in the commit that submits such a task: there is one of each, whatever dies
// in between.

import { callerWithin } from "../../core/caller.ts";
import { type Compensation, inputOfCompensation, redactionOfCompensation } from "../../core/compensation.ts";
import {
  ConflictError,
  ForbiddenError,
  LimitFullError,
  QueueFullError,
  StorageFullError,
  TooLargeError,
  UnknownDefinitionError,
  ValidationError,
} from "../../core/errors.ts";
import type { CompensationOptions, Submission, SubmitOptions } from "../../core/submission.ts";
import { isForgotten, type TaskRecord, typeOf } from "../../core/task.ts";
import { bare, inTenant, tenantOf } from "../../core/tenant.ts";
import { errorOf } from "../../core/thrown_error.ts";
import { sleep } from "../../platform/clock.ts";
import { keys, parse, prefixes } from "../../platform/keys.ts";
import type { Write } from "../../platform/kv.ts";
import { pages } from "../../platform/paging.ts";
import type { Notifier } from "../../queries/notifier.ts";
import { groupRecord, groupWrites, type LogValue, newGroup } from "../../store/group_counters.ts";
import {
  doneOf,
  type GroupCompensation,
  type GroupRecord,
  isCompensating,
  MOST_ERRORS,
} from "../../store/group_record.ts";
import type { Store } from "../../store/store.ts";
import type { Values } from "../../store/values.ts";
import type { Submitter } from "../submit.ts";

/** The next task of a group that is taken back. */
interface Next {
  record: TaskRecord;
  compensation: Compensation<CompensationOptions>;
  /** Its place in the log. */
  seq: number;
}

type Compensating = GroupRecord & { compensation: GroupCompensation };

const AGAIN_AFTER_MS = 100;
const LATER_MS = 1_000;
/** Mostly the next one stands near. */
const FIRST_READ = 4;
const MOST_PER_READ = 256;

/** There may be room later. */
const OF_THE_MOMENT = [QueueFullError, StorageFullError, LimitFullError];
/** Errors by which the compensation itself is wrong: another try would get the same. */
const OF_ITS_OWN = [ValidationError, UnknownDefinitionError, TooLargeError, ForbiddenError];

export class Compensations {
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly submitter: Submitter,
    private readonly notifier: Notifier,
  ) {}

  /**
   * Does what can be done now: the end of a compensation asks again.
   *
   * @returns false if it must be done again.
   */
  async follow(group: string, isStopping: () => boolean): Promise<boolean> {
    const { kv } = this.store;
    const key = keys.group(group);
    while (!isStopping()) {
      const { value, versionstamp } = await kv.get<GroupRecord>(key);
      if (!value || !isCompensating(value)) return true;
      // One that an upstream's retry has brought back is about to be cancelled again.
      if (doneOf(value) < value.total) return true;
      const compensating = value as Compensating;
      if (!await this.#isNextsTurn(compensating.compensation)) return true;
      const guard = { key, versionstamp };
      const next = await this.#nextOf(compensating);
      if (next) await this.#submit(compensating, guard, next);
      else if (await this.#end(compensating, guard)) return true;
    }
    return false;
  }

  /** Those that were submitted have ended. */
  async #isNextsTurn({ group, started = 0 }: GroupCompensation): Promise<boolean> {
    if (group === undefined) return true;
    const record = await groupRecord(this.store.kv, group);
    return record === null || doneOf(record) >= started;
  }

  async #nextOf({ id, log, compensation }: Compensating): Promise<Next | null> {
    const { next = log } = compensation;
    const selector = { prefix: prefixes.groupDone(id), end: keys.groupDone(id, next + 1, "") };
    const paging = { size: FIRST_READ, growTo: MOST_PER_READ, reverse: true };
    for await (const page of pages<LogValue>(this.store.kv, selector, paging)) {
      const completed = page.filter(({ value }) => value.type === "COMPLETED").map(({ key }) =>
        parse.groupDone(key)
      );
      const entries = await this.store.readMany(completed.map(({ id }) => id));
      for (const [i, entry] of entries.entries()) {
        if (!entry || isForgotten(entry.record)) continue;
        const { record } = entry;
        if (record.compensate === undefined || record.groups[0] !== id || typeOf(record) !== "COMPLETED") {
          continue;
        }
        return { record, compensation: JSON.parse(record.compensate), seq: completed[i].seq };
      }
    }
    return null;
  }

  async #submit(group: Compensating, guard: Deno.AtomicCheck, next: Next): Promise<void> {
    const { store, submitter } = this;
    const { record: { id, caller, trace } } = next;
    const { compensation } = group;
    const own = compensation.group ?? inTenant(store.ids.id(), tenantOf(id));
    const { started = 0 } = compensation;
    const submission = await this.#submissionOf(next, own, started);
    const now = store.clock.now();
    const moved = { ...compensation, group: own, started: started + 1, next: next.seq - 1 };
    const writes: Write[] = groupWrites({ ...group, compensation: moved, changedAt: now }, now);
    if (compensation.group === undefined) {
      const total = compensation.total - (compensation.refused ?? 0);
      writes.push(...newGroup({ id: own, total, compensates: group.id }, now));
    }
    try {
      await submitter.submit({
        batch: { submissions: [submission], pointerOf: (_, part) => part },
        guard,
        writes: () => writes,
        caller: { ...callerWithin(tenantOf(id), caller), ...trace !== undefined && { trace } },
      });
    } catch (error) {
      // Another process was first.
      if (error instanceof ConflictError) await sleep(store.clock, AGAIN_AFTER_MS);
      else if (OF_THE_MOMENT.some((one) => error instanceof one)) await sleep(store.clock, LATER_MS);
      else if (OF_ITS_OWN.some((one) => error instanceof one)) await this.#refuse(group, guard, next, error);
      else throw error;
    }
  }

  async #submissionOf({ record, compensation }: Next, group: string, place: number): Promise<Submission> {
    const { id, ignoreResult, deps, redact, chunk } = record;
    const text = await this.values.load(id, record.input);
    const result = ignoreResult ? null : { $task: bare(id) };
    const input = inputOfCompensation(compensation, { input: JSON.parse(text), result });
    const options: SubmitOptions = {
      ...compensation.options,
      unique: false,
      debounce: false,
      cache: false,
    };
    // Its task may have taken the error of another one as its input.
    if (deps?.allowFailure && !compensation.immutable) options.allowFailure = true;
    const hidden = redactionOfCompensation(compensation, redact ?? [], chunk === true);
    return {
      task: compensation.task,
      ...(input === undefined ? {} : { input }),
      options,
      ...(record.node === undefined ? {} : { node: record.node }),
      compensates: { task: id, group, place, redact: hidden },
    };
  }

  /** It can't be submitted, and the others go on. After a conflict it is tried again. */
  async #refuse(group: Compensating, guard: Deno.AtomicCheck, next: Next, thrown: unknown): Promise<void> {
    const { kv, clock } = this.store;
    const { compensation } = group;
    const { refused = 0, errors = [] } = compensation;
    const { record: { id }, compensation: { task } } = next;
    const told = { task: id, definition: task, error: { ...errorOf(thrown, false), retryable: false } };
    const moved: GroupCompensation = {
      ...compensation,
      next: next.seq - 1,
      refused: refused + 1,
      errors: [...errors, told].slice(0, MOST_ERRORS),
    };
    const now = clock.now();
    const atomic = kv.atomic().check(guard);
    const writes = groupWrites({ ...group, compensation: moved, changedAt: now }, now);
    if (compensation.group !== undefined) {
      const { key, value, versionstamp } = await kv.get<GroupRecord>(keys.group(compensation.group));
      atomic.check({ key, versionstamp });
      if (value) writes.push(...groupWrites({ ...value, total: value.total - 1, changedAt: now }, now));
    }
    for (const write of writes) kv.write(atomic, write, now);
    await kv.commit(atomic);
    if (compensation.group !== undefined) this.notifier.groupChanged(compensation.group);
  }

  /** The group has ended. @returns false after a conflict */
  async #end(group: Compensating, guard: Deno.AtomicCheck): Promise<boolean> {
    const now = this.store.clock.now();
    const { compensation, outcome = { type: compensation.as!, at: now } } = group;
    const next = { ...group, outcome, compensation: { ...compensation, ended: now }, changedAt: now };
    const options = { checks: [guard], writes: groupWrites(next, now), rings: true };
    return await this.store.commit("outbox", [], options) !== null;
  }
}
