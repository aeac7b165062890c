// The text files of a directory: those that git tracks, or all of them.

import { join } from "node:path";

/** Git, too, treats a file with a NUL byte near its start as binary. */
const LOOKED_AT_BYTES = 8_000;

/** Null if there is no git, or if the directory is not of a checkout. */
export async function trackedTextFiles(directory: string): Promise<string[] | null> {
  const names = await trackedNames(directory);
  // An unpacked archive inside of somebody's checkout: git answers, but tracks nothing of it.
  if (names === null || names.length === 0) return null;
  const shown = names.filter((name) => !name.split("/").some(isHidden));
  return await textFilesOf(shown.map((name) => join(directory, name)));
}

async function trackedNames(directory: string): Promise<string[] | null> {
  const git = new Deno.Command("git", { args: ["-C", directory, "ls-files", "-z"], stderr: "null" });
  try {
    const { success, stdout } = await git.output();
    return success ? new TextDecoder().decode(stdout).split("\0").filter((name) => name !== "") : null;
  } catch {
    return null;
  }
}

/** `digest` does not read dotfiles, nor what is in a folder with such a name. */
function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** Does not enter directories whose name is in `skipped`, nor follow symlinks. */
export async function textFilesBelow(directory: string, skipped: string[]): Promise<string[]> {
  const files: string[] = [];
  const directories = [directory];
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    for await (const { name, isDirectory, isFile } of Deno.readDir(next)) {
      if (isHidden(name)) continue;
      if (isFile) files.push(join(next, name));
      if (isDirectory && !skipped.includes(name)) directories.push(join(next, name));
    }
  }
  return await textFilesOf(files.sort());
}

async function textFilesOf(files: string[]): Promise<string[]> {
  const text: string[] = [];
  for (const file of files) if (await isTextFile(file)) text.push(file);
  return text;
}

async function isTextFile(path: string): Promise<boolean> {
  try {
    if (!(await Deno.lstat(path)).isFile) return false;
    using file = await Deno.open(path);
    const start = new Uint8Array(LOOKED_AT_BYTES);
    const length = await file.read(start) ?? 0;
    return !start.subarray(0, length).includes(0);
  } catch {
    return false; // Deleted but still tracked, or without the right to read it.
  }
}
