// What a task says for those who look at it: from its submit, and from its definition.

import type { AnyDefinition } from "../core/define.ts";
import type { Registry } from "../core/registry.ts";
import { DISPLAY_NAME_RULE, isDisplayName, type Submission } from "../core/submission.ts";
import type { ShownTerms } from "../core/shown_terms.ts";
import type { ReadInput } from "./check_input.ts";

/** @param fault told of a name that could not be made */
export function addShownTerms(
  to: ShownTerms & { submission: Submission },
  registry: Registry,
  definition: AnyDefinition,
  input: unknown,
  read: ReadInput,
  fault: (part: string, message: string) => void,
): void {
  const { options } = to.submission;
  const { version, redact, displayName, defaults } = definition;
  if (version !== undefined) to.version = version;
  if (redact !== undefined) to.redact = [...redact];
  if (displayName !== undefined || options?.displayName !== undefined) {
    to.displayName = displayNameOf(registry, definition, to.submission, input, read, fault);
  }
  if (options?.ignoreResult ?? defaults.ignoreResult) to.ignoreResult = true;
}

/** Only those that there are: a plain record says nothing of them. */
export function copyShownTerms(from: ShownTerms, to: ShownTerms): void {
  if (from.displayName !== undefined) to.displayName = from.displayName;
  if (from.version !== undefined) to.version = from.version;
  if (from.redact !== undefined) to.redact = from.redact;
  if (from.ignoreResult) to.ignoreResult = true;
}

/**
 * Undefined for none. Where the input has references, a function gets it as it was submitted.
 *
 * @param fault told of a name that could not be made
 */
function displayNameOf(
  registry: Registry,
  definition: AnyDefinition,
  { options, chunk }: Submission,
  input: unknown,
  read: ReadInput,
  fault: (part: string, message: string) => void,
): string | undefined {
  const said = options?.displayName ?? definition.displayName;
  if (typeof said !== "function") return said;
  // A chunk is the inputs of several tasks: what its definition says of one input is not about it.
  if (read.faults.length > 0 || chunk) return undefined;
  const what = `the displayName that definition "${definition.name}" makes of it`;
  try {
    const made = said({ input: read.special ? input : registry.parseInput(definition, input) });
    if (made === null || made === undefined || isDisplayName(made)) return made ?? undefined;
    fault("/input", `${what} ${DISPLAY_NAME_RULE}`);
  } catch (error) {
    fault("/input", `${what} could not be made: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}
