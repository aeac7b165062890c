// What both the environment (config.ts) and the options of createErrand set: one rule and one default for
// each.

import { type ApiKey, parseApiKeys } from "./auth/api_keys.ts";
import { AUDIT_RETENTION_MS } from "./auth/audit_log.ts";
import { type ServedQueues, servedQueuesIn } from "./runtime/core/queue.ts";
import { FAILURE_RETENTION_MS } from "./runtime/core/task.ts";
import type { TraceRuns } from "./runtime/mod.ts";
import { flag, optional, otherwise, type Rule, type Rules, whole, Wrong } from "./rules.ts";

const LONGEST_RETENTION_MS = 366 * 24 * 60 * 60 * 1000;
const LONGEST_LEASE_MS = 60 * 60 * 1000;
const MOST_BYTES = 2 ** 24;

/** `web` submits and answers, and runs nothing; `worker` runs tasks, and answers health checks only. */
export type Role = "all" | "web" | "worker";

export interface Settings {
  /** Default `all`. */
  role: Role;
  /** Functions that run at once. Default 200. */
  concurrency: number;
  /**
   * The queues that it takes tasks from, as `gpu,default:20`: with a number, so many functions run at once
   * on slots of their own; the others share `concurrency`. Default: all, together.
   */
  queues?: ServedQueues;
  /** A worker without a heartbeat for this long is dead. Default 10,000. */
  leaseMs: number;
  /** Largest input, up to 16 MiB. Default 1 MiB. */
  maxInputBytes: number;
  /** Largest result, up to 16 MiB. Default 16 MiB. */
  maxResultBytes: number;
  /** Tasks that may wait for a worker; more are refused with 429. Default 1,000,000. */
  maxQueued: number;
  /**
   * Bytes of request bodies that may be in memory at once; more are refused with 503. Default 128 MiB; never
   * less than twice the largest body.
   */
  maxBodyBytes: number;
  /** Streams and waits that may be open at once; more are refused with 429. Default 10,000. */
  maxWaiting: number;
  /**
   * Percent of `concurrency`, `maxQueued`, `maxBodyBytes` and `maxWaiting` that one key or tenant may take,
   * where there are others and no quota says another number. Default 50.
   */
  callerShare: number;
  /**
   * How long it is kept who did what, in milliseconds, up to 366 days; 0: it is neither kept nor logged.
   * Default 30 days.
   */
  auditRetentionMs: number;
  /** How long FAILED and CRASHED tasks are kept, in milliseconds, up to 366 days. Default 14 days. */
  failureRetentionMs: number;
  /** Keep and show stacks of errors. Default false. */
  showStacks: boolean;
  /**
   * Where spans are collected: `link`, each attempt is a trace of its own, with a link to the submit of its
   * task; `child`, it is a span under that submit. Default `link`.
   */
  traceRuns?: TraceRuns;
  /** Who may call. None: this machine only. */
  apiKeys: readonly ApiKey[];
  /** Origins whose pages may call it from a browser, as `https://app.example.com`, or `*`. Default none. */
  corsOrigins: readonly string[];
  /** Where callers reach it, as `https://example.com/jobs`: links in answers begin with its path. */
  publicUrl?: string;
}

const apiKeys: Rule<readonly ApiKey[]> = (given = "") => {
  if (Array.isArray(given) && given.every((key) => key?.hash instanceof Uint8Array)) return given;
  if (typeof given !== "string") return new Wrong("must be name:scope+scope:sha256 entries in one text");
  const { keys, faults } = parseApiKeys(given);
  return faults.length > 0 ? new Wrong(...faults) : keys;
};

const queues: Rule<ServedQueues> = (given) => {
  const served = servedQueuesIn(given);
  return typeof served === "string" ? new Wrong(served) : served;
};

const ORIGIN_RULE = "must be origins such as https://app.example.com, with commas between, or *";

const corsOrigins: Rule<readonly string[]> = (given = []) => {
  const listed = typeof given === "string" ? given.split(/[\s,]+/).filter((part) => part !== "") : given;
  const origins = Array.isArray(listed) ? listed.map(originOf) : [null];
  return origins.includes(null) ? new Wrong(ORIGIN_RULE) : origins as string[];
};

/** An origin as browsers spell it; null if the text is none. */
function originOf(text: unknown): string | null {
  if (text === "*") return text;
  const match = /^([a-z][a-z0-9+.-]*):\/\/[^\s/?#@*]+\/?$/i.exec(String(text));
  const url = match && URL.parse(match[0]);
  if (!url) return null;
  // Of a scheme that the web does not know, an app's own, `origin` is "null".
  return url.origin === "null" ? `${url.protocol}//${url.host}` : url.origin;
}

const url: Rule<string> = (given) => {
  const text = typeof given === "string" ? given.trim() : "";
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return new Wrong("must be an http or https URL");
  return /[?#]/.test(text) ? new Wrong("must have no query and no fragment") : text;
};

const role: Rule<Role> = (given) => {
  const roles: readonly unknown[] = ["all", "web", "worker"] satisfies Role[];
  return roles.includes(given) ? given as Role : new Wrong("must be all, web or worker");
};

const traceRuns: Rule<TraceRuns> = (given) => {
  return given === "link" || given === "child" ? given : new Wrong("must be link or child");
};

/** The rule of each setting. */
export const RULES: Rules<Settings> = {
  role: otherwise("all", role),
  concurrency: otherwise(200, whole(1, 10_000)),
  queues: optional(queues),
  leaseMs: otherwise(10_000, whole(300, LONGEST_LEASE_MS)),
  maxInputBytes: otherwise(2 ** 20, whole(1_024, MOST_BYTES)),
  maxResultBytes: otherwise(MOST_BYTES, whole(1_024, MOST_BYTES)),
  maxQueued: otherwise(1_000_000, whole(1, 1_000_000_000)),
  maxBodyBytes: otherwise(2 ** 27, whole(2 ** 20, 2 ** 40)),
  maxWaiting: otherwise(10_000, whole(1, 1_000_000)),
  callerShare: otherwise(50, whole(10, 100)),
  auditRetentionMs: otherwise(AUDIT_RETENTION_MS, whole(0, LONGEST_RETENTION_MS)),
  failureRetentionMs: otherwise(FAILURE_RETENTION_MS, whole(0, LONGEST_RETENTION_MS)),
  showStacks: otherwise(false, flag),
  traceRuns: optional(traceRuns),
  apiKeys,
  corsOrigins,
  publicUrl: optional(url),
};

/** The path that callers see before the service's own paths: nothing, or `/jobs`. */
export function publicPathOf({ publicUrl }: Pick<Settings, "publicUrl">): string {
  return publicUrl === undefined ? "" : new URL(publicUrl).pathname.replace(/\/+$/, "");
}
