// Configuration from the environment: read once at start, every value checked, every mistake named.

import type { ApiKey } from "./auth/api_keys.ts";
import { isLoopback } from "./auth/loopback.ts";
import { TrustedProxies } from "./auth/trusted_proxies.ts";
import type { ServedQueues } from "./runtime/core/queue.ts";
import type { TraceRuns } from "./runtime/mod.ts";
import {
  checked,
  ConfigError,
  flag,
  optional,
  otherwise,
  type Rule,
  type Rules,
  text,
  whole,
  Wrong,
} from "./rules.ts";
import { type Role, RULES, type Settings } from "./settings.ts";

export { ConfigError };

/** The settings of a service, by the names of their variables. */
export interface Config {
  PORT: number;
  HOST?: string;
  MAX_CONNECTIONS: number;
  TRUSTED_PROXY?: TrustedProxies;
  KV_PATH?: string;
  ROLE: Role;
  CONCURRENCY: number;
  QUEUES?: ServedQueues;
  LEASE_MS: number;
  MAX_INPUT_BYTES: number;
  MAX_RESULT_BYTES: number;
  MAX_QUEUED: number;
  MAX_BODY_BYTES: number;
  MAX_WAITING: number;
  CALLER_SHARE: number;
  AUDIT_RETENTION_MS: number;
  FAILURE_RETENTION_MS: number;
  SHOW_STACKS: boolean;
  TRACE_RUNS?: TraceRuns;
  /** Unset: see {@linkcode stopGraceMsOf}. */
  STOP_GRACE_MS?: number;
  API_KEYS: readonly ApiKey[];
  CORS_ORIGINS: readonly string[];
  PUBLIC_URL?: string;
  DEMO_TASKS: boolean;
}

/** A day: whoever needs more wants another way to stop. */
const LONGEST_GRACE_MS = 24 * 60 * 60 * 1000;
const GRACE_MS = 30_000;
/** Deno Deploy ends an instance 5 s after it has told it to stop. */
const DEPLOY_GRACE_MS = 4_000;
function numberOf<Value>(rule: Rule<Value>): Rule<Value> {
  return (given) => rule(/^-?\d+$/.test(String(given)) ? Number(given) : given);
}

const FLAGS: Record<string, boolean> = { true: true, 1: true, false: false, 0: false };

function flagOf<Value>(rule: Rule<Value>): Rule<Value> {
  return (given) => rule(FLAGS[String(given)] ?? given);
}

const trustedProxy: Rule<TrustedProxies> = (given) => {
  const proxies = TrustedProxies.parse(String(given));
  return proxies instanceof TrustedProxies ? proxies : new Wrong(proxies);
};

const rules: Rules<Config> = {
  PORT: numberOf(otherwise(8_000, whole(0, 65_535))),
  HOST: optional(text),
  MAX_CONNECTIONS: numberOf(otherwise(12_000, whole(1, 1_000_000))),
  TRUSTED_PROXY: optional(trustedProxy),
  KV_PATH: optional(text),
  ROLE: RULES.role,
  CONCURRENCY: numberOf(RULES.concurrency),
  QUEUES: RULES.queues,
  LEASE_MS: numberOf(RULES.leaseMs),
  MAX_INPUT_BYTES: numberOf(RULES.maxInputBytes),
  MAX_RESULT_BYTES: numberOf(RULES.maxResultBytes),
  MAX_QUEUED: numberOf(RULES.maxQueued),
  MAX_BODY_BYTES: numberOf(RULES.maxBodyBytes),
  MAX_WAITING: numberOf(RULES.maxWaiting),
  CALLER_SHARE: numberOf(RULES.callerShare),
  AUDIT_RETENTION_MS: numberOf(RULES.auditRetentionMs),
  FAILURE_RETENTION_MS: numberOf(RULES.failureRetentionMs),
  SHOW_STACKS: flagOf(RULES.showStacks),
  TRACE_RUNS: RULES.traceRuns,
  STOP_GRACE_MS: numberOf(optional(whole(0, LONGEST_GRACE_MS))),
  API_KEYS: RULES.apiKeys,
  CORS_ORIGINS: RULES.corsOrigins,
  PUBLIC_URL: RULES.publicUrl,
  DEMO_TASKS: flagOf(otherwise(false, flag)),
};

/** What each variable is for: the text of `--help`. */
export const VARIABLES: Record<keyof Config, string> = {
  PORT: "port to listen on; 0 takes a free one (8000)",
  HOST: "address to listen on (127.0.0.1)",
  TRUSTED_PROXY:
    "proxies whose X-Forwarded-For tells where calls come from: addresses or networks, with commas between (none)",
  MAX_CONNECTIONS:
    "connections at a time, fewer where descriptors are fewer; more are refused with 503 (12000)",
  KV_PATH: "database: a file, :memory:, or the URL of a denokv server (./data/errand.kv)",
  ROLE: "all, web (submits and answers, runs nothing) or worker (runs, answers health checks only) (all)",
  CONCURRENCY: "functions that run at once (200)",
  QUEUES:
    "queues to take tasks from, as gpu,default:20; with a number, so many slots of their own, else those of CONCURRENCY (all)",
  LEASE_MS: "a worker without a heartbeat for this long is dead (10000)",
  MAX_INPUT_BYTES: "largest input, up to 16 MiB (1048576)",
  MAX_RESULT_BYTES: "largest result, up to 16 MiB (16777216)",
  MAX_QUEUED: "tasks that may wait for a worker; more are refused with 429 (1000000)",
  MAX_BODY_BYTES: "bytes of request bodies in memory at once; more are refused with 503 (134217728, 128 MiB)",
  MAX_WAITING: "streams and waits that may be open at once; more are refused with 429 (10000)",
  CALLER_SHARE:
    "percent of CONCURRENCY, MAX_QUEUED, MAX_BODY_BYTES and MAX_WAITING for one key or tenant where there are others (50)",
  AUDIT_RETENTION_MS:
    "how long it is kept who did what; 0 keeps and logs nothing of it (2592000000, 30 days)",
  FAILURE_RETENTION_MS: "how long FAILED and CRASHED tasks are kept (1209600000, 14 days)",
  SHOW_STACKS: "keep stacks of errors with tasks and show them to callers; the log has them anyway (false)",
  TRACE_RUNS:
    "where spans are collected: link, each attempt is a trace of its own; child, it is under the submit of its task (link; child on Deploy)",
  STOP_GRACE_MS:
    "running functions get this long after SIGINT or SIGTERM, 0 to 86400000 (30000; 4000 on Deploy)",
  PUBLIC_URL:
    "where callers reach it; links begin with its path (none; on Deno Deploy what the platform says)",
  API_KEYS: 'who may call, name:scope+scope:sha256 each; "deno task key" makes one (none: this machine only)',
  CORS_ORIGINS:
    "origins whose pages may call from a browser, as https://app.example.com, with commas between, or * (none)",
  DEMO_TASKS: "serve the demo tasks: add, countdown, digest, echo, fail, primes, sleep, tally (false)",
};

/** Read where they are needed. */
export const OTHER_VARIABLES = {
  DENO_KV_ACCESS_TOKEN: "access token of the denokv server at KV_PATH (none)",
  DIGEST_ROOT:
    "directory that the demo task digest reads files below, but no dotfiles and not the database (with DEMO_TASKS, here)",
};

/** @throws {ConfigError} with a line for each value that breaks its rule */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return checked(rules, env);
}

/** The same settings as options of `createErrand`. */
export function settingsOf(config: Config): Settings {
  return {
    role: config.ROLE,
    concurrency: config.CONCURRENCY,
    queues: config.QUEUES,
    leaseMs: config.LEASE_MS,
    maxInputBytes: config.MAX_INPUT_BYTES,
    maxResultBytes: config.MAX_RESULT_BYTES,
    maxQueued: config.MAX_QUEUED,
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxWaiting: config.MAX_WAITING,
    callerShare: config.CALLER_SHARE,
    auditRetentionMs: config.AUDIT_RETENTION_MS,
    failureRetentionMs: config.FAILURE_RETENTION_MS,
    showStacks: config.SHOW_STACKS,
    traceRuns: config.TRACE_RUNS,
    apiKeys: config.API_KEYS,
    corsOrigins: config.CORS_ORIGINS,
    publicUrl: config.PUBLIC_URL,
  };
}

/** True on Deno Deploy, the present one or the one before. */
export function isDeploy(env: Readonly<Record<string, string | undefined>>): boolean {
  return env.DENO_DEPLOYMENT_ID !== undefined || ["1", "true"].includes(env.DENO_DEPLOY ?? "");
}

/**
 * Without API keys whoever reaches the service may do everything, so only this machine may reach it.
 *
 * @throws {ConfigError} if others could
 */
export function requireKeys({ API_KEYS, CORS_ORIGINS, HOST }: Config, onDeploy: boolean): void {
  if (API_KEYS.length === 0 && CORS_ORIGINS.includes("*")) {
    throw new ConfigError(
      "CORS_ORIGINS must name its origins as long as API_KEYS has no entry: with * every page that is looked at on " +
        "this machine could do everything",
    );
  }
  if (API_KEYS.length > 0 || (!onDeploy && (HOST === undefined || isLoopback(HOST)))) return;
  const fault = onDeploy
    ? "API_KEYS must have an entry on Deno Deploy, where everybody can reach the service; it has none"
    : "HOST must be 127.0.0.1 (or another of 127.0.0.0/8), ::1 or localhost as long as API_KEYS has no entry; " +
      `it is ${JSON.stringify(HOST)}`;
  throw new ConfigError(
    `${fault}. "deno task key -- --name NAME --scopes admin" makes a key and the entry for API_KEYS`,
  );
}

/**
 * How long running functions may go on after a signal, in milliseconds.
 *
 * @throws {ConfigError} on Deno Deploy, which would not wait for more than its default
 */
export function stopGraceMsOf({ STOP_GRACE_MS }: Config, onDeploy: boolean): number {
  if (!onDeploy) return STOP_GRACE_MS ?? GRACE_MS;
  if (STOP_GRACE_MS === undefined || STOP_GRACE_MS <= DEPLOY_GRACE_MS) {
    return STOP_GRACE_MS ?? DEPLOY_GRACE_MS;
  }
  throw new ConfigError(
    `STOP_GRACE_MS must be at most ${DEPLOY_GRACE_MS} on Deno Deploy, which ends an instance 5 s after it has told it ` +
      `to stop; it is ${STOP_GRACE_MS}`,
  );
}

/** The database to open where the platform has none of its own. */
export function kvPathOf({ KV_PATH = "./data/errand.kv" }: Config): string {
  return KV_PATH;
}

/** What the program says of itself: its settings, one a line. */
export function serviceHelp(): string {
  const variables = Object.entries({ ...VARIABLES, ...OTHER_VARIABLES })
    .map(([name, text]) => `  ${name.padEnd(22)}${text}`);
  return `Errand: POST a task, get a durable future.

It takes no arguments but --help. Settings, from the environment (default):
${variables.join("\n")}`;
}
