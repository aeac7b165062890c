// What a submit may say of retries.

import { z } from "zod";
import { COMPUTED, type ErrorMatch, type RetryPolicy } from "./retry.ts";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";

const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
const MOST_MATCHES = 20;
const MOST_PAUSES = 50;

const ms = () => z.int().min(0).max(YEAR_MS);

const matches = once((): z.ZodType<ErrorMatch[], ErrorMatch[]> => {
  const status = z.union([
    z.int().min(100).max(599),
    z.string().regex(/^[1-5]xx$/, { error: 'must be a status from 100 to 599, or a class of them as "5xx"' }),
  ]);
  return z.array(z.union([z.string().min(1).max(100), strictObject({ status })])).min(1).max(MOST_MATCHES);
});

export const retryShape = once(() => ({
  maxAttempts: z.int().min(1).max(1_000),
  delayMs: ms(),
  factor: z.number().min(1).max(100),
  maxDelayMs: ms(),
  jitter: z.boolean(),
  delaysMs: z.array(ms()).min(1).max(MOST_PAUSES).describe(
    "The pauses themselves; the last one is repeated. Not together with delayMs, factor and maxDelayMs. " +
      "Without maxAttempts there are as many retries as pauses, and without jitter no jitter.",
  ),
  on: matches().describe('Only after errors of these names, or {"status": 503} or {"status": "5xx"}.'),
  notOn: matches().describe("Not after errors like these."),
  untilMs: ms().describe("No attempt begins so long after the first one, or after a retry on request."),
}));

export const retrySchema = once((): z.ZodType<Partial<RetryPolicy>, Partial<RetryPolicy>> =>
  strictObject(
    retryShape(),
  ).partial().superRefine((policy, context) => {
    if (policy.delaysMs === undefined) return;
    for (const field of COMPUTED) {
      if (policy[field] === undefined) continue;
      const message = `not together with delaysMs: they say the same`;
      context.addIssue({ code: "custom", path: [field], message });
    }
  }).meta({
    id: "RetryPolicy",
    description:
      "When a failed attempt is tried again: after delayMs * factor ** n, at most maxDelayMs; with jitter " +
      "evenly spread between 0 and that. Defaults: one attempt, 1000, 2, 60000, true.",
  })
);
