// A task that waits for others, or is stored with those that wait for it, looks for a cached result when it
// starts: only then its input is known.

import { hitsOf } from "../commands/cached.ts";
import { lateCacheKey } from "../commands/unique/rule.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { Registry } from "../core/registry.ts";
import { tenantOf } from "../core/tenant.ts";
import type { Log } from "../platform/log.ts";
import type { Attempt } from "./attempt.ts";

interface AskOptions {
  registry: Registry;
  log: Log;
}

export interface Asked {
  /** The key of its result, where its record does not say it. */
  key: string | null;
  /** It has ended with the result of another task. */
  isServed: boolean;
}

/** @param input with the results that it refers to */
export async function askCache(
  attempt: Attempt,
  definition: AnyDefinition,
  input: unknown,
  options: AskOptions,
): Promise<Asked> {
  const { key: known, ttlMs, asks } = attempt.record.cache!;
  const late = known === undefined ? keyFor(attempt, definition, input, options) : null;
  const key = known ?? late;
  const isServed = asks === true && key !== null && await attempt.takeResult(async (store, now) => {
    const [source] = await hitsOf(store, [{ cache: { key, ttlMs, refresh: false } }], now);
    return source;
  });
  return { key: late, isServed };
}

/** Without a key it runs, and nobody takes its result. */
function keyFor(
  { record, name }: Attempt,
  definition: AnyDefinition,
  input: unknown,
  { registry, log }: AskOptions,
): string | null {
  try {
    return lateCacheKey(definition, tenantOf(record.id), input, registry);
  } catch (error) {
    log.error(`the cache key of task ${name.id} (${name.task}) could not be made`, error, name);
    return null;
  }
}
