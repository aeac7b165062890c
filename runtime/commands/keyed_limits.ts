// The limits of a task whose definition computes their keys from the input.

import { concurrencyFor, concurrencySchema, limitsOfOption } from "../core/concurrency_option.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { Registry } from "../core/registry.ts";
import type { TaskLimit } from "../core/task.ts";

/**
 * A key that cannot be computed refuses the submit: without its limit the task might do harm.
 *
 * @param hasReferences then the function gets the input as it was submitted, references and all
 */
export function keyedLimits(
  registry: Registry,
  definition: AnyDefinition,
  input: unknown,
  hasReferences: boolean,
): { limits?: TaskLimit[]; fault?: string } {
  const { concurrency } = definition.keyed ?? {};
  if (concurrency === undefined) return {};
  const where = `concurrency of the definition "${definition.name}"`;
  let option;
  try {
    option = concurrencyFor(concurrency, hasReferences ? input : registry.parseInput(definition, input));
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    return { fault: `gives no key for ${where}: ${message}` };
  }
  if (option.length === 0) return {};
  const parsed = concurrencySchema().safeParse(option);
  if (parsed.success) return { limits: limitsOfOption(parsed.data) };
  const [{ path, message }] = parsed.error.issues;
  return { fault: `gives no valid ${where} (${path.join("/")}: ${message})` };
}
