// What can be found out without a service: its settings, its database, the profiles of this user.

import { ConfigError, isDeploy, kvPathOf, readConfig, requireKeys, stopGraceMsOf } from "../../../config.ts";
import { isRemote, KvPort, requireFormat } from "../../../runtime/mod.ts";
import { CommandError } from "../../command_error.ts";
import type { Io } from "../../io.ts";
import { profilesPath, readProfiles } from "../../profiles.ts";
import { damageOf, databasePath } from "../database_file.ts";
import type { Finding } from "./finding.ts";

type Env = Io["env"];

const FOR_OTHERS = 0o077;
const LONGEST_OPEN_MS = 5_000;

export function checkConfiguration(env: Env): Promise<Finding[]> {
  const what = "configuration";
  try {
    const config = readConfig(env);
    requireKeys(config, isDeploy(env));
    stopGraceMsOf(config, isDeploy(env));
    const { PORT, HOST = "127.0.0.1", ROLE } = config;
    const message = `a service here listens on ${HOST}:${PORT}, role ${ROLE}, database ${kvPathOf(config)}`;
    return Promise.resolve([{ what, found: "ok", message }]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Promise.resolve(error.message.split("\n").map((message) => ({ what, found: "wrong", message })));
  }
}

export async function checkDatabase(given: string | undefined, io: Io): Promise<Finding[]> {
  const what = "database";
  const path = databasePath(given, io);
  if (path === ":memory:") {
    return [{ what, found: "odd", message: "in memory: all tasks are gone with the process" }];
  }
  if (isRemote(path)) return [await checkServer(path, io.env)];
  const info = await Deno.stat(path).catch(() => null);
  if (info === null) {
    return [{ what, found: "ok", message: `${path} is not there yet: the first start makes it` }];
  }
  const findings: Finding[] = [];
  if (info.mode !== null && (info.mode & FOR_OTHERS) !== 0) {
    findings.push({ what, found: "odd", message: `others can read ${path}: chmod 600 ${path}` });
  }
  try {
    const damage = await damageOf(path, "quick_check");
    if (damage !== null) {
      const message =
        `${path} is damaged (${damage}): put a backup in its place, or: sqlite3 ${path} .recover`;
      return [...findings, { what, found: "wrong", message }];
    }
    const release = await releaseOf(path);
    const beside = await Deno.stat(`${path}-wal`).then(({ size }) => size, () => 0);
    const size = `${((info.size + beside) / 2 ** 20).toFixed(1)} MiB`;
    const by = release === null ? "nothing in it yet" : `format of Errand ${release}`;
    return [...findings, { what, found: "ok", message: `${path}: ${size}, whole, ${by}` }];
  } catch (error) {
    return [...findings, { what, found: "wrong", message: messageOf(error) }];
  }
}

async function checkServer(url: string, env: Env): Promise<Finding> {
  const what = "database";
  if (!env.DENO_KV_ACCESS_TOKEN) {
    const message = `DENO_KV_ACCESS_TOKEN must be the access token of the database at ${url}; it is not set`;
    return { what, found: "wrong", message };
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `the database at ${url} does not answer within ${LONGEST_OPEN_MS / 1_000} s`;
    timer = setTimeout(() => reject(new Error(message)), LONGEST_OPEN_MS);
  });
  try {
    const release = await Promise.race([releaseOf(url), late]);
    const by = release === null ? "nothing of Errand in it yet" : `format of Errand ${release}`;
    return { what, found: "ok", message: `${url} answers, ${by}` };
  } catch (error) {
    return { what, found: "wrong", message: `${messageOf(error)}; is it running, and is the token its own?` };
  } finally {
    clearTimeout(timer);
  }
}

/** Opened as it is: nothing is written, and no rights are changed. */
async function releaseOf(path: string): Promise<string | null> {
  const handle = await Deno.openKv(path);
  try {
    return (await requireFormat(new KvPort(handle))).value?.release ?? null;
  } finally {
    handle.close();
  }
}

export function checkDeploy(env: Env): Finding {
  const what = "Deno Deploy";
  if (!isDeploy(env)) return { what, found: "skipped", message: "this is no instance on Deno Deploy" };
  if (env.KV_PATH) {
    const message = "KV_PATH must not be set there: attach a database of the platform's own";
    return { what, found: "wrong", message };
  }
  return { what, found: "ok", message: "an instance; its database is the one that is attached to the app" };
}

export async function checkProfiles(env: Env): Promise<Finding[]> {
  const what = "profiles";
  const path = profilesPath(env);
  try {
    const names = Object.keys((await readProfiles(env)).profiles);
    if (names.length === 0) return [];
    const { mode } = await Deno.stat(path);
    const isOpen = mode !== null && (mode & FOR_OTHERS) !== 0;
    return [
      isOpen
        ? { what, found: "odd", message: `others can read the keys in ${path}: chmod 600 ${path}` }
        : { what, found: "ok", message: `${names.join(", ")} in ${path}` },
    ];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [{ what, found: "wrong", message: error.message }];
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
