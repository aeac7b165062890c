// A thread that finds no descriptors for its start takes the whole process down with it, so one is started
// only where enough are free. Here those are told apart from errors of other kinds, and threads that start
// together do not count on the same ones.

/** A start takes seven, and what runs beside it takes some too. */
const FOR_ONE = 16;
const FULL = ["EMFILE", "ENFILE"];

let starting = 0;

/**
 * Makes room for the start of one thread, until the returned function is called. It may be called again.
 *
 * @throws {Error} without as many descriptors
 */
export function takeThreadRoom(): () => void {
  requireDescriptors(FOR_ONE * (starting + 1));
  starting++;
  let isOver = false;
  return () => {
    if (!isOver) starting--;
    isOver = true;
  };
}

function requireDescriptors(count: number): void {
  // There the system has no such limit.
  if (Deno.build.os === "windows") return;
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < count) files.push(Deno.openSync("/dev/null"));
  } catch (error) {
    // Where the process may not read this file, nobody can count.
    if (!FULL.includes((error as { code?: string }).code ?? "")) return;
    throw new Error(
      "no thread can be started: the process has not enough file descriptors left (ulimit -n)",
      { cause: error },
    );
  } finally {
    for (const file of files) file.close();
  }
}
