// Checks submissions: their definitions are looked up, and their inputs checked against the schemas of these.

import { ANYBODY, type Caller, holds, knowsDefinition, knowsQueue } from "../core/caller.ts";
import type { DefinitionDefaults } from "../core/define.ts";
import { ForbiddenError, TooLargeError } from "../core/errors.ts";
import type { Reference } from "../core/references.ts";
import { maskedFault } from "../core/redaction.ts";
import type { ShownTerms } from "../core/shown_terms.ts";
import type { Submission } from "../core/submission.ts";
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
import { checkCompensation } from "./compensation/check.ts";
import type { CommandContext } from "./context.ts";
import { queueFor } from "./queue_for.ts";
import { checkTimeLimits } from "./time_limits.ts";
import { addShownTerms } from "./shown_terms.ts";
import { limitsOf } from "./limits_of_task.ts";
import {
  type CacheRule,
  cacheRuleOf,
  isPlain,
  type RuledSubmission,
  ruleOf,
  type UniqueRule,
} from "./unique/rule.ts";

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
  /** JSON text of what takes it back. */
  compensate?: string;
}

/**
 * Checks submissions, all of them before any is stored.
 *
 * @param isGrouped a group is made of them
 * @throws {UnknownDefinitionError} for the first unknown name.
 * @throws {TooLargeError} for the first input over the limit, or if all together are too large.
 * @throws {ValidationError} with the faults of all inputs, or with the first ones of very many.
 */
export function check(
  batch: Batch,
  { registry, maxInputBytes, store }: CommandContext,
  caller: Caller = ANYBODY,
  isGrouped = false,
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
    const { compensate } = submission.options ?? {};
    if (compensate && input.faults.length === 0) {
      one.compensate = checkCompensation(registry, maxInputBytes, compensate, {
        submission,
        definition,
        input: value,
        references: input.references,
        isShared: one.unique !== undefined || one.cache !== undefined,
        isGrouped: isGrouped || submission.joins !== undefined,
        caller,
        fault,
        locate: (part) => batch.pointerOf(index, part),
      });
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
