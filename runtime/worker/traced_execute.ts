// Runs an attempt as a span, where spans are collected.

import { queueOf } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import type { Outcome } from "../core/transitions.ts";
import type { Tracing } from "../platform/tracing.ts";
import type { Attempt } from "./attempt.ts";
import { execute, type ExecuteOptions } from "./execute.ts";

export function executeTraced(
  attempt: Attempt,
  options: ExecuteOptions,
  tracing: Tracing | null,
): Promise<Outcome | null> {
  if (tracing === null) return execute(attempt, options);
  const { record } = attempt;
  const attributes = { "messaging.message.id": bare(record.id), "errand.attempt": record.attempt };
  const work = { name: record.task, queue: queueOf(record), attributes };
  return tracing.process(work, record.trace, async (traced) => {
    attempt.trace = traced.trace;
    const outcome = await execute(attempt, options);
    if (outcome?.kind === "failed" || outcome?.kind === "timed-out") {
      traced.failed(`${outcome.error.name}: ${outcome.error.message}`);
    }
    return outcome;
  });
}
