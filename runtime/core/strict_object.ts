// Objects that take no fields but their own, and say of any other where it belongs, which one was meant, or
// which there are.

import { z } from "zod";
import { didYouMean, likely } from "./nearest.ts";

/** Fields of other places that may be put here by mistake, with where they belong: `in options`. */
export type Elsewhere = Readonly<Record<string, string>>;

/**
 * `z.strictObject` with a remedy in its message.
 *
 * @param list where a list belongs that is given in place of the object: `in "ids"`
 */
export function strictObject<Shape extends z.ZodRawShape>(
  shape: Shape,
  elsewhere: Elsewhere = {},
  list?: string,
): z.ZodObject<Shape, z.core.$strict> {
  const error = unknownFields(elsewhere, list);
  return z.strictObject(shape, { error }) as z.ZodObject<Shape, z.core.$strict>;
}

/**
 * The error of a strict object: a line for each field that it does not know. Other issues keep their own
 * message.
 */
export function unknownFields(elsewhere: Elsewhere = {}, list?: string): z.core.$ZodErrorMap {
  return (issue) => {
    if (list !== undefined && issue.code === "invalid_type" && Array.isArray(issue.input)) {
      return `must be an object; a list belongs ${list}`;
    }
    if (issue.code !== "unrecognized_keys") return undefined;
    const { shape } = (issue.inst as z.ZodObject).def;
    const known = Object.keys(shape);
    return issue.keys.slice(0, MOST_TOLD).map((key: string) =>
      `unknown field; ${remedyOf(key, known, elsewhere)}`
    ).join("\n");
  };
}

/** Unknown fields that are told of. */
const MOST_TOLD = 50;

/** What other systems call our fields. Of several it is the first that the object has. */
const ELSEWHERE_CALLED: Readonly<Record<string, readonly string[]>> = {
  args: ["input"],
  arguments: ["input"],
  data: ["input"],
  kwargs: ["input"],
  params: ["input"],
  payload: ["input"],
  name: ["displayName", "task"],
  shadow: ["displayName"],
  task_run_name: ["displayName"],
  task_id: ["id"],
  jobId: ["id"],
  headers: ["metadata"],
  countdown: ["delayMs"],
  eta: ["runAt"],
  expires: ["expiresAt"],
  time_limit: ["timeoutMs"],
  timeout_seconds: ["timeoutMs"],
  soft_time_limit: ["softTimeoutMs"],
  wait_for: ["waitFor"],
  depends_on: ["waitFor"],
  max_retries: ["maxAttempts", "retry"],
  retries: ["maxAttempts", "retry"],
  backoff: ["retry", "delayMs"],
  default_retry_delay: ["retry", "delayMs"],
  retry_backoff: ["retry", "delayMs"],
  retry_delay_seconds: ["retry", "delayMs"],
  autoretry_for: ["retry", "on"],
  cache_policy: ["cache"],
  cache_key_fn: ["cache", "key"],
  cache_expiration: ["cache", "ttlMs"],
  rate_limit: ["rateLimit"],
  ignore_result: ["ignoreResult"],
  maxDegreeOfParallelism: ["maxConcurrent"],
};

function remedyOf(field: string, known: string[], elsewhere: Elsewhere): string {
  const names = Object.hasOwn(ELSEWHERE_CALLED, field) ? ELSEWHERE_CALLED[field] : [];
  const ours = names.find((name) => known.includes(name)) ??
    names.find((name) => Object.hasOwn(elsewhere, name));
  if (ours !== undefined && known.includes(ours)) return `here it is called "${ours}"`;
  if (ours !== undefined) {
    return `here it is called "${ours}" and belongs ${elsewhere[ours]}`;
  }
  if (Object.hasOwn(elsewhere, field)) return `${field} belongs ${elsewhere[field]}`;
  const [there] = likely(field, known).length > 0 ? [] : likely(field, Object.keys(elsewhere));
  if (there !== undefined) return `did you mean "${there}"? It belongs ${elsewhere[there]}`;
  return didYouMean(field, known);
}
