// Checks the input of a task against the schema of its definition.

import type { AnyDefinition } from "../core/define.ts";
import { type Fault, TooLargeError } from "../core/errors.ts";
import { NotJsonError, toJsonText, toShortJsonText, utf8Bytes } from "../core/json.ts";
import { toJsonTextInTurns } from "../core/long_json.ts";
import { findReferences, mayHaveReferences, type Reference, resolveReferences } from "../core/references.ts";
import type { Registry } from "../core/registry.ts";
import type { Turn } from "../platform/turns.ts";

interface InputRules {
  maxInputBytes: number;
  /** The caller's pointer to a part of the submission. */
  locate: (part: string) => string;
  /** The input is a list of inputs. */
  chunk?: boolean;
}

/** What an input says, whether or not its definition allows it. */
export interface ReadInput {
  /** JSON text. */
  text: string;
  references: Reference[];
  /** It contains references or quotes. */
  special: boolean;
  /** Their pointers begin with "/input". */
  faults: Fault[];
}

/** The faults are those that no definition allows. */
export function readInput(value: unknown): ReadInput {
  try {
    return readAs(toJsonText(value), value);
  } catch (error) {
    return notRead(error);
  }
}

/** Null for a long one: {@linkcode readInputInTurns} must be taken. */
export function readShortInput(value: unknown): ReadInput | null {
  try {
    const text = toShortJsonText(value);
    return text === null ? null : readAs(text, value);
  } catch (error) {
    return notRead(error);
  }
}

export async function readInputInTurns(value: unknown, turn: Turn): Promise<ReadInput> {
  try {
    return readAs(await toJsonTextInTurns(value, turn), value);
  } catch (error) {
    return notRead(error);
  }
}

function readAs(text: string, value: unknown): ReadInput {
  if (!mayHaveReferences(text)) return { text, references: [], special: false, faults: [] };
  return { text, ...findReferences(value, "/input") };
}

function notRead(error: unknown): ReadInput {
  if (!(error instanceof NotJsonError)) throw error;
  const faults = [{ pointer: "/input", message: error.message }];
  return { text: "null", references: [], special: false, faults };
}

/** @throws {TooLargeError} */
export function checkInput(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  rules: InputRules,
): ReadInput {
  return checkRead(registry, definition, value, readInput(value), rules);
}

/**
 * The second half of {@linkcode checkInput}.
 *
 * @throws {TooLargeError}
 */
export function checkRead(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  read: ReadInput,
  rules: InputRules,
): ReadInput {
  const { references, special, faults } = read;
  if (faults.length > 0 && !special) return read;
  requireSize(read, rules);
  const paths = references.map(({ path }) => path);
  // What a reference stands for is not known yet: the complete input is checked before its function starts.
  const shown = special ? resolveReferences(value, () => null) : value;
  const more = faultsOfValue(registry, definition, shown, paths, rules.chunk ?? false);
  return { ...read, faults: [...faults, ...more] };
}

/**
 * The same for a long input. One with references, or a chunk, is checked in one go.
 *
 * @throws {TooLargeError}
 */
export async function checkReadInTurns(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  read: ReadInput,
  rules: InputRules,
  turn: Turn,
): Promise<ReadInput> {
  if (read.special || rules.chunk || read.faults.length > 0) {
    return checkRead(registry, definition, value, read, rules);
  }
  requireSize(read, rules);
  return { ...read, faults: await registry.faultsOfLongInput(definition, value, "/input", turn) };
}

function requireSize({ text }: ReadInput, { maxInputBytes, locate }: InputRules): void {
  // A UTF-16 unit takes three bytes at the most, so short texts need no counting.
  if (text.length * 3 > maxInputBytes) {
    const bytes = utf8Bytes(text);
    if (bytes > maxInputBytes) {
      throw new TooLargeError(locate("/input"), "the input", bytes, maxInputBytes, "MAX_INPUT_BYTES");
    }
  }
}

/** @param unknown paths at which references stand. */
function faultsOfValue(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  unknown: Reference["path"][],
  chunk: boolean,
): Fault[] {
  if (!chunk) return registry.faultsOfInput(definition, value, "/input", unknown);
  if (!Array.isArray(value)) {
    const message = "must be a list: the function is called for each of its elements";
    return [{ pointer: "/input", message }];
  }
  return value.flatMap((each, i) => {
    const inside = unknown.filter(([first]) => first === i).map(([, ...rest]) => rest);
    return registry.faultsOfInput(definition, each, `/input/${i}`, inside);
  });
}
