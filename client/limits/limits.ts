// Limits by key: the rules that operators set, and how far each limit is used.

import type { CallOptions } from "../canvas/options.ts";
import type { Expected } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import type { Call } from "../transport/http.ts";

type LimitCall = Pick<CallOptions, "signal">;

/** So many units start in a period, up to `burst` of them at once after a pause. */
export interface Rate {
  limit: number;
  periodMs: number;
  burst: number;
}

/** What a rule says. `concurrency`, `rateLimit`, or both. */
export interface LimitRuleConfig {
  /** At most so many tasks with one key at once; 0 holds all. */
  concurrency?: number;
  /** `burst` is 1 if it is left out. */
  rateLimit?: Omit<Rate, "burst"> & { burst?: number };
  note?: string;
}

export interface LimitRule {
  pattern: string;
  concurrency: number | null;
  rateLimit: Rate | null;
  note: string | null;
  /** ISO 8601. */
  changedAt: string;
  changedBy: string | null;
}

/** A limit as it is now. */
export interface LimitStatus {
  key: string;
  /** Tasks with a slot: they run, or wait for a worker only. */
  running: number;
  /** Tasks that wait for a slot. */
  waiting: number;
  /** Null: nothing says how many. */
  concurrency: number | null;
  /** The pattern of the rule that says so; null where the last submit does, or nobody. */
  concurrencyRule: string | null;
  rateLimit: Rate | null;
  rateLimitRule: string | null;
  /** When a start of one unit is due, ISO 8601; null: now, or nothing limits the rate. */
  nextStartAt: string | null;
}

const has = (what: string, ...fields: string[]): Expected => ({
  what,
  is: (body) => typeof body === "object" && body !== null && fields.every((field) => field in body),
});

const A_RULE = has("a rule", "pattern", "changedAt");
const A_LIMIT = has("a limit", "key", "running", "waiting");
const LIMITS = has("limits", "rules", "limits", "nextAfter");

/** Calls about limits by key. */
export class Limits {
  constructor(private readonly connection: Connection) {}

  /**
   * Sets the rule for each key that the pattern matches. It acts at once on what waits.
   *
   * @throws {ValidationError} for a rule that the service does not take
   */
  async set(pattern: string, rule: LimitRuleConfig, options: LimitCall = {}): Promise<LimitRule> {
    return await this.#call("PUT", pattern, { body: rule, expects: A_RULE, ...options });
  }

  /** @throws {NotFoundError} if there is no rule with just this pattern */
  async remove(pattern: string, options: LimitCall = {}): Promise<void> {
    await this.#call("DELETE", pattern, { expects: null, ...options });
  }

  /** How many tasks with a key run and wait, and what limits them. */
  async get(key: string, options: LimitCall = {}): Promise<LimitStatus & { rule: LimitRule | null }> {
    return await this.#call("GET", key, { expects: A_LIMIT, ...options });
  }

  /** All rules, by their patterns. */
  async rules({ signal }: LimitCall = {}): Promise<LimitRule[]> {
    return (await this.#page("?limit=1", signal)).rules;
  }

  /** The limits that were used in the last hour, by their keys, read page by page. */
  async *list({ signal }: LimitCall = {}): AsyncGenerator<LimitStatus> {
    for (let after: string | null = "";;) {
      const query: string = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const page = await this.#page(`?limit=200${query}`, signal);
      yield* page.limits as LimitStatus[];
      after = page.nextAfter;
      if (after === null) return;
    }
  }

  async #page(query: string, signal?: AbortSignal) {
    const call: Call = { method: "GET", path: `/v1/limits${query}`, expects: LIMITS, signal };
    return (await this.connection.http.call(call)).body;
  }

  async #call(method: Call["method"], key: string, rest: Omit<Call, "method" | "path">) {
    const path = `/v1/limits/${encodeURIComponent(key)}`;
    return (await this.connection.http.call({ method, path, ...rest })).body;
  }
}
