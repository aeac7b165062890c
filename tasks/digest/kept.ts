// What `digest` does not read, wherever its root is: dotfiles, and what the service keeps for itself. That is
// its database and the folder that the database is in, and `data/` where the service was started, which is
// that folder by default. Whoever chose the root has opened the folders that it lies in, but not the database
// in them.

import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

const DEFAULT_KV_PATH = "./data/errand.kv";

/**
 * True if this file is not for callers.
 *
 * @param path is below the root
 */
export async function keptFrom(root: string, path: string): Promise<boolean> {
  if (relative(root, path).split(sep).some((part) => /^\.[^.]/.test(part))) return true;
  const kvPath = Deno.env.get("KV_PATH") || DEFAULT_KV_PATH;
  const database = isFile(kvPath) ? resolve(kvPath) : null;
  const folders = [resolve("data"), ...database === null ? [] : [dirname(database)]];
  for (const folder of folders) {
    for (const name of await namesOf(folder)) {
      if (isBelow(root, name) && isBelow(name, path)) return true;
      const isBeside = database !== null && folder === dirname(database);
      // Its -wal and -shm, and copies of it, begin with its name.
      if (isBeside && folded(path).startsWith(folded(join(name, basename(database))))) return true;
    }
  }
  return false;
}

function isFile(kvPath: string): boolean {
  return kvPath !== ":memory:" && !/^https?:/i.test(kvPath);
}

/** As it is spelt, and without symlinks. */
async function namesOf(folder: string): Promise<string[]> {
  const real = await Deno.realPath(folder).catch(() => folder);
  return real === folder ? [folder] : [folder, real];
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folded(folder), folded(path));
  return way !== "" && way !== ".." && !way.startsWith(".." + sep) && !isAbsolute(way);
}

/** Some file systems do not distinguish DATA from data. */
function folded(path: string): string {
  return path.toLowerCase();
}
