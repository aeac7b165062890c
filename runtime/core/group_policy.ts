// What a caller may say of a group as a whole: what a failure of one of its tasks does to the others, and
// when all of it must have ended.

import { z } from "zod";
import { instant } from "./instant.ts";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";
import type { TaskRecord } from "./task.ts";

export const ON_FAILURE = ["continue", "cancel-rest", "cancel-all-and-fail"] as const;

export type OnFailure = typeof ON_FAILURE[number];

/** A policy of a group. A group without one lets its tasks go on, and ends when all of them have ended. */
export interface GroupOptions {
  /**
   * What a failure does, once there are more than `maxFailures`. `continue` (the default): nothing.
   * `cancel-rest`: what has not ended is cancelled, and the group ends FAILED when all of it has stopped.
   * `cancel-all-and-fail`: likewise, but the group is FAILED at once.
   */
  onFailure?: OnFailure;
  /** So many failures do no harm: they make the group neither stop nor end FAILED. Default 0. */
  maxFailures?: number;
  /** Not ended within this: what has not ended is cancelled, and the group ends FAILED. */
  timeoutMs?: number;
  /** Likewise at this instant, ISO 8601. Not together with `timeoutMs`. */
  deadlineAt?: string;
}

/** As it is stored. */
export interface GroupPolicy {
  onFailure: OnFailure;
  maxFailures?: number;
  /** Milliseconds since the epoch. */
  until?: number;
}

/** Why a group was stopped before all of its tasks had ended. */
export type StopCause = "failure" | "timeout" | "cancel";

export type GroupEndType = "COMPLETED" | "FAILED" | "CANCELLED";

/** A group, to those that waited for it. */
export interface EndedGroup {
  group: string;
  type: GroupEndType;
  /** The first task of it that did not complete, if it is there. */
  failed: TaskRecord | null;
}

/** As many as there are tasks in the largest group. */
const MOST_FAILURES = 100_000;
const YEAR_MS = 366 * 24 * 60 * 60 * 1000;

export const groupOptionsSchema = once((): z.ZodType<GroupOptions, GroupOptions> =>
  strictObject({
    onFailure: z.enum(ON_FAILURE).optional().describe(
      "What a failure does, once there are more than maxFailures. continue (the default): nothing. " +
        "cancel-rest: what has not ended is cancelled, and the group ends FAILED when all of it has stopped. " +
        "cancel-all-and-fail: likewise, but the group is FAILED at once.",
    ),
    maxFailures: z.int().min(0).max(MOST_FAILURES).optional()
      .describe("So many failures make the group neither stop nor end FAILED. Default 0."),
    timeoutMs: z.int().min(1).max(10 * YEAR_MS).optional()
      .describe("Not ended within this: what has not ended is cancelled, and the group ends FAILED."),
    deadlineAt: instant().optional().describe("Likewise at this instant. Not together with timeoutMs."),
  }).superRefine((options, context) => {
    if (options.timeoutMs === undefined || options.deadlineAt === undefined) return;
    const message = "not together with timeoutMs: they say the same";
    context.addIssue({ code: "custom", path: ["deadlineAt"], message });
  }).meta({ id: "GroupOptions", description: "A policy for the group as a whole." })
);

export function policyOf(
  { onFailure = "continue", maxFailures, timeoutMs, deadlineAt }: GroupOptions,
  now: number,
): GroupPolicy {
  const policy: GroupPolicy = { onFailure };
  if (maxFailures) policy.maxFailures = maxFailures;
  if (timeoutMs !== undefined) policy.until = now + timeoutMs;
  if (deadlineAt !== undefined) policy.until = Date.parse(deadlineAt);
  return policy;
}
