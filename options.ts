// The options of createErrand, and what is said of those that are wrong.

import type { ApiKey } from "./auth/api_keys.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { didYouMean } from "./runtime/core/nearest.ts";
import type { ServedQueues } from "./runtime/core/queue.ts";
import { type Clock, type Ids, KvPort, type Log } from "./runtime/mod.ts";
import {
  checked,
  ConfigError,
  faultLine,
  flag,
  optional,
  otherwise,
  type Rule,
  type Rules,
  text,
  whole,
  Wrong,
} from "./rules.ts";
import { RULES, type Settings } from "./settings.ts";

/** Definitions by any names, as `import * as tasks from "./tasks.ts"` has them, or in a list. */
export type DefinitionSet = Readonly<Record<string, AnyDefinition>> | readonly AnyDefinition[];

export interface ErrandOptions<D extends DefinitionSet = DefinitionSet>
  extends Partial<Omit<Settings, "apiKeys" | "corsOrigins" | "queues">> {
  /**
   * The queues that it takes tasks from, as `gpu,default:20` or `[{ name: "default", slots: 20 }]`: with a
   * number, so many functions run at once on slots of their own; the others share `concurrency`. Default:
   * all, together.
   */
  queues?: string | ServedQueues;
  /**
   * Where tasks are kept. A path, `:memory:` or the URL of a KV Connect server: Errand opens it, and closes
   * it at `stop`. What `openKv` gave is used as it is and left open. So is a `Deno.Kv` of your own, of a
   * file, of memory or of a server; there all keys of Errand begin with `keyPrefix`, so that yours and its
   * do not meet, and KV queues, which would be shared with you, are not used. A path is faster: Errand then
   * reads beside its writes.
   */
  kv: string | Deno.Kv | KvPort;
  /**
   * What Errand's keys in a `Deno.Kv` of your own begin with, at most 40 bytes. Default `["errand"]`. `[]`
   * for a database that was opened by its path before, or is by another program of Errand.
   */
  keyPrefix?: readonly string[];
  /** What can be submitted: what `define` gave, in an object or a list. */
  definitions: D;
  /** API keys as `deno task key` prints them: `name:scope+scope:sha256`, with commas between them. */
  apiKeys?: string | readonly ApiKey[];
  /**
   * Origins whose pages may call the routes from a browser, as `https://app.example.com`, with commas between
   * them or in a list; `*` for all, where there are keys. Default none.
   */
  corsOrigins?: string | readonly string[];
  /**
   * True: whoever reaches the routes may do everything. For a program that looks at its callers itself.
   * Default false: they need an API key, or without any keys to be on this machine.
   */
  openAccess?: boolean;
  /**
   * The path below which `fetch` gets its requests, as `/jobs`. `routes` finds out by itself. Default none.
   */
  basePath?: string;
  /** Milliseconds between comments on an idle stream. Default 15,000. */
  pingMs?: number;
  /** Worker threads that run at once. Default: one for each core. */
  threads?: number;
  /** Where Errand says what no caller is there to hear. Default: nowhere. */
  log?: Log;
  /** For tests: another clock. */
  clock?: Clock;
  /** For tests: another source of ids. */
  ids?: Ids;
}

const LONGEST_PREFIX_BYTES = 40;

const kv: Rule<ErrandOptions["kv"]> = (given) => {
  if (typeof given === "string") return text(given);
  const isKv = given instanceof KvPort || hasMethods(given, ["get", "atomic"]);
  return isKv
    ? given as Deno.Kv | KvPort
    : new Wrong("must be a path, a URL, a Deno.Kv, or what openKv gave");
};

const keyPrefix: Rule<readonly string[]> = (given) => {
  if (!Array.isArray(given) || !given.every((part) => typeof part === "string" && part !== "")) {
    return new Wrong("must be a list of texts");
  }
  const isShort = new TextEncoder().encode(given.join("")).length <= LONGEST_PREFIX_BYTES;
  return isShort ? given : new Wrong(`must have at most ${LONGEST_PREFIX_BYTES} bytes`);
};

const definitions: Rule<DefinitionSet> = (given) => {
  const isSet = typeof given === "object" && given !== null;
  return isSet ? given as DefinitionSet : new Wrong("must be an object or a list of what define() gave");
};

const basePath: Rule<string> = (given) => {
  const isPath = typeof given === "string" && /^(\/[^\s/?#]+)*$/.test(given);
  return isPath ? given : new Wrong('must be a path like "/jobs", with no "/" at its end');
};

const log: Rule<Log> = (given) => {
  if (hasMethods(given, ["info", "error"])) return given as unknown as Log;
  return new Wrong("must have the methods info(message) and error(message, error)");
};

const rules: Rules<CheckedOptions> = {
  ...RULES,
  kv,
  keyPrefix: otherwise(["errand"], keyPrefix),
  definitions,
  openAccess: otherwise(false, flag),
  basePath: otherwise("", basePath),
  pingMs: otherwise(15_000, whole(100)),
  threads: optional(whole(1)),
  log: optional(log),
  clock: (given) => given as Clock | undefined,
  ids: (given) => given as Ids | undefined,
};

export type CheckedOptions =
  & Required<Omit<ErrandOptions, "apiKeys" | "corsOrigins" | "queues" | keyof Optional>>
  & Optional
  & Settings;
type Optional = Pick<
  ErrandOptions,
  "log" | "clock" | "ids" | "threads" | "publicUrl" | "queues" | "traceRuns"
>;

/** @throws {ConfigError} with a line for each option that is unknown or breaks its rule */
export function checkedOptions(options: ErrandOptions): CheckedOptions {
  const known = Object.keys(rules);
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const lines = unknown.map((name) => `${name} is no option of createErrand; ${didYouMean(name, known)}`);
    throw new ConfigError(lines.join("\n"));
  }
  const values = checked(rules, options as unknown as Record<string, unknown>);
  const { openAccess, apiKeys, corsOrigins } = values;
  if (openAccess && apiKeys.length > 0) {
    const message = "must not be true where there are apiKeys: they would never be asked for";
    throw new ConfigError(faultLine("openAccess", message, true));
  }
  if (!openAccess && apiKeys.length === 0 && corsOrigins.includes("*")) {
    const message =
      "must name its origins where there are no apiKeys: every page that is looked at here could do everything";
    throw new ConfigError(faultLine("corsOrigins", message, options.corsOrigins));
  }
  return values;
}

/** @throws {ConfigError} if something in it is no definition */
export function definitionsIn(set: DefinitionSet): AnyDefinition[] {
  for (const [name, value] of Object.entries(set)) {
    if (hasMethods(value, ["handler"]) && hasMethods(value.input, ["safeParse"])) continue;
    throw new ConfigError(
      `definitions must hold what define() gave; "${name}" is ${
        value === null ? "null" : `a ${typeof value}`
      }`,
    );
  }
  return Object.values(set);
}

function hasMethods(value: unknown, names: string[]): boolean {
  return typeof value === "object" && value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}
