// Opens a database that a program names.

import { dirname } from "node:path";
import { isRemote, type KvPort, openKv as openPort } from "./runtime/mod.ts";
import { ConfigError } from "./settings.ts";

/**
 * Opens a database: a file, whose folder is made if it is not there, `:memory:`, the URL of a KV Connect
 * server, or without a path the one of Deno Deploy.
 *
 * @throws {ConfigError} if it cannot be opened
 */
export async function openKv(path?: string): Promise<KvPort> {
  if (typeof Deno.openKv !== "function") {
    throw new ConfigError('Deno KV must be switched on: "unstable": ["kv"] in deno.json, or --unstable-kv');
  }
  try {
    if (path !== undefined && path !== ":memory:" && !isRemote(path)) {
      await Deno.mkdir(dirname(path), { recursive: true });
    }
    return await openPort(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the database ${path} cannot be opened: ${reason}`, { cause: error });
  }
}
