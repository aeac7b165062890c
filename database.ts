// Opens a database that a program names.

import { type KvPort, type Log, openKv as openPort } from "./runtime/mod.ts";
import { ConfigError } from "./rules.ts";

/**
 * Opens a database: a file, whose folder is made if it is not there, `:memory:`, the URL of a KV Connect
 * server, or without a path the one of Deno Deploy.
 *
 * @param log is told what an operator should know, as that the file was deleted
 * @throws {ConfigError} if it cannot be opened
 */
export async function openKv(path?: string, log?: Log): Promise<KvPort> {
  if (typeof Deno.openKv !== "function") {
    throw new ConfigError('Deno KV must be switched on: "unstable": ["kv"] in deno.json, or --unstable-kv');
  }
  try {
    return await openPort(path, undefined, log);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the database ${path} cannot be opened: ${reason}`, { cause: error });
  }
}
