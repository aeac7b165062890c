// From a submission to a record without a state: the definition is looked up, the input checked against its
// schema, options are merged with the definition's defaults.

import { ANYBODY, type Caller, holds, knowsDefinition, knowsQueue } from "../core/caller.ts";
import type { DefinitionDefaults } from "../core/define.ts";
import { ForbiddenError, TooLargeError } from "../core/errors.ts";
import { toJsonText } from "../core/json.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { Reference } from "../core/references.ts";
import { maskedFault } from "../core/redaction.ts";
import { mergedRetry, wholeRetry } from "../core/retry.ts";
import type { ShownTerms } from "../core/shown_terms.ts";
import type { Submission } from "../core/submission.ts";
import { FAILURE_RETENTION_MS, type TaskRecord } from "../core/task.ts";
import type { TaskLimit, TaskRate } from "../core/limit_terms.ts";
import type { Turn } from "../platform/turns.ts";
import { type Batch, MOST_FAULTS, type PartFault, validationError } from "./batch.ts";
import {
  checkRead,
  checkReadInTurns,
  type ReadInput,
  readInputInTurns,
  readShortInput,
} from "./check_input.ts";
import { cancelsOthers, conditionsOf } from "./conditions_of_task.ts";
import type { CommandContext } from "./context.ts";
import { checkTimeLimits } from "./time_limits.ts";
import { joinGroup } from "./join_group.ts";
import { addShownTerms, copyShownTerms } from "./shown_terms.ts";
import { limitsOf } from "./limits_of_task.ts";
import {
  type CacheRule,
  cacheRuleOf,
  holdOf,
  isPlain,
  type RuledSubmission,
  ruleOf,
  type UniqueRule,
} from "./unique/rule.ts";

const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
const DEFAULT_MAX_CRASHES = 3;
/** All inputs of a call may be this many times as large as one: a short map can make many large inputs. */
const CALLS_INPUTS = 16;

/** A submission that has passed every check. */
export interface Checked extends ShownTerms {
  submission: Submission;
  /** Of its definition. */
  defaults: DefinitionDefaults;
  /** JSON text of the input. */
  input: string;
  /** Tasks whose results it takes. */
  references: Reference[];
  /** The input contains references or quotes. */
  special: boolean;
  limits?: TaskLimit[];
  /** The key that it asks for. */
  unique?: UniqueRule;
  rates?: TaskRate[];
  /** The cached result that it asks for. */
  cache?: CacheRule;
}

/**
 * Checks submissions, all of them before any is stored.
 *
 * @throws {UnknownDefinitionError} for the first unknown name.
 * @throws {TooLargeError} for the first input over the limit, or if all together are too large.
 * @throws {ValidationError} with the faults of all inputs, or with the first ones of very many.
 */
export function check(
  batch: Batch,
  { registry, maxInputBytes, store }: CommandContext,
  caller: Caller = ANYBODY,
): Checked[] | Promise<Checked[]> {
  const isKnown = (task: string) => knowsDefinition(caller, task);
  if (batch.requires !== undefined) registry.require(batch.requires, "/task", isKnown);
  const faults: PartFault[] = [];
  const checked: Checked[] = [];
  let characters = 0;
  const given = (index: number) => {
    const submission = batch.submissions[index];
    const locate = (part: string) => batch.pointerOf(index, part);
    const offered = () => isKnown(submission.task) ? registry.offered(submission.task) : undefined;
    const definition = (submission.isBuiltin ? registry.get(submission.task) : offered()) ??
      registry.require(submission.task, locate("/task"), isKnown);
    const value = inputOf(submission);
    return {
      index,
      submission,
      definition,
      value,
      rules: { maxInputBytes, locate, chunk: submission.chunk },
    };
  };
  const take = ({ index, submission, definition, value }: ReturnType<typeof given>, input: ReadInput) => {
    const { redact } = definition;
    const shown = redact ? maskedFault(redact, value, submission.chunk === true) : undefined;
    const fault = (part: string, message: string) => {
      faults.push({ index, part, message: shown ? shown(part, message) : message });
    };
    const queue = queueFor(submission, definition.defaults);
    if (!knowsQueue(caller, queue)) {
      const part = submission.options?.queue === undefined ? "/task" : "/options/queue";
      fault(part, `the key may submit to no queue ${JSON.stringify(queue)}`);
    }
    for (const { pointer, message } of input.faults) fault(pointer, message);
    checkTimeLimits(submission.options, definition.defaults, fault);
    characters += input.text.length;
    requireRoom(characters, maxInputBytes);
    const one: Checked = {
      submission,
      defaults: definition.defaults,
      input: input.text,
      references: input.references,
      special: input.special,
    };
    addShownTerms(one, registry, definition, value, input, fault);
    for (const { part, message } of conditionsOf(submission, input.references).faults) fault(part, message);
    if (cancelsOthers(submission) && !holds(caller, "cancel")) throw mayNotCancel();
    const { concurrency, rateLimit, fairness } = submission.options ?? {};
    const isLimited = concurrency !== undefined || rateLimit !== undefined || fairness !== undefined;
    if (isLimited || definition.keyed !== undefined) {
      const found = limitsOf(registry, definition, submission.options, value, input);
      if (found.fault) fault("/input", found.fault);
      Object.assign(one, { limits: found.limits, rates: found.rates });
    }
    if (input.faults.length === 0 && !isPlain(submission, definition)) {
      const ruled: RuledSubmission = {
        definition,
        submission,
        input,
        registry,
        tenant: caller.tenant,
        fault,
      };
      one.unique = ruleOf(ruled);
      one.cache = cacheRuleOf(ruled);
      if (one.cache && one.ignoreResult) {
        fault("/options/ignoreResult", "not together with cache: what is not kept is not given again");
      }
    }
    checked.push(one);
  };
  const checkOne = (index: number, read: ReadInput) => {
    const one = given(index);
    take(one, checkRead(registry, one.definition, one.value, read, one.rules));
  };
  const result = () => {
    if (faults.length > 0) throw validationError(batch, faults);
    return checked;
  };
  const { length } = batch.submissions;
  if (length === 0) return result();
  const first = readShortInput(inputOf(batch.submissions[0]));
  if (length > 1 || first === null) return inTurns(store.turns.begin()).then(result);
  checkOne(0, first);
  return result();

  async function inTurns(turn: Turn): Promise<void> {
    for (let index = 0; index < length && faults.length < MOST_FAULTS; index++) {
      const next = turn.over();
      if (next) await next;
      const read = index === 0 ? first : readShortInput(inputOf(batch.submissions[index]));
      if (read === null) await checkLong(index, turn);
      else checkOne(index, read);
    }
  }

  async function checkLong(index: number, turn: Turn): Promise<void> {
    const one = given(index);
    const read = await readInputInTurns(one.value, turn);
    take(one, await checkReadInTurns(registry, one.definition, one.value, read, one.rules, turn));
  }
}

function mayNotCancel(): ForbiddenError {
  return new ForbiddenError("cancelRest of waitFor cancels tasks: the key needs the scope cancel for it");
}

function inputOf({ input = {} }: Submission): unknown {
  return input;
}

function requireRoom(characters: number, maxInputBytes: number): void {
  const limit = CALLS_INPUTS * maxInputBytes;
  if (characters <= limit) return;
  const setting = `${CALLS_INPUTS} times MAX_INPUT_BYTES`;
  throw new TooLargeError("", "what the tasks of this call get", characters, limit, setting);
}

export interface DraftOptions {
  now: number;
  /** Where neither the submission nor its definition says another. */
  failureRetentionMs?: number;
  groupId: string | null;
  /** So many of the group run at once. */
  maxConcurrent?: number;
  caller: Caller;
}

/**
 * The record without its input and its first state.
 *
 * @param place among the submissions of the call.
 */
export function draftOf(
  checked: Checked,
  id: string,
  place: number,
  { now, groupId, maxConcurrent, caller, failureRetentionMs = FAILURE_RETENTION_MS }: DraftOptions,
): TaskRecord {
  const { submission, defaults, special, limits, rates, unique, cache } = checked;
  const { options = {} } = submission;
  const failureKeptMs = options.failureRetentionMs ?? defaults.failureRetentionMs ?? failureRetentionMs;
  const { maxAttempts, ...retry } = wholeRetry(mergedRetry(defaults.retry, options.retry));
  const draft: TaskRecord = {
    id,
    task: submission.task,
    rev: 0,
    op: "",
    // What every task gets on its way has its place from the first: copies of a record then keep its shape.
    ops: undefined,
    queued: undefined,
    seq: 0,
    history: [],
    attempt: 0,
    maxAttempts,
    crashes: 0,
    maxCrashes: options.maxCrashes ?? defaults.maxCrashes ?? DEFAULT_MAX_CRASHES,
    lease: null,
    input: { json: "null" },
    result: null,
    error: null,
    progress: null,
    cancel: null,
    priority: options.priority ?? defaults.priority ?? 0,
    tags: options.tags ? [...new Set(options.tags)] : [],
    metadata: options.metadata ? toJsonText(options.metadata) : "{}",
    groups: groupId === null ? [] : [groupId],
    parentId: submission.parentId ?? null,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs ?? null,
    retry,
    retentionMs: options.retentionMs ?? defaults.retentionMs ?? DEFAULT_RETENTION_MS,
    createdAt: now,
    runAt: instantOf(options.runAt, options.delayMs, now) ?? now,
    startedAt: null,
    finishedAt: null,
    expiresAt: instantOf(options.expiresAt, options.ttlMs, now),
  };
  const queue = queueFor(submission, defaults);
  if (queue !== DEFAULT_QUEUE) draft.queue = queue;
  if (caller.name !== null) draft.caller = caller.name;
  if (groupId !== null) draft.places = [place];
  if (submission.parentId !== undefined) draft.awaited = true;
  if (failureKeptMs !== FAILURE_RETENTION_MS) draft.failureRetentionMs = failureKeptMs;
  copyShownTerms(checked, draft);
  const softTimeoutMs = options.softTimeoutMs ?? defaults.softTimeoutMs;
  if (softTimeoutMs !== undefined) draft.softTimeoutMs = softTimeoutMs;
  if (special) draft.special = special;
  if (cache) {
    draft.cache = cache.key === undefined ? { ttlMs: cache.ttlMs } : { key: cache.key, ttlMs: cache.ttlMs };
    if (cache.isLate && !cache.refresh) draft.cache.asks = true;
  }
  if (unique) {
    draft.unique = holdOf(unique, now);
    if (unique.debounce) draft.runAt = now + unique.debounce.delayMs;
  }
  if (submission.node !== undefined) draft.node = submission.node;
  if (submission.chunk) draft.chunk = true;
  if (limits !== undefined) draft.limits = limits;
  if (rates !== undefined) draft.rates = rates;
  if (submission.schedule) draft.schedule = submission.schedule;
  if (caller.trace !== undefined) draft.trace = caller.trace;
  if (submission.rerunOf !== undefined) draft.rerunOf = submission.rerunOf;
  if (maxConcurrent !== undefined) draft.windowed = place >= maxConcurrent;
  if (submission.joins) joinGroup(draft, submission.joins);
  return draft;
}

function queueFor({ options }: Submission, defaults: DefinitionDefaults): string {
  return options?.queue ?? defaults.queue ?? DEFAULT_QUEUE;
}

function instantOf(at: string | undefined, inMs: number | undefined, now: number): number | null {
  if (at !== undefined) return Date.parse(at);
  return inMs === undefined ? null : now + inMs;
}
