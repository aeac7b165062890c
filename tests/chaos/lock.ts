// Whether a process is in the midst of a commit: then it holds SQLite's write lock, and whoever stops it
// there stops all the others' writing too. Linux tells who holds which lock of a file.

/** The byte of the `-shm` file that SQLite locks to write (sqlite.org/walformat.html, "WAL locks"). */
const WRITE_LOCK = "120";

/** False also where nobody can tell. */
export async function isWriting(pid: number, database: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    const { ino } = await Deno.stat(`${database}-shm`);
    const locks = await Deno.readTextFile("/proc/locks");
    return locks.split("\n").some((line) => {
      const [, , , kind, holder, file, from] = line.trim().split(/\s+/);
      return kind === "WRITE" && holder === String(pid) && file.endsWith(`:${ino}`) && from === WRITE_LOCK;
    });
  } catch {
    return false;
  }
}
