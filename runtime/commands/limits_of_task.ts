// The limits by key of a task: those of its submit, or else those that its definition computes from the
// input.

import { z } from "zod";
import type { AnyDefinition } from "../core/define.ts";
import { turnsOf } from "../core/fairness.ts";
import {
  concurrencySchema,
  fairnessSchema,
  type Keyed,
  keyedFor,
  limitsOfOption,
  type OneOrMore,
  rateLimitSchema,
  ratesOfOption,
} from "../core/limit_options.ts";
import type { SubmitOptions } from "../core/submission.ts";
import type { Registry } from "../core/registry.ts";
import type { TaskLimit, TaskRate } from "../core/limit_terms.ts";
import type { ReadInput } from "./check_input.ts";

export interface LimitsOfTask {
  limits?: TaskLimit[];
  rates?: TaskRate[];
  /** Why the definition's could not be computed. */
  fault?: string;
}

/**
 * A key that cannot be computed refuses the submit: without its limit the task might do harm. Where the input
 * has references, the functions get it as it was submitted.
 */
export function limitsOf(
  registry: Registry,
  definition: AnyDefinition,
  said: SubmitOptions = {},
  input: unknown,
  read: ReadInput,
): LimitsOfTask {
  let { concurrency, rateLimit, fairness } = said;
  const { keyed } = definition;
  if (keyed !== undefined && read.faults.length === 0) {
    const parsed = () => read.special ? input : registry.parseInput(definition, input);
    try {
      concurrency ??= computed(concurrencySchema(), keyed.concurrency, parsed);
      rateLimit ??= computed(rateLimitSchema(), keyed.rateLimit, parsed);
      fairness ??= [computed(z.array(fairnessSchema()), keyed.fairness, parsed) ?? []].flat()[0];
    } catch (error) {
      const { message } = error instanceof Error ? error : new Error(String(error));
      return { fault: `gives no key for the limits of the definition "${definition.name}": ${message}` };
    }
  }
  const limits = concurrency ? limitsOfOption(concurrency) : [];
  const priority = said.priority ?? definition.defaults.priority ?? 0;
  if (fairness !== undefined) limits.push(turnsOf(fairness, priority));
  return {
    limits: limits.length === 0 ? undefined : limits,
    rates: rateLimit && ratesOfOption(rateLimit),
  };
}

function computed<Option extends { key: string }>(
  schema: z.ZodType<OneOrMore<Option>>,
  keyed: OneOrMore<Keyed<Option, unknown>> | undefined,
  input: () => unknown,
): OneOrMore<Option> | undefined {
  const options = keyed === undefined ? [] : keyedFor(keyed, input());
  if (options.length === 0) return undefined;
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new RangeError(`${path.join("/")}: ${message}`);
}
