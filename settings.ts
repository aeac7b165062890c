// What both the environment (config.ts) and the options of createErrand set: one rule and one default for
// each.

import { z } from "zod";
import { type ApiKey, parseApiKeys } from "./auth/api_keys.ts";
import { AUDIT_RETENTION_MS } from "./auth/audit_log.ts";
import { FAILURE_RETENTION_MS } from "./runtime/core/task.ts";

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
  /** Who may call. None: this machine only. */
  apiKeys: readonly ApiKey[];
  /** Origins whose pages may call it from a browser, as `https://app.example.com`, or `*`. Default none. */
  corsOrigins: readonly string[];
  /** Where callers reach it, as `https://example.com/jobs`: links in answers begin with its path. */
  publicUrl?: string;
}

function whole(min: number, max: number): z.ZodNumber {
  const error = "must be a whole number";
  return z.number({ error }).int({ error }).min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });
}

const apiKeys = z.unknown().optional().transform((given, context): readonly ApiKey[] => {
  if (Array.isArray(given) && given.every((key) => key?.hash instanceof Uint8Array)) return given;
  const text = given ?? "";
  if (typeof text !== "string") {
    context.addIssue({ code: "custom", message: "must be name:scope+scope:sha256 entries in one text" });
    return z.NEVER;
  }
  const { keys, faults } = parseApiKeys(text);
  for (const message of faults) context.addIssue({ code: "custom", message });
  return keys;
});

const ORIGIN_RULE = "must be origins such as https://app.example.com, with commas between, or *";

const corsOrigins = z.unknown().optional().transform((given, context): readonly string[] => {
  const listed = typeof given === "string"
    ? given.split(/[\s,]+/).filter((part) => part !== "")
    : given ?? [];
  const origins = Array.isArray(listed) ? listed.map(originOf) : [null];
  if (!origins.includes(null)) return origins as string[];
  context.addIssue({ code: "custom", message: ORIGIN_RULE });
  return z.NEVER;
});

/** An origin as browsers spell it; null if the text is none. */
function originOf(text: unknown): string | null {
  if (text === "*") return text;
  const match = /^([a-z][a-z0-9+.-]*):\/\/[^\s/?#@*]+\/?$/i.exec(String(text));
  const url = match && URL.parse(match[0]);
  if (!url) return null;
  // Of a scheme that the web does not know, an app's own, `origin` is "null".
  return url.origin === "null" ? `${url.protocol}//${url.host}` : url.origin;
}

/** The rule of each setting. */
export const RULES: { readonly [Name in keyof Settings]-?: z.ZodType<Settings[Name]> } = {
  role: z.enum(["all", "web", "worker"], { error: "must be all, web or worker" }).default("all"),
  concurrency: whole(1, 10_000).default(200),
  leaseMs: whole(300, LONGEST_LEASE_MS).default(10_000),
  maxInputBytes: whole(1_024, MOST_BYTES).default(2 ** 20),
  maxResultBytes: whole(1_024, MOST_BYTES).default(MOST_BYTES),
  maxQueued: whole(1, 1_000_000_000).default(1_000_000),
  maxBodyBytes: whole(2 ** 20, 2 ** 40).default(2 ** 27),
  maxWaiting: whole(1, 1_000_000).default(10_000),
  callerShare: whole(10, 100).default(50),
  auditRetentionMs: whole(0, LONGEST_RETENTION_MS).default(AUDIT_RETENTION_MS),
  failureRetentionMs: whole(0, LONGEST_RETENTION_MS).default(FAILURE_RETENTION_MS),
  showStacks: z.boolean({ error: "must be true or false" }).default(false),
  apiKeys,
  corsOrigins,
  publicUrl: z.url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .refine((url) => !/[?#]/.test(url), { error: "must have no query and no fragment" }).optional(),
};

/** A setting breaks its rule. The message names the setting, the rule and the value. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Their faults say themselves as much of the value as may be told. */
const SECRET = ["apiKeys", "API_KEYS"];

/** @throws {ConfigError} with a line for each value that breaks its rule */
export function checked<Output>(
  rules: z.ZodType<Output>,
  values: Readonly<Record<string, unknown>>,
): Output {
  const parsed = rules.safeParse(values);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return SECRET.includes(name) ? `${name} ${message}` : `${name} ${message}; it is ${shown(values[name])}`;
  });
  throw new ConfigError(lines.join("\n"));
}

function shown(value: unknown): string {
  return typeof value === "function" ? "a function" : JSON.stringify(value) ?? String(value);
}

/** The path that callers see before the service's own paths: nothing, or `/jobs`. */
export function publicPathOf({ publicUrl }: Pick<Settings, "publicUrl">): string {
  return publicUrl === undefined ? "" : new URL(publicUrl).pathname.replace(/\/+$/, "");
}
