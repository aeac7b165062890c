// Writes the outcome of an attempt, and keeps it in memory while the database is away.

import { NewerRecordError } from "../core/errors.ts";
import type { Outcome } from "../core/transitions.ts";
import { sleep } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import type { Attempt } from "./attempt.ts";

const RETRY_AFTER_MS = 100;
const RETRY_AFTER_AT_MOST_MS = 5_000;

export interface SettlementOptions {
  values: Values;
  log: Log;
  /** True once the worker stops: then a failed write is not repeated. */
  isStopping: () => boolean;
}

/** Returns false if the outcome could not be written before the worker stopped, or by this release. */
export async function settle(
  store: Store,
  attempt: Attempt,
  outcome: Outcome,
  { values, log, isStopping }: SettlementOptions,
): Promise<boolean> {
  let isReplaced = false;
  for (let pauseMs = RETRY_AFTER_MS;; pauseMs = Math.min(2 * pauseMs, RETRY_AFTER_AT_MOST_MS)) {
    try {
      await write(attempt, outcome, values);
      return true;
    } catch (error) {
      log.error(`the outcome of task ${attempt.id} could not be written`, error);
      if (isStopping() || error instanceof NewerRecordError) return false;
      if (error instanceof RangeError && !isReplaced) {
        isReplaced = true;
        outcome = tooLargeToKeep(error);
      } else await sleep(store.clock, pauseMs);
    }
  }
}

async function write(attempt: Attempt, outcome: Outcome, values: Values): Promise<void> {
  const isWritten = await attempt.settle(outcome);
  const { record } = attempt;
  if (outcome.kind === "replaced") {
    const isKept = isWritten && record.replacement?.flow === outcome.flow;
    if (!isKept) await values.discard(attempt.id, outcome.flow);
  }
  if (outcome.kind !== "completed") return;
  const isKept = isWritten && record.result === outcome.result;
  if (!isKept) await values.discard(attempt.id, outcome.result);
}

/** KV would refuse the same record again. */
function tooLargeToKeep({ message }: RangeError): Outcome {
  return { kind: "failed", error: { name: "RecordTooLarge", message, retryable: false } };
}
