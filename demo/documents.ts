// Which documents the demo digests: what is named on the command line, or this repository. All are named
// relative to one directory, which becomes the service's DIGEST_ROOT.

import { globSync } from "node:fs";
import { basename, dirname, join, parse, relative, resolve, sep } from "node:path";
import { textFilesBelow, trackedTextFiles } from "./tree.ts";

/** So many one group may have. */
const MOST_DOCUMENTS = 10_000;

export interface Documents {
  /** The closest directory that all documents are below. */
  root: string;
  /** Relative to the root, with `/` on every system. */
  paths: string[];
}

export interface Places {
  /** Digested if nothing is named. */
  repository: string;
  /** What named paths are relative to. */
  base: string;
}

/** The command cannot be carried out; the message says why. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * A named file may be missing if another one is there: then the service reports it.
 *
 * @throws {UsageError} if there is nothing to digest, or too much.
 */
export async function findDocuments(named: string[], { repository, base }: Places): Promise<Documents> {
  const files = named.length === 0 ? await repositoryFiles(repository) : await namedFiles(named, base);
  if (files.length > MOST_DOCUMENTS) {
    throw new UsageError(`${files.length} documents are too many: the demo takes up to ${MOST_DOCUMENTS}`);
  }
  const root = named.length === 0 ? resolve(repository) : commonDirectory(files);
  if (root === null) throw new UsageError("the documents are on several drives: name those of one drive");
  return { root, paths: files.map((file) => relative(root, file).replaceAll(sep, "/")) };
}

async function repositoryFiles(repository: string): Promise<string[]> {
  const files = await trackedTextFiles(repository) ??
    await textFilesBelow(repository, ["node_modules", "data"]);
  if (files.length === 0) throw new UsageError(`no text file is below ${repository}`);
  return files;
}

async function namedFiles(named: string[], base: string): Promise<string[]> {
  const files = new Set<string>();
  let present = 0;
  for (const path of named.flatMap((name) => expand(name, base))) {
    const info = await Deno.stat(path).catch(() => null);
    const found = info?.isDirectory ? await textFilesBelow(path, ["node_modules"]) : [path];
    if (info) present += found.length;
    for (const file of found) files.add(await realPath(file));
  }
  if (present === 0) throw new UsageError(`no file matches ${named.join(" ")}`);
  return [...files];
}

/** The shell of Windows leaves patterns as they are, and so does every shell if they are quoted. */
function expand(name: string, base: string): string[] {
  const path = resolve(base, name);
  const isPattern = /[*?[{]/.test(name) && !exists(path);
  return isPattern ? globSync(name, { cwd: base }).sort().map((match) => resolve(base, match)) : [path];
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Without symlinks, which the service does not follow out of its root; of a missing file, the
 * directory's.
 */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    return join(await Deno.realPath(dirname(path)).catch(() => dirname(path)), basename(path));
  }
}

/** The closest directory that all files are below; null if there is none, as on two drives of Windows. */
export function commonDirectory(files: string[]): string | null {
  let common = dirname(files[0]);
  for (const file of files) {
    while (!isBelow(common, file)) {
      if (common === parse(common).root) return null;
      common = dirname(common);
    }
  }
  return common;
}

function isBelow(directory: string, file: string): boolean {
  return file.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
