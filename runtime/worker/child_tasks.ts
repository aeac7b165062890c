// Tasks that a function submits while it runs. A child's id is derived from its parent, its index among the
// parent's submits, its definition and its input: an attempt that submits the same again finds the same
// children.

import type { Attempt } from "./attempt.ts";
import {
  ChildFailedError,
  ConflictError,
  ForgottenError,
  NotFoundError,
  ValidationError,
} from "../core/errors.ts";
import type { ChildTasks } from "./task_context.ts";
import { parseBounded } from "../core/bounded_parse.ts";
import { faultsOf } from "../core/zod_faults.ts";
import { toJsonText } from "../core/json.ts";
import { callerWithin } from "../core/caller.ts";
import { derivedId } from "../core/derived_id.ts";
import { keys } from "../platform/keys.ts";
import type { Notifier } from "../queries/notifier.ts";
import type { CommandContext } from "../commands/context.ts";
import { retry } from "../commands/retry.ts";
import type { Store } from "../store/store.ts";
import { type Submission, submissionSchema, type SubmitOptions } from "../core/submission.ts";
import type { Submitter } from "../commands/submit.ts";
import { groupRecord } from "../store/group_counters.ts";
import { isClosed } from "../store/group_record.ts";
import {
  isForgotten,
  isPastRetention,
  isTerminal,
  stateOf,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { bare, inTenant, tenantOf } from "../core/tenant.ts";
import { isPlain } from "../commands/unique/rule.ts";
import { sameIdsOf } from "../commands/unique/same_ids.ts";
import type { Values } from "../store/values.ts";

/** Longest wait for a child before its record is read again. */
const READ_AGAIN_MS = 60_000;

export class Children implements ChildTasks {
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly notifier: Notifier,
    private readonly submitter: Submitter,
    private readonly commands: CommandContext,
  ) {}

  /**
   * Stores a child, or finds the one that an earlier attempt has stored. A child that did not complete is
   * retried.
   *
   * @param place zero-based index of this submit in its attempt
   * @param joins it joins the parent's group, which has not ended as long as the parent runs
   * @throws {CancelledError | LeaseLostError} or why else the attempt was stopped: then nothing is written
   */
  async submit(
    attempt: Attempt,
    place: number,
    task: string,
    input: unknown,
    options?: SubmitOptions,
    joins = false,
  ): Promise<string> {
    const { record: { id: parentId, startedAt, caller } } = attempt;
    const { trace = attempt.record.trace } = attempt;
    const submission = checked({ task, input, options: joins ? ofMember(options) : options });
    const text = identityOf(input ?? null);
    for (let life = 0;;) {
      // The time of the parent's first start: children sort next to their parent.
      const child = derivedId(startedAt!, [parentId, String(place), task, text, String(life)]);
      const id = inTenant(child, tenantOf(parentId));
      const [known, parent] = await this.store.peekMany([id, parentId]);
      attempt.adopt(parent);
      attempt.throwIfAborted();
      // Each write of the attempt fails once its parent has changed: an attempt that was cancelled, or has
      // lost its lease, neither submits nor retries.
      const guard = { key: keys.task(parentId), versionstamp: parent!.versionstamp };
      // A child that was deleted, or whose retention is over, still occupies its id: the next id is free.
      if (known && isGone(known.record, this.store.clock.now())) {
        life++;
        continue;
      }
      if (known && !isForgotten(known.record)) {
        const isFailure = isTerminal(known.record) && typeOf(known.record) !== "COMPLETED";
        if (isFailure && !await this.#retry(id, guard)) continue;
        return child;
      }
      // A unique one may be the task of somebody else.
      const same = known === null && this.#mayBeOthers(submission) ? await this.#sameAs(id) : null;
      if (same !== null) return bare(same);
      const group = joins
        ? await groupToJoin(this.store, parent!.record as TaskRecord, options?.compensate !== undefined)
        : undefined;
      try {
        const { ids } = await this.submitter.submit({
          batch: {
            submissions: [{ ...submission, id: child, parentId, joins: group }],
            pointerOf: (_, part) => part,
          },
          guard,
          caller: { ...callerWithin(tenantOf(parentId), caller), ...trace !== undefined && { trace } },
        });
        return bare(ids[0]);
      } catch (error) {
        // The parent's record has changed, or the child was stored meanwhile: both are read again.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  /**
   * Waits for a child's end without taking up a slot, and returns its result.
   *
   * @throws {ChildFailedError} if the child did not complete
   * @throws {SoftTimeLimitError} if the soft time limit comes meanwhile
   */
  async result(attempt: Attempt, child: string): Promise<unknown> {
    const id = inTenant(child, tenantOf(attempt.record.id));
    const signal = attempt.waitSignal;
    return await attempt.whileAway(async () => {
      for (;;) {
        const entry = await this.notifier.ended(id, READ_AGAIN_MS, signal);
        signal.throwIfAborted();
        if (!entry) throw new NotFoundError("task", id);
        if (isForgotten(entry.record)) throw new ForgottenError(id);
        const { record } = entry;
        if (!isTerminal(record)) continue;
        if (record.result && typeOf(record) === "COMPLETED") {
          return JSON.parse(await this.values.load(id, record.result));
        }
        const { name, message, type } = { ...stateOf(record), ...record.error, type: typeOf(record) };
        throw new ChildFailedError(id, type, name, message ?? `it ended ${type}`, record.error);
      }
    });
  }

  /** What an earlier attempt got in place of this child, unless it has ended otherwise than COMPLETED. */
  async #sameAs(id: string): Promise<string | null> {
    const [same] = (await sameIdsOf(this.store.kv, id)).values();
    const entry = same === undefined ? null : await this.store.read(same);
    if (!entry || isForgotten(entry.record)) return null;
    return isTerminal(entry.record) && typeOf(entry.record) !== "COMPLETED" ? null : same;
  }

  #mayBeOthers(submission: Submission): boolean {
    const definition = this.commands.registry.get(submission.task);
    return definition !== undefined && !isPlain(submission, definition);
  }

  /** @returns false if it has to be looked at again: the guard holds no more, or the child is gone. */
  async #retry(id: string, guard: Deno.AtomicCheck): Promise<boolean> {
    try {
      await retry(this.commands, id, undefined, undefined, [guard]);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ForgottenError) return false;
      // The child will run again by itself, or another caller has retried it.
      if (!(error instanceof ConflictError)) throw error;
      return (await this.store.kv.get(guard.key)).versionstamp === guard.versionstamp;
    }
  }
}

/**
 * The task of another call cannot be one of this group.
 *
 * @throws {ValidationError}
 */
function ofMember(options: SubmitOptions = {}): SubmitOptions {
  for (const field of ["unique", "debounce"] as const) {
    if (!options[field]) continue;
    const message = "not of a task that is added to a group: another call's task is not of the group";
    throw new ValidationError([{ pointer: `/options/${field}`, message }]);
  }
  return { ...options, unique: false, debounce: false };
}

/**
 * @param isCompensable the end of the group must be final
 * @throws {ConflictError} if it is in no group, or in one that was stopped
 * @throws {ValidationError}
 */
async function groupToJoin(
  { kv }: Store,
  { groups: [group] }: TaskRecord,
  isCompensable: boolean,
): Promise<Submission["joins"]> {
  const record = group === undefined ? null : await groupRecord(kv, group);
  if (!record) throw new ConflictError("its task is in no group: submit() makes a task beside it");
  if (isClosed(record)) {
    throw new ConflictError(`its group ${bare(group)} was stopped, and takes no more tasks`);
  }
  if (isCompensable && !record.policy) {
    const message = "only in a group with a policy: without one its end is not final. One with onFailure: " +
      '"continue" does';
    throw new ValidationError([{ pointer: "/options/compensate", message }]);
  }
  return { group, hasLimit: record.maxConcurrent !== undefined };
}

function isGone(stored: Stored, now: number): boolean {
  return isForgotten(stored) || isPastRetention(stored, now);
}

/** @throws {ValidationError} */
function checked(submission: Submission): Submission {
  const parsed = parseBounded(submissionSchema(), submission);
  if (!parsed.success) throw new ValidationError(faultsOf(parsed.error, submission));
  return parsed.data;
}

/**
 * The text of an input as release 0.1 has written it, with rounded numbers: the ids of children must be the
 * same in all releases.
 *
 * @throws {NotJsonError}
 */
function identityOf(input: unknown): string {
  toJsonText(input);
  return JSON.stringify(input);
}
