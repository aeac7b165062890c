// From what a caller submitted to a record that has no state yet: names are looked up, inputs checked against
// their schema, options merged with the definition's defaults.

import type { AnyDefinition, Json } from "../core/define.ts";
import { type Fault, TooLargeError, ValidationError } from "../core/errors.ts";
import { NotJsonError, toJsonText, utf8Bytes } from "../core/json.ts";
import { findReferences, mayHaveReferences, type Reference, resolveReferences } from "../core/references.ts";
import type { Registry } from "../core/registry.ts";
import { DEFAULT_RETRY } from "../core/retry.ts";
import type { Submission } from "../core/submission.ts";
import type { TaskRecord } from "../core/task.ts";

const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
const DEFAULT_MAX_CRASHES = 3;
/** All inputs of a call together may be so many times as large as one: a map says in few words what many tasks get. */
const CALLS_INPUTS = 16;

/** A submission that has passed every check. */
export interface Checked {
  submission: Submission;
  definition: AnyDefinition;
  /** JSON text of the input. */
  input: string;
  /** Tasks whose results it wants. */
  references: Reference[];
  /** Anything in the input stands for something else. */
  special: boolean;
}

/**
 * Checks submissions, all of them before any is stored.
 *
 * @param pointerOf the pointer to the n-th submission within what the caller sent.
 * @throws {UnknownDefinitionError} for the first unknown name.
 * @throws {TooLargeError} for the first input over the limit, or if all are too much together.
 * @throws {ValidationError} with the faults of all inputs.
 */
export function check(
  registry: Registry,
  submissions: Submission[],
  maxInputBytes: number,
  pointerOf: (index: number) => string,
): Checked[] {
  const faults: Fault[] = [];
  let characters = 0;
  const checked = submissions.map((submission, index): Checked => {
    const at = pointerOf(index);
    const definition = registry.require(submission.task, `${at}/task`);
    const value = submission.input === undefined ? {} : submission.input;
    const pointer = `${at}/input`;
    const input = checkInput(registry, definition, value, pointer, maxInputBytes, faults, submission.chunk);
    characters += input.input.length;
    if (characters > CALLS_INPUTS * maxInputBytes) {
      const setting = `${CALLS_INPUTS} times MAX_INPUT_BYTES`;
      throw new TooLargeError(
        "",
        "what the tasks of this call get",
        characters,
        CALLS_INPUTS * maxInputBytes,
        setting,
      );
    }
    return { submission, definition, ...input };
  });
  if (faults.length > 0) throw new ValidationError(faults);
  return checked;
}

/** An input as it is stored, and what is in it; faults are added to `faults`. */
export function checkInput(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  pointer: string,
  maxInputBytes: number,
  faults: Fault[],
  chunk = false,
): Pick<Checked, "input" | "references" | "special"> {
  let text = "null";
  try {
    text = toJsonText(value);
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    faults.push({ pointer, message: error.message });
    return { input: text, references: [], special: false };
  }
  // A UTF-16 unit takes three bytes at the most, so short texts need no counting.
  if (text.length * 3 > maxInputBytes) {
    const bytes = utf8Bytes(text);
    if (bytes > maxInputBytes) {
      throw new TooLargeError(pointer, "the input", bytes, maxInputBytes, "MAX_INPUT_BYTES");
    }
  }
  const found = mayHaveReferences(text)
    ? findReferences(value, pointer)
    : { references: [], special: false, faults: [] };
  faults.push(...found.faults);
  const paths = found.references.map(({ path }) => path);
  // What a reference stands for is not known yet. The function's own input is checked as a whole before it starts.
  const shown = found.special ? resolveReferences(value, () => null) : value;
  if (!chunk) {
    faults.push(...registry.faultsOfInput(definition, shown, pointer, paths));
  } else if (!Array.isArray(shown)) {
    faults.push({ pointer, message: "must be a list: the function is called for each of its elements" });
  } else {
    shown.forEach((each, i) => {
      const inside = paths.filter(([first]) => first === i).map(([, ...rest]) => rest);
      faults.push(...registry.faultsOfInput(definition, each, `${pointer}/${i}`, inside));
    });
  }
  return { input: text, references: found.references, special: found.special };
}

/** Everything of the record but its input and its first state. */
export function draftOf(
  { submission, definition, special }: Checked,
  id: string,
  now: number,
  groups: string[],
  place: number,
): TaskRecord {
  const { options = {} } = submission;
  const { defaults } = definition;
  const { maxAttempts, ...retry } = { ...DEFAULT_RETRY, ...defaults.retry, ...options.retry };
  return {
    id,
    task: definition.name,
    rev: 0,
    op: "",
    seq: 0,
    history: [],
    attempt: 0,
    maxAttempts,
    crashes: 0,
    maxCrashes: options.maxCrashes ?? defaults.maxCrashes ?? DEFAULT_MAX_CRASHES,
    lease: null,
    queued: null,
    input: { json: "null" },
    result: null,
    error: null,
    progress: null,
    cancel: null,
    priority: options.priority ?? defaults.priority ?? 0,
    tags: options.tags ? [...new Set(options.tags)] : [],
    metadata: options.metadata ? JSON.stringify(options.metadata as Json) : "{}",
    groups,
    ...(groups.length > 0 && { places: groups.map(() => place) }),
    parentId: submission.parentId ?? null,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs ?? null,
    retry,
    retentionMs: options.retentionMs ?? defaults.retentionMs ?? DEFAULT_RETENTION_MS,
    hasEvents: false,
    ...(special && { special }),
    ...(submission.node !== undefined && { node: submission.node }),
    ...(submission.chunk && { chunk: true }),
    createdAt: now,
    runAt: instantOf(options.runAt, options.delayMs, now) ?? now,
    startedAt: null,
    finishedAt: null,
    expiresAt: instantOf(options.expiresAt, options.ttlMs, now),
  };
}

function instantOf(at: string | undefined, inMs: number | undefined, now: number): number | null {
  if (at !== undefined) return Date.parse(at);
  return inMs === undefined ? null : now + inMs;
}
