// deno-lint-ignore-file no-console -- this is a command
// `deno task vacuum`: gives the free space of a database file back to the disk. The database itself keeps
// free space for new tasks.

import { DatabaseSync } from "node:sqlite";
import { commandLine, endOnUsageError, UsageError } from "./command_line.ts";

const HELP = `Shrink the database file of a service that is stopped.

  deno task vacuum -- [FILE]

  FILE  the database; without it that of KV_PATH, and else ./data/errand.kv

It writes the file anew, so the disk must have as much room as the tasks that are left take.
Exit code: 0, 1 if the file is in use or damaged, or 2 if it is no database of Errand.`;

const MIB = 2 ** 20;

export class InUseError extends Error {}

export interface Shrunk {
  /** Bytes, with the files beside it. */
  before: number;
  after: number;
}

/**
 * @throws {UsageError} if it is no database file of Deno KV
 * @throws {InUseError} while a process has it open
 */
export function vacuum(path: string): Shrunk {
  if (path === ":memory:" || /^https?:/.test(path)) {
    throw new UsageError(`only a file can be shrunk; the database is ${path}`);
  }
  const before = sizeOf(path);
  if (before === null) throw new UsageError(`there is no file ${path}`);
  const database = new DatabaseSync(path);
  try {
    // Fails while another process has the file open. From then on no other process can open it.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    const isKv = database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name IN ('kv', 'queue')");
    if (isKv.get()?.n !== 2) throw new UsageError(`${path} is no database of Deno KV`);
    database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (/locked|busy/.test(error.message)) throw new InUseError(`${path} is in use: stop the service first`);
    if (/not a database/.test(error.message)) throw new UsageError(`${path} is no database of Deno KV`);
    throw error;
  } finally {
    database.close();
  }
  return { before, after: sizeOf(path)! };
}

/** Null if there is no such file. */
function sizeOf(path: string): number | null {
  const sizes = [path, `${path}-wal`].map((file) => {
    try {
      const { isFile, size } = Deno.statSync(file);
      return isFile ? size : null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
      throw error;
    }
  });
  return sizes[0] === null ? null : sizes[0] + (sizes[1] ?? 0);
}

if (import.meta.main) {
  try {
    const { operands: [path, ...others] } = commandLine({ options: {}, takesOperands: true, help: HELP });
    if (others.length > 0) throw new UsageError("one file at a time");
    const { before, after } = vacuum(path ?? Deno.env.get("KV_PATH") ?? "./data/errand.kv");
    console.log(`${(before / MIB).toFixed(1)} MiB before, ${(after / MIB).toFixed(1)} MiB now`);
  } catch (error) {
    if (!(error instanceof InUseError)) endOnUsageError(error);
    console.error(error.message);
    Deno.exit(1);
  }
}
