// Checks the input of a task against the schema of its definition.

import type { AnyDefinition } from "../core/define.ts";
import { type Fault, TooLargeError } from "../core/errors.ts";
import { NotJsonError, toJsonText, utf8Bytes } from "../core/json.ts";
import { findReferences, mayHaveReferences, type Reference, resolveReferences } from "../core/references.ts";
import type { Registry } from "../core/registry.ts";

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
  let text: string;
  try {
    text = toJsonText(value);
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    const faults = [{ pointer: "/input", message: error.message }];
    return { text: "null", references: [], special: false, faults };
  }
  if (!mayHaveReferences(text)) return { text, references: [], special: false, faults: [] };
  return { text, ...findReferences(value, "/input") };
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
 * The second half of {@linkcode checkInput}: of a long input each half takes long.
 *
 * @throws {TooLargeError}
 */
export function checkRead(
  registry: Registry,
  definition: AnyDefinition,
  value: unknown,
  read: ReadInput,
  { maxInputBytes, locate, chunk = false }: InputRules,
): ReadInput {
  const { text, references, special, faults } = read;
  if (faults.length > 0 && !special) return read;
  // A UTF-16 unit takes three bytes at the most, so short texts need no counting.
  if (text.length * 3 > maxInputBytes) {
    const bytes = utf8Bytes(text);
    if (bytes > maxInputBytes) {
      throw new TooLargeError(locate("/input"), "the input", bytes, maxInputBytes, "MAX_INPUT_BYTES");
    }
  }
  const paths = references.map(({ path }) => path);
  // What a reference stands for is not known yet: the complete input is checked before its function starts.
  const shown = special ? resolveReferences(value, () => null) : value;
  return { ...read, faults: [...faults, ...faultsOfValue(registry, definition, shown, paths, chunk)] };
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
