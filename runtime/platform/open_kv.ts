// Opens a database: a file, memory, a server, or the platform's own.

import { type Clock, systemClock } from "./clock.ts";
import { DatabaseFile, faultOf, prepareFile } from "./database_file.ts";
import { keys } from "./keys.ts";
import { type Log, silentLog } from "./log.ts";
import { EMBEDDED_LIMITS, KvPort, REMOTE_LIMITS, REMOTE_SHARDS, whileLocked } from "./kv.ts";
import { RemoteKv } from "./remote_kv.ts";

/** Connections to a server: few calls share one (docs/decisions/0024-remote-connections.md). */
const CONNECTIONS = 6;

export function isRemote(path: string | undefined): boolean {
  return path !== undefined && /^https?:/.test(path);
}

/**
 * A file is made for its owner alone, with its folder.
 *
 * @param path a file, `:memory:`, the URL of a server, or undefined for the platform's own
 * @param openHandle opens a handle; a test can put something between
 * @param log is told what the operator should know of a file
 * @param clock of the deadlines
 * @throws {DatabaseFileError} for a file that is no whole database of Deno KV
 */
export async function openKv(
  path: string | undefined,
  openHandle: (path: string | undefined) => Promise<Deno.Kv> = Deno.openKv,
  log: Log = silentLog,
  clock: Clock = systemClock,
): Promise<KvPort> {
  const isFile = path !== undefined && path !== ":memory:" && !isRemote(path);
  if (isFile) await prepareFile(path, log);
  const open = () => openHandle(path);
  const writer = await whileLocked(open).catch((error) => {
    throw isFile && faultOf(path, error) || error;
  });
  if (path === undefined || isRemote(path)) {
    const limits = { ...REMOTE_LIMITS, checks: await checksOf(writer) };
    // The platform may use one connection for all handles.
    const count = path === undefined ? 1 : CONNECTIONS;
    const more = await Promise.all(Array.from({ length: count - 1 }, open));
    const remote = new RemoteKv([writer, ...more], open, clock);
    return new KvPort(remote, remote, limits, REMOTE_SHARDS, clock, remote, null, path ?? null);
  }
  if (!isFile) return new KvPort(writer, writer, EMBEDDED_LIMITS, 1, clock);
  const reader = await whileLocked(open);
  const file = new DatabaseFile(path, log);
  return new KvPort(writer, reader, EMBEDDED_LIMITS, 1, clock, null, file, path);
}

/** Checks that the backend takes in one commit. A server refuses more of them before it looks at any. */
export async function checksOf(kv: Deno.Kv): Promise<number> {
  const atomic = kv.atomic();
  for (let i = 0; i <= REMOTE_LIMITS.checks; i++) {
    atomic.check(never(i));
  }
  try {
    await atomic.commit();
    return EMBEDDED_LIMITS.checks;
  } catch {
    return REMOTE_LIMITS.checks;
  }
}

/**
 * True if the backend has queues, as the database within Deno has; the client of a server throws. False also
 * without an answer.
 */
export async function hasQueues(kv: KvPort): Promise<boolean> {
  return await kv.commit(kv.atomic().check(never()).enqueue(null)).then(() => true, () => false);
}

/** No key has this version: a commit with this check changes nothing. */
function never(n = 0): Deno.AtomicCheck {
  return { key: keys.never(n), versionstamp: "ff".repeat(10) };
}
