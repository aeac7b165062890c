// Runs an ended, not completed task again under the same id.

import { ConflictError, UnavailableError, ValidationError } from "../core/errors.ts";
import { pointer } from "../core/json.ts";
import { maskedFault } from "../core/redaction.ts";
import {
  type Entry,
  hasDependents,
  isAwaiting,
  isPastRetention,
  isTerminal,
  stateOf,
  type StoredValue,
  type TaskRecord,
} from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { retried } from "../core/transitions.ts";
import { isBehindBarrier } from "../dependencies/barrier.ts";
import type { OutboxProcessor } from "../dependencies/outbox_processor.ts";
import { resumedBy } from "../dependencies/resume_dependents.ts";
import { heldBack } from "../dependencies/retry_barrier.ts";
import { keys } from "../platform/keys.ts";
import { retryBarrierId } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import type { Change } from "../store/commit_unit.ts";
import { decisionOf, type DependencyCounter, isSkip, outboxWrite } from "../store/dependency_counters.ts";
import type { Applied } from "../store/committer.ts";
import { eventsOfPastEnd } from "../store/event_log.ts";
import { type GroupRecord, isClosed } from "../store/group_record.ts";
import { keyAgain } from "../store/unique_holders.ts";
import type { Store } from "../store/store.ts";
import type { CommandContext } from "./context.ts";
import { checkInput } from "./check_input.ts";
import { requireUnchanged } from "./guard.ts";
import { type IfMatch, readPresent } from "./present_task.ts";

/** An input that takes the place of the one the task had. */
interface Replacement {
  value: StoredValue;
  /** It contains quotes. */
  special: boolean;
}

/**
 * Runs a task again with a fresh budget of attempts. Dependents that its failure had cancelled wait for it
 * again.
 *
 * @param input JSON value that replaces the input, or undefined to keep it.
 * @param guards must still hold when the task is put back
 * @throws {NotFoundError | ForgottenError | PreconditionError | ValidationError}
 * @throws {ConflictError} if it has not ended, or completed, or its call is not stored whole, or a guard
 * holds no more.
 */
export async function retry(
  context: CommandContext,
  id: string,
  input: unknown,
  ifMatch?: IfMatch,
  guards: Deno.AtomicCheck[] = [],
): Promise<Entry> {
  const { store, values } = context;
  const current = await readPresent(store, id, ifMatch);
  const replacement = input === undefined ? null : await storeReplacement(context, current.record, input);
  if (waitsForUpstreams(current.record) && !replacement) await requireUpstreams(store, id);
  try {
    // Storing an input takes time, in which the task may have moved on.
    for (let known: Entry | null = replacement ? null : current;; known = null) {
      const entry = known ?? await readPresent(store, id, ifMatch);
      // An entry read a while ago may be past its retention by now: the next read decides.
      if (isPastRetention(entry.record, store.clock.now())) continue;
      const applied = await commitRetry(store, entry, replacement, guards);
      if (applied) return applied;
      if (guards.length > 0) await requireUnchanged(store.kv, guards);
    }
  } catch (error) {
    // After an unknown outcome the record may name the value; if it does not, the garbage collector finds it.
    if (replacement && !(error instanceof UnavailableError)) {
      await values.discard(id, replacement.value);
    }
    throw error;
  }
}

async function storeReplacement(
  { registry, maxInputBytes, values }: CommandContext,
  { id, task, chunk }: TaskRecord,
  input: unknown,
): Promise<Replacement> {
  const locate = (part: string) => part;
  const { text, references, special, faults } = checkInput(registry, registry.require(task), input, {
    maxInputBytes,
    locate,
    chunk,
  });
  for (const { path } of references) {
    const message = "the input of a retry must not refer to tasks: whom it waits for was said at its submit";
    faults.push({ pointer: `/input${pointer(path)}`, message });
  }
  const redact = registry.require(task).redact;
  const shown = redact && maskedFault(redact, input, chunk === true);
  if (faults.length > 0) {
    throw new ValidationError(faults.map(({ pointer, message }) => {
      return { pointer, message: shown ? shown(pointer, message) : message };
    }));
  }
  return { value: await values.store(id, text), special };
}

/** Null after a conflict with another write of the task. */
async function commitRetry(
  store: Store,
  entry: Entry,
  replacement: Replacement | null,
  guards: Deno.AtomicCheck[],
): Promise<Entry | null> {
  const { record } = entry;
  requireRetriable(record);
  if (waitsForUpstreams(record)) await requireStoredCall(store, record.id);
  // With an input of its own it needs nobody's result.
  const isFree = replacement !== null && waitsForUpstreams(record);
  const freed = isFree ? { ...record, deps: { ...record.deps!, released: true } } : record;
  const key = await keyAgain(store, record, retried(freed, store.clock.now(), record.input));
  if ("takenBy" in key) throw keyTaken(key.takenBy);
  const changeOf = (isHeld: boolean): Change => {
    const next = retried(freed, store.clock.now(), replacement?.value ?? record.input, isHeld);
    if (key.next.unique) next.unique = key.next.unique;
    if (replacement) next.special = replacement.special;
    const writes: Write[] = [];
    // Its upstreams may have ended before it waits for them again: the outbox processor looks at once.
    if (isAwaiting(next)) writes.push(outboxWrite(record.id));
    else if (isFree) writes.push({ key: keys.dependencyCounter(record.id) });
    return { before: entry, next, events: eventsOfPastEnd(record), writes, ...key.with };
  };
  const open = [...guards, ...await requireOpenGroups(store, record)];
  const { changes, checks, isComplete } = await resumedBy(store, record);
  const all = [changeOf(false), ...changes];
  const options = { checks: [...checks, ...open] };
  if (isComplete && store.fits(all, options)) return first(await store.commit("change", all, options));
  const held = await heldBack(store, record, isFree);
  held.checks.push(...open);
  return first(await store.commit("change", [changeOf(true)], held));
}

/**
 * The end of a group with a policy is final.
 *
 * @returns what must still be so when the task is put back
 */
async function requireOpenGroups({ kv }: Store, { groups }: TaskRecord): Promise<Deno.AtomicCheck[]> {
  if (groups.length === 0) return [];
  const found = await kv.getMany<GroupRecord>(groups.map(keys.group));
  return found.flatMap(({ key, value, versionstamp }) => {
    if (!value?.policy) return [];
    if (isClosed(value)) throw groupClosed(value);
    return [{ key, versionstamp }];
  });
}

function groupClosed({ id, outcome }: GroupRecord): ConflictError {
  const how = outcome ? `has ended ${outcome.type}` : "was stopped";
  return new ConflictError(
    `its group ${bare(id)} ${how}, which its policy makes final: submit the work anew`,
  );
}

function first(applied: Applied): Entry | null {
  return applied && applied[0] as Entry;
}

function requireRetriable(record: TaskRecord): void {
  const { type } = stateOf(record);
  if (isTerminal(record) && type !== "COMPLETED") return;
  throw new ConflictError(`a task is retried after FAILED, CRASHED or CANCELLED; this one is ${type}`);
}

function waitsForUpstreams({ deps }: TaskRecord): boolean {
  return deps !== undefined && !deps.released;
}

function keyTaken({ record }: Entry): ConflictError {
  return new ConflictError(
    `task ${bare(record.id)} (${
      stateOf(record).type
    }) has its unique key: two tasks with one key would run. ` +
      "Cancel that one, or wait until it gives up the key",
    "/options/unique",
  );
}

/** None of a call's tasks starts before all of them are stored. */
async function requireStoredCall(store: Store, id: string): Promise<void> {
  if (!await isBehindBarrier(store, id)) return;
  throw new ConflictError("the call that submits it is still under way: retry it when that has ended");
}

/** A task whose upstream has failed has nothing to run with. */
async function requireUpstreams(store: Store, id: string): Promise<void> {
  const { value } = await store.kv.get<DependencyCounter>(keys.dependencyCounter(id));
  if (!value || decisionOf(value) !== "fail") return;
  if (isSkip(value)) throw new ConflictError(SKIPPED);
  const which = value.first === null ? "a task that it waits for" : `its upstream ${bare(value.first)}`;
  throw new ConflictError(`${which} did not complete: retry that one, and this one goes on by itself`);
}

const SKIPPED =
  "it was skipped: its condition cannot come true, unless a task that it waited for is retried. " +
  "With an input of its own it runs without any of them";

/** The retry itself is on disk: its answer does not wait for ever. */
const DEPENDENTS_WITHIN_MS = 30_000;

/**
 * Resolves when the dependents that a retry's own commit could not put back wait again: a caller who looks at
 * them after the answer must not be told that they were cancelled.
 */
export async function dependentsResumed(outbox: OutboxProcessor, retried: TaskRecord): Promise<void> {
  if (!hasDependents(retried) || !isAwaiting(retried)) return;
  await outbox.processed([retryBarrierId(retried.id)], DEPENDENTS_WITHIN_MS);
}
