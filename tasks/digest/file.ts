// Reads a regular file below one directory, and nothing else: neither `..` nor a symlink leads out of it. A
// path may come to mean another file between a check and the open, so what was opened is checked once more.
// Deno cannot open relative to a directory, so an attacker who keeps renaming files below the root could
// still hit the moment in between: a root that strangers can write to must be apart from what they must not
// read.

import { isAbsolute, relative, resolve, sep } from "node:path";
import { keptFrom } from "./kept.ts";
import { refusal } from "./refusal.ts";

const CHUNK_BYTES = 64 * 1024;

export interface ReadOptions {
  signal: AbortSignal;
  /** The directory that paths are relative to and have to stay below. */
  root?: string;
}

/**
 * The file's bytes in chunks; each is valid only until the next one is asked for.
 *
 * @throws {Error} with `retryable` false if the path leads out of the root or is not a regular file.
 */
export async function* readFile(path: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
  const { signal, root = chosenRoot() } = options;
  signal.throwIfAborted();
  using file = await openBelow(root, path);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    signal.throwIfAborted();
    const length = await file.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}

/**
 * The root that the operator has chosen: by name, or by serving the demo tasks from the directory of the
 * process.
 */
function chosenRoot(): string {
  const named = Deno.env.get("DIGEST_ROOT");
  if (named) return named;
  if (["true", "1"].includes(Deno.env.get("DEMO_TASKS") ?? "")) return Deno.cwd();
  throw refusal(
    "Cannot digest a path: DIGEST_ROOT must name the directory that digest may read; it is not set",
  );
}

async function openBelow(root: string, path: string): Promise<Deno.FsFile> {
  try {
    return await openChecked(root, path);
  } catch (error) {
    if (!(error instanceof Error) || "retryable" in error) throw error;
    // The system's own message would tell the client where on this machine the root is.
    throw new Error(
      `Cannot digest "${path}": ${error.name === "NotFound" ? "there is no such file" : error.name}`,
    );
  }
}

async function openChecked(root: string, path: string): Promise<Deno.FsFile> {
  const wanted = resolve(root, path);
  await refuseUnlessReadable(resolve(root), wanted, path);
  const real = await Deno.realPath(wanted);
  await refuseUnlessReadable(await Deno.realPath(root), real, path);
  // Before the open, because opening a FIFO waits until somebody writes to it.
  refuseUnlessRegular(await Deno.stat(real), path);
  const file = await Deno.open(real);
  try {
    const opened = await file.stat();
    refuseUnlessRegular(opened, path);
    const named = await Deno.lstat(real);
    const isSame = opened.dev === named.dev && opened.ino === named.ino && await Deno.realPath(real) === real;
    if (!isSame) throw refusal(`Cannot digest "${path}": it was replaced while it was opened`);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

async function refuseUnlessReadable(root: string, absolutePath: string, path: string): Promise<void> {
  const way = relative(root, absolutePath);
  const leadsOut = way === ".." || way.startsWith(".." + sep) || isAbsolute(way);
  if (leadsOut) throw refusal(`Cannot digest "${path}": it leads out of the directory that digest may read`);
  if (await keptFrom(root, absolutePath)) {
    throw refusal(`Cannot digest "${path}": the service's data and dotfiles are not read`);
  }
}

function refuseUnlessRegular(info: Deno.FileInfo, path: string): void {
  if (info.isFile) return;
  const kind = info.isDirectory ? "a directory" : "no regular file";
  throw refusal(`Cannot digest "${path}": it is ${kind}`);
}
