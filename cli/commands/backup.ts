// `errand backup`: a copy of the database file as it is at one instant, while a service uses it. The copy has
// its name once it has been checked: page by page, and record by record with the engine's own reader.

import { basename, join } from "node:path";
import { inspectDatabase, type Inspection, openKv } from "../../runtime/mod.ts";
import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import { span } from "../output/times.ts";
import type { Session } from "../session.ts";
import { damageOf, databasePath, openToRead, requireFile } from "./database_file.ts";

const MIB = 2 ** 20;
/** SQLite's own files beside a database. */
const BESIDE = ["", "-wal", "-shm", "-journal"];

export async function backup(
  session: Session,
  given: string,
  { database }: { database?: string },
): Promise<ExitCode> {
  const since = performance.now();
  const source = databasePath(database, session.io);
  await requireFile(source);
  const target = await targetOf(given, source, session.io.now());
  const partial = `${target}.${crypto.randomUUID()}.partial`;
  try {
    await copy(source, partial);
    const found = await checked(partial);
    const { size: bytes } = await Deno.stat(partial);
    await publish(partial, target);
    const told = { file: target, bytes, ...found, tookMs: Math.round(performance.now() - since) };
    if (session.isJson) session.json(told);
    else {
      const size = `${(bytes / MIB).toFixed(1)} MiB`;
      session.line(`${target}: ${found.tasks} tasks, ${size}, copied and checked in ${span(told.tookMs)}`);
    }
    return EXIT.done;
  } finally {
    await removeAll(partial);
  }
}

/** In a folder it is named after the database and the time. */
async function targetOf(given: string, source: string, now: number): Promise<string> {
  const info = await Deno.stat(given).catch(() => null);
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(":", "-");
  const target = info?.isDirectory ? join(given, `${basename(source)}-${time}Z`) : given;
  if (info === null || info.isDirectory && await Deno.lstat(target).catch(() => null) === null) return target;
  throw new CommandError(
    `${target} is there already: nothing is overwritten. Name another file, or a folder`,
  );
}

/** For its owner alone, as the database. */
async function copy(source: string, to: string): Promise<void> {
  await Deno.open(to, { write: true, createNew: true, mode: 0o600 }).then((file) => file.close(), (error) => {
    throw new CommandError(`the copy cannot be written: ${(error as Error).message}`, EXIT.fault);
  });
  const database = await openToRead(source);
  try {
    // One read transaction: all that was committed when it began, and nothing behind that. Writers go on.
    database.prepare("VACUUM INTO ?").run(to);
  } catch (error) {
    if (!(error instanceof Error) || !/malformed|corrupt/.test(error.message)) throw error;
    throw new CommandError(
      `${source} is damaged (${error.message}); no backup was made. What can be read of it: ` +
        `sqlite3 ${source} .recover`,
      EXIT.fault,
    );
  } finally {
    database.close();
  }
}

/** @throws {CommandError} if it is not whole */
async function checked(path: string): Promise<Inspection> {
  const damage = await damageOf(path, "integrity_check");
  if (damage !== null) {
    throw new CommandError(`the copy is damaged: ${damage}; no backup was made`, EXIT.fault);
  }
  const kv = await openKv(path);
  try {
    return await inspectDatabase(kv);
  } finally {
    await kv.close();
  }
}

/** All of it is on the disk, in one file, before it has its name. */
async function publish(partial: string, target: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(partial);
  // What opening it has put beside it goes into the file.
  database.exec("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = DELETE");
  database.close();
  const file = await Deno.open(partial, { read: true, write: true });
  await file.sync();
  file.close();
  // Unlike a rename it overwrites nothing that has come meanwhile.
  await Deno.link(partial, target).catch(async (error) => {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    await Deno.rename(partial, target); // A file system without links.
  });
}

async function removeAll(path: string): Promise<void> {
  for (const name of BESIDE) {
    await Deno.remove(path + name).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
