// What people call a run: as its submit says, or else its definition, perhaps from the input.

import type { AnyDefinition } from "../core/define.ts";
import type { Registry } from "../core/registry.ts";
import { DISPLAY_NAME_RULE, isDisplayName, type Submission } from "../core/submission.ts";
import type { ReadInput } from "./check_input.ts";

/**
 * Undefined for none. Where the input has references, a function gets it as it was submitted.
 *
 * @param fault told of a name that could not be made
 */
export function displayNameOf(
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
