// The database of a service on this machine, for the commands that look at its file.

import { CommandError } from "../command_error.ts";
import { EXIT } from "../exit_codes.ts";
import type { Io } from "../io.ts";

/** The tables that Deno KV makes. */
const TABLES = ["kv", "queue"];

export function databasePath(given: string | undefined, { env }: Io): string {
  return given ?? env.KV_PATH ?? "./data/errand.kv";
}

/** @throws {CommandError} for what is no file that is there */
export async function requireFile(path: string): Promise<Deno.FileInfo> {
  if (path === ":memory:") throw new CommandError("the database is in memory: there is no file of it");
  if (/^https?:/.test(path)) {
    throw new CommandError(
      `the database is at ${path}: copy the file of that server, on its machine (denokv --sqlite-path)`,
    );
  }
  const info = await Deno.stat(path).catch(() => null);
  if (info?.isFile) return info;
  throw new CommandError(
    `there is no database ${path}; name it with --database or KV_PATH, or start the service once`,
    EXIT.notFound,
  );
}

/**
 * A connection that only reads: a service may have the file open.
 *
 * @throws {CommandError} if it is no database of Deno KV
 */
export async function openToRead(path: string) {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 10000");
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const names = tables.map(({ name }) => String(name));
    if (TABLES.every((name) => names.includes(name))) return database;
    throw new CommandError(`${path} is no database of Deno KV`);
  } catch (error) {
    database.close();
    if (error instanceof Error && /not a database/.test(error.message)) {
      throw new CommandError(`${path} is no database of Deno KV: it is no SQLite file`);
    }
    throw error;
  }
}

/**
 * What SQLite says of its pages: null if all of them are whole.
 *
 * @param check "integrity_check" looks at the order of the rows too
 */
export async function damageOf(
  path: string,
  check: "quick_check" | "integrity_check",
): Promise<string | null> {
  const database = await openToRead(path);
  try {
    const [row] = database.prepare(`PRAGMA ${check}(1)`).all();
    const found = String(row[check]);
    return found === "ok" ? null : found;
  } catch (error) {
    if (error instanceof Error && /malformed|corrupt/.test(error.message)) return error.message;
    throw error;
  } finally {
    database.close();
  }
}
