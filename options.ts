// The options of createErrand, and what is said of those that are wrong.

import { z } from "zod";
import type { ApiKey } from "./auth/api_keys.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { didYouMean } from "./runtime/core/nearest.ts";
import { type Clock, type Ids, KvPort, type Log } from "./runtime/mod.ts";
import { checked, ConfigError, RULES, type Settings } from "./settings.ts";

/** Definitions by any names, as `import * as tasks from "./tasks.ts"` has them, or in a list. */
export type DefinitionSet = Readonly<Record<string, AnyDefinition>> | readonly AnyDefinition[];

export interface ErrandOptions<D extends DefinitionSet = DefinitionSet>
  extends Partial<Omit<Settings, "apiKeys" | "corsOrigins">> {
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
const text = z.string().min(1, { error: "must not be empty" });

const isKv = (value: unknown): boolean => value instanceof KvPort || hasMethods(value, ["get", "atomic"]);

const schema = z.object({
  ...RULES,
  kv: z.union([text, z.custom<Deno.Kv | KvPort>(isKv)], {
    error: "must be a path, a URL, a Deno.Kv, or what openKv gave",
  }),
  keyPrefix: z.array(text, { error: "must be a list of texts" }).refine(
    (parts) => new TextEncoder().encode(parts.join("")).length <= LONGEST_PREFIX_BYTES,
    { error: `must have at most ${LONGEST_PREFIX_BYTES} bytes` },
  ).default(["errand"]),
  definitions: z.custom<DefinitionSet>((value) => typeof value === "object" && value !== null, {
    error: "must be an object or a list of what define() gave",
  }),
  openAccess: z.boolean({ error: "must be true or false" }).default(false),
  basePath: z.string().regex(/^(\/[^\s/?#]+)*$/, {
    error: 'must be a path like "/jobs", with no "/" at its end',
  })
    .default(""),
  pingMs: z.int({ error: "must be a whole number" }).min(100, { error: "must be at least 100" }).default(
    15_000,
  ),
  threads: z.int({ error: "must be a whole number" }).min(1, { error: "must be at least 1" }).optional(),
  log: z.custom<Log>((value) => hasMethods(value, ["info", "error"]), {
    error: "must have the methods info(message) and error(message, error)",
  }).optional(),
  clock: z.custom<Clock>().optional(),
  ids: z.custom<Ids>().optional(),
}).refine(({ openAccess, apiKeys }) => !(openAccess && apiKeys.length > 0), {
  path: ["openAccess"],
  error: "must not be true where there are apiKeys: they would never be asked for",
}).refine(
  ({ openAccess, apiKeys, corsOrigins }) => openAccess || apiKeys.length > 0 || !corsOrigins.includes("*"),
  {
    path: ["corsOrigins"],
    error:
      "must name its origins where there are no apiKeys: every page that is looked at here could do everything",
  },
);

export type CheckedOptions =
  & Required<Omit<ErrandOptions, "apiKeys" | "corsOrigins" | keyof Optional>>
  & Optional
  & Settings;
type Optional = Pick<ErrandOptions, "log" | "clock" | "ids" | "threads" | "publicUrl">;

/** @throws {ConfigError} with a line for each option that is unknown or breaks its rule */
export function checkedOptions(options: ErrandOptions): CheckedOptions {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const lines = unknown.map((name) => `${name} is no option of createErrand; ${didYouMean(name, known)}`);
    throw new ConfigError(lines.join("\n"));
  }
  return checked<CheckedOptions>(schema, options as unknown as Record<string, unknown>);
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
