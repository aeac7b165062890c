// The file of a database, apart from what SQLite does with it: whether it is one of ours and whole before it
// is opened, that nobody else may read it, and that it is still where it was. A file that is deleted or
// replaced takes commits as before, and all of them are gone with the process.

import { dirname, join } from "node:path";
import { DatabaseFileError, DatabaseGoneError } from "../core/errors.ts";
import type { Log } from "./log.ts";

/** For the owner alone. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const FOR_OTHERS = 0o077;
/** Larger files are not read through at each start: 300 MiB take 1.5 s. */
const MOST_BYTES_READ_THROUGH = 64 * 2 ** 20;
/** What Deno KV has made in each of its databases. */
const TABLES = ["kv", "queue", "migration_state"];
/** SQLite's own files beside it. */
const BESIDE = ["", "-wal", "-shm", "-journal"];

/**
 * Makes the file and its folder if they are not there, for their owner alone, and takes the rights of others
 * on an older one away.
 *
 * @throws {DatabaseFileError} for what is no database of Deno KV, or a damaged one
 */
export async function prepareFile(path: string, log: Log): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  const size = sizeOf(path);
  if (size === null) return await make(path);
  if (size > 0) await requireWhole(path, size);
  await tighten(path, log);
}

/** SQLite gives its own files beside it the rights of this one. */
async function make(path: string): Promise<void> {
  try {
    (await Deno.open(path, { createNew: true, write: true, mode: FILE_MODE })).close();
  } catch (error) {
    // Another process was first.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function sizeOf(path: string): number | null {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function requireWhole(path: string, size: number): Promise<void> {
  // Not by reading the file: to close it would take the locks of this process away from whoever has it open
  // here.
  const { DatabaseSync } = await import("node:sqlite");
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(path);
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
      .map(({ name }) => String(name));
    if (tables.length > 0 && !TABLES.every((name) => tables.includes(name))) {
      throw new DatabaseFileError(
        `${path} must be a database of Deno KV; it is one of another program, with the tables ` +
          `${tables.slice(0, 5).join(", ")}. Name a file of its own`,
      );
    }
    if (size > MOST_BYTES_READ_THROUGH) return;
    const [{ quick_check: found }] = database.prepare("PRAGMA quick_check(1)").all() as {
      quick_check: string;
    }[];
    if (found !== "ok") throw damaged(path, found);
  } catch (error) {
    if (error instanceof DatabaseFileError) throw error;
    const fault = faultOf(path, error);
    if (fault !== null) throw fault;
    // Locked, not to be written, or something that this release of Deno does not say here: whoever opens it
    // as a database finds out.
  } finally {
    database?.close();
  }
}

/** What SQLite says of a file that is no database, or no whole one; null for all else. */
export function faultOf(path: string, error: unknown): DatabaseFileError | null {
  const message = error instanceof Error ? error.message : String(error);
  if (/not a database/.test(message)) {
    return new DatabaseFileError(
      `${path} must be a database of Deno KV; it is no SQLite file. Name a file of its own`,
    );
  }
  return /malformed|corrupt/.test(message) ? damaged(path, message) : null;
}

function damaged(path: string, found: string): DatabaseFileError {
  return new DatabaseFileError(
    `${path} must be a whole database; it is damaged (${
      found.split("\n")[0]
    }). Put a backup in its place, or take ` +
      `what can be read out of it: sqlite3 ${path} .recover`,
  );
}

/** Only what is this user's own: others may have their reasons. */
async function tighten(path: string, log: Log): Promise<void> {
  for (const name of BESIDE) {
    if (await takeFromOthers(path + name, FILE_MODE) && name === "") {
      log.info(`others could read the database ${path}: from now on only its owner can`);
    }
  }
  if (!isOnlyFor(path)) return;
  if (await takeFromOthers(dirname(path), FOLDER_MODE)) {
    log.info(`others could look into the database's folder ${dirname(path)}: from now on only its owner can`);
  }
}

async function takeFromOthers(path: string, mode: number): Promise<boolean> {
  try {
    const info = Deno.statSync(path);
    if (info.mode === null || (info.mode & FOR_OTHERS) === 0 || info.uid !== Deno.uid()) return false;
    await Deno.chmod(path, info.mode & 0o777 & mode);
    return true;
  } catch {
    // Not there, or on a file system without such rights.
    return false;
  }
}

/** True of a folder with a name of its own in which nothing but this database lies. */
function isOnlyFor(path: string): boolean {
  const folder = dirname(path);
  if ([".", "/", ".."].includes(folder)) return false;
  try {
    return [...Deno.readDirSync(folder)].every(({ name }) => join(folder, name).startsWith(join(path)));
  } catch {
    return false;
  }
}

/** Knows one file again. */
export class DatabaseFile {
  readonly #ino: number | null;
  readonly #dev: number;

  /** @param path of a file that is open as a database */
  constructor(private readonly path: string, private readonly log: Log) {
    const { ino, dev } = Deno.statSync(path);
    [this.#ino, this.#dev] = [ino, dev];
  }

  #isGone = false;

  /** As of the last look. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** A look takes some microseconds. True if the file is no longer where it was. */
  look(): boolean {
    const was = this.#isGone;
    this.#isGone = !this.#isThere();
    if (was !== this.#isGone) {
      if (this.#isGone) {
        const error = new DatabaseGoneError(`${this.path} is no longer the file that is open`);
        this.log.error(
          "the database was deleted or replaced: put its file back, or stop and start again",
          error,
        );
      } else this.log.info(`the database ${this.path} is back`);
    }
    return this.#isGone;
  }

  #isThere(): boolean {
    // Windows lets nobody delete it, and numbers no files.
    if (this.#ino === null) return true;
    try {
      const { ino, dev } = Deno.statSync(this.path);
      return ino === this.#ino && dev === this.#dev;
    } catch {
      return false;
    }
  }
}
