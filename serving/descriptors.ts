// How many files and connections this process may have open.

/** For the database, threads, and what tasks open. */
const LEAST_LEFT = 100;

/** The most connections that leave room for all else; null where the system does not tell. */
export async function mostConnections(): Promise<number | null> {
  const limit = await descriptorLimit();
  if (limit === null) return null;
  return limit - Math.min(Math.floor(limit / 2), Math.max(LEAST_LEFT, Math.floor(limit / 8)));
}

async function descriptorLimit(): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  const limits = await Deno.readTextFile("/proc/self/limits").catch(() => "");
  const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? null : Number(soft);
}
