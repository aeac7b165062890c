// Checks at its submit what takes a task back: then nobody learns of a mistake only when it is needed.

import { type Caller, knowsDefinition, knowsQueue } from "../../core/caller.ts";
import { type Compensation, inputOfCompensation, redactionOfCompensation } from "../../core/compensation.ts";
import type { AnyDefinition } from "../../core/define.ts";
import { pointer, toJsonText } from "../../core/json.ts";
import type { Reference } from "../../core/references.ts";
import { maskedFault } from "../../core/redaction.ts";
import type { Registry } from "../../core/registry.ts";
import type { CompensationOptions, Submission } from "../../core/submission.ts";
import { type WaitItem, waitItems } from "../../core/wait_for.ts";
import { checkInput } from "../check_input.ts";
import { queueFor } from "../queue_for.ts";
import { checkTimeLimits } from "../time_limits.ts";

const AT = "/options/compensate";
/** Stands for the task in its compensation's input: any id does. */
const SOME_TASK = "00000000-0000-7000-8000-000000000000";

export interface ToCompensate {
  submission: Submission;
  /** Of the task itself. */
  definition: AnyDefinition;
  input: unknown;
  references: Reference[];
  /** It may get another call's task, or a result that is there already. */
  isShared: boolean;
  /** It will be in a group. */
  isGrouped: boolean;
  caller: Caller;
  /** Told of what is wrong, by pointers within the submission. */
  fault(part: string, message: string): void;
  locate(part: string): string;
}

/**
 * @returns what the record says of it
 * @throws {UnknownDefinitionError | TooLargeError}
 */
export function checkCompensation(
  registry: Registry,
  maxInputBytes: number,
  compensation: Compensation<CompensationOptions>,
  given: ToCompensate,
): string {
  const { submission, definition, input, references, isShared, isGrouped, caller, fault, locate } = given;
  if (!isGrouped) {
    fault(AT, "only of a task in a group: in a batch with group: true, in a map or in a flow");
  }
  if (isShared) {
    fault(
      AT,
      "not together with unique, debounce or cache: a task that another call has made, or a result " +
        "that was there, is not this group's to take back. unique: false and cache: false turn off what the " +
        "definition says",
    );
  }
  const { task, options, immutable } = compensation;
  const isKnown = (name: string) => knowsDefinition(caller, name);
  const own = (isKnown(task) ? registry.offered(task) : undefined) ??
    registry.require(task, locate(`${AT}/task`), isKnown);
  const queue = queueFor({ options }, own.defaults);
  if (!knowsQueue(caller, queue)) {
    fault(options?.queue === undefined ? `${AT}/task` : `${AT}/options/queue`, mayNotUse(queue));
  }
  checkTimeLimits(options, own.defaults, (part, message) => fault(`${AT}${part}`, message));
  const open = immutable ? undefined : references.find(({ task }) => isOneOfAny(submission, task));
  if (open) {
    fault(
      AT,
      "its task takes a result of one of anyOf, which may be another one by then: with " +
        '"immutable": true the compensation gets its own input only',
    );
  }
  const value = inputOfCompensation(compensation, { input, result: { $task: SOME_TASK } }) ?? {};
  const read = checkInput(registry, own, value, { maxInputBytes, locate: () => locate(AT) });
  const hidden = definition.redact ?? [];
  const redact = redactionOfCompensation(compensation, hidden, submission.chunk === true);
  const shown = maskedFault([...redact, ...own.redact ?? []], value, false);
  for (const { pointer: part, message } of read.faults) {
    const text = shown(part, message);
    if (isItsOwn(compensation, part)) fault(`${AT}${part}`, text);
    else fault(AT, `its input would not do, at ${part.slice("/input".length) || "the whole"}: ${text}`);
  }
  return toJsonText(compensation);
}

function mayNotUse(queue: string): string {
  return `the key may submit to no queue ${JSON.stringify(queue)}`;
}

/** True for a part of what was given as the compensation's own input. */
function isItsOwn({ input, into, immutable }: Compensation, part: string): boolean {
  if (input === undefined) return false;
  if (immutable) return true;
  const handedOn = `/input${pointer([into!])}`;
  return part !== "/input" && part !== handedOn && !part.startsWith(`${handedOn}/`);
}

function isOneOfAny({ options }: Submission, task: string): boolean {
  return waitItems(options?.waitFor).some(({ item }: { item: WaitItem }) =>
    typeof item === "object" && "anyOf" in item && item.anyOf.includes(task)
  );
}
