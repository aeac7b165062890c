// Configuration from the environment: read once at start, every value checked, every mistake named.

import { z } from "zod";
import { parseApiKeys } from "./auth/api_keys.ts";
import { isLoopback } from "./auth/loopback.ts";

const LONGEST_LEASE_MS = 60 * 60 * 1000;
const MOST_BYTES = 2 ** 24;

const whole = (min: number, max: number) =>
  z.string().regex(/^-?\d+$/, { error: "must be a whole number" }).transform(Number)
    .pipe(
      z.number().min(min, { error: `must be at least ${min}` }).max(max, { error: `must be at most ${max}` }),
    );

const flag = z.enum(["true", "false", "1", "0"], { error: "must be true or false" })
  .transform((value) => value === "true" || value === "1");

const apiKeys = z.string().transform((text, context) => {
  const { keys, faults } = parseApiKeys(text);
  for (const message of faults) context.addIssue({ code: "custom", message });
  return keys;
});

const schema = z.object({
  PORT: whole(0, 65_535).default(8_000),
  HOST: z.string().min(1, { error: "must not be empty" }).optional(),
  KV_PATH: z.string().min(1, { error: "must not be empty" }).optional(),
  ROLE: z.enum(["all", "web", "worker"], { error: "must be all, web or worker" }).default("all"),
  CONCURRENCY: whole(1, 10_000).default(200),
  LEASE_MS: whole(300, LONGEST_LEASE_MS).default(10_000),
  MAX_INPUT_BYTES: whole(1_024, MOST_BYTES).default(2 ** 20),
  MAX_RESULT_BYTES: whole(1_024, MOST_BYTES).default(MOST_BYTES),
  MAX_QUEUED: whole(1, 1_000_000_000).default(1_000_000),
  MAX_WAITING: whole(1, 1_000_000).default(10_000),
  SHOW_STACKS: flag.default(false),
  API_KEYS: apiKeys.default([]),
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
});

export type Config = z.output<typeof schema>;

/** What each variable is for: the text of `--help`. */
export const VARIABLES: Record<keyof Config, string> = {
  PORT: "port to listen on; 0 takes a free one (8000)",
  HOST: "address to listen on (127.0.0.1)",
  KV_PATH: "database: a file, :memory:, or the URL of a denokv server (./data/errand.kv)",
  ROLE: "all, web (submits and answers, runs nothing) or worker (runs, answers health checks only) (all)",
  CONCURRENCY: "functions that run at once (200)",
  LEASE_MS: "a worker without a heartbeat for this long is dead (10000)",
  MAX_INPUT_BYTES: "largest input, up to 16 MiB (1048576)",
  MAX_RESULT_BYTES: "largest result, up to 16 MiB (16777216)",
  MAX_QUEUED: "tasks that may wait for a worker; more are refused with 429 (1000000)",
  MAX_WAITING: "streams and waits that may be open at once; more are refused with 429 (10000)",
  SHOW_STACKS: "keep and show stacks of errors (false)",
  PUBLIC_URL: "on Deno Deploy: where the app is reached (learned from the first request)",
  API_KEYS: 'who may call, name:scope+scope:sha256 each; "deno task key" makes one (none: this machine only)',
};

/** Their faults say themselves as much of the value as may be told. */
const SECRET = ["API_KEYS"];

/** A variable breaks its rule. The message names the variable, the rule and the value. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** @throws {ConfigError} */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, env[name]]));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return SECRET.includes(name)
      ? `${name} ${message}`
      : `${name} ${message}; it is ${JSON.stringify(env[name])}`;
  });
  throw new ConfigError(lines.join("\n"));
}

/** True on Deno Deploy, the present one or the one before. */
export function isDeploy(env: Record<string, string | undefined>): boolean {
  return env.DENO_DEPLOYMENT_ID !== undefined || ["1", "true"].includes(env.DENO_DEPLOY ?? "");
}

/**
 * Without API keys everybody who reaches the service may do everything, so then only this machine may reach it.
 *
 * @throws {ConfigError} if others could
 */
export function requireKeys({ API_KEYS, HOST }: Config, onDeploy: boolean): void {
  if (API_KEYS.length > 0 || (!onDeploy && (HOST === undefined || isLoopback(HOST)))) return;
  const fault = onDeploy
    ? "API_KEYS must have an entry on Deno Deploy, where everybody can reach the service; it has none"
    : "HOST must be 127.0.0.1 (or another of 127.0.0.0/8), ::1 or localhost as long as API_KEYS has no entry; " +
      `it is ${JSON.stringify(HOST)}`;
  throw new ConfigError(
    `${fault}. "deno task key -- --name NAME --scopes admin" makes a key and the entry for API_KEYS`,
  );
}

/** The database to open where the platform has none of its own. */
export function kvPathOf({ KV_PATH = "./data/errand.kv" }: Config): string {
  return KV_PATH;
}
