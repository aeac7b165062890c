// deno task bench:cost: the cost of a task in a database that is paid by use: commits, writes and reads.
// Also the cost of an idle process. Needs the program of a denokv server.

// deno-lint-ignore-file no-console
import { serialize } from "node:v8";
import { openKv } from "../runtime/platform/open_kv.ts";
import { createRuntime, type Runtime } from "../runtime/mod.ts";
import { definitions } from "../tasks/mod.ts";
import { Denokv } from "../tools/denokv_server.ts";

const RESULTS = "bench/results/cost.json";
const IDLE_MS = 20_000;

/** What was asked of a database. */
class Counts {
  commits = 0;
  mutations = 0;
  /** Keys and values. */
  writtenBytes = 0;
  /** Each value in units of 1 KiB, rounded up. */
  writeUnits = 0;
  reads = 0;
  entries = 0;
  /** Each call in units of 4 KiB, rounded up. */
  readUnits = 0;

  read(entries: Deno.KvEntryMaybe<unknown>[]): void {
    this.reads++;
    const found = entries.filter(({ versionstamp }) => versionstamp !== null);
    this.entries += found.length;
    const bytes = found.reduce((sum, { key, value }) => sum + sizeOf(key) + sizeOf(value), 0);
    this.readUnits += Math.max(1, Math.ceil(bytes / 4_096));
  }

  wrote(key: Deno.KvKey, value?: unknown): void {
    this.mutations++;
    const bytes = sizeOf(key) + (value === undefined ? 0 : sizeOf(value));
    this.writtenBytes += bytes;
    this.writeUnits += Math.max(1, Math.ceil(bytes / 1_024));
  }
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.byteLength : serialize(value).byteLength;
}

/** The same database, with every call counted. */
function counting(kv: Deno.Kv, counts: Counts): Deno.Kv {
  const own = {
    get: async (key: Deno.KvKey) => {
      const entry = await kv.get(key);
      counts.read([entry]);
      return entry;
    },
    getMany: async (keys: Deno.KvKey[]) => {
      const entries = await kv.getMany(keys);
      counts.read(entries as Deno.KvEntryMaybe<unknown>[]);
      return entries;
    },
    async *list(selector: Deno.KvListSelector, options: Deno.KvListOptions) {
      const entries = await Array.fromAsync(kv.list(selector, options));
      counts.read(entries);
      yield* entries;
    },
    atomic: () => {
      const atomic = kv.atomic();
      const { set, commit } = { set: atomic.set.bind(atomic), commit: atomic.commit.bind(atomic) };
      const remove = atomic.delete.bind(atomic);
      atomic.set = (key, value, options) => {
        counts.wrote(key, value);
        return set(key, value, options);
      };
      atomic.delete = (key) => {
        counts.wrote(key);
        return remove(key);
      };
      atomic.commit = () => {
        counts.commits++;
        return commit();
      };
      return atomic;
    },
  };
  return new Proxy(kv, {
    get: (target, name) => {
      if (name in own) return own[name as keyof typeof own];
      const value = target[name as keyof Deno.Kv];
      return typeof value === "function" ? (value as CallableFunction).bind(target) : value;
    },
  });
}

interface Row {
  case: string;
  /** Tasks, or minutes of a process. */
  per: string;
  commits: number;
  mutations: number;
  writtenBytes: number;
  writeUnits: number;
  reads: number;
  readUnits: number;
}

const server = await Denokv.start();
for (const [name, value] of Object.entries(server.env)) Deno.env.set(name, value);

async function process(
  runsTasks: boolean,
): Promise<{ runtime: Runtime; counts: Counts; close: () => Promise<void> }> {
  const counts = new Counts();
  const kv = await openKv(server.url, async (url) => counting(await Deno.openKv(url), counts));
  const runtime = await createRuntime({ kv, definitions: Object.values(definitions), runsTasks });
  await runtime.start();
  return {
    runtime,
    counts,
    close: async () => {
      await runtime.stop(0);
      kv.close();
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const rows: Row[] = [];

function row(name: string, per: string, all: Counts[], idle: Counts[], by: number, minutes: number): void {
  const sum = (of: (counts: Counts) => number) => {
    const idleSum = idle.reduce((total, counts) => total + of(counts), 0) * minutes;
    return Math.max(0, all.reduce((total, counts) => total + of(counts), 0) - idleSum) / by;
  };
  rows.push({
    case: name,
    per,
    commits: sum(({ commits }) => commits),
    mutations: sum(({ mutations }) => mutations),
    writtenBytes: sum(({ writtenBytes }) => writtenBytes),
    writeUnits: sum(({ writeUnits }) => writeUnits),
    reads: sum(({ reads }) => reads),
    readUnits: sum(({ readUnits }) => readUnits),
  });
}

/** The cost of so many tasks, without the cost of idle processes. */
async function tasks(
  name: string,
  roles: boolean[],
  count: number,
  batch: number,
  everyMs: number,
): Promise<void> {
  const processes = await Promise.all(roles.map(process));
  await pause(1_000);
  const reset = () => processes.forEach(({ counts }) => Object.assign(counts, new Counts()));
  const idle = idleOf.get(roles.length)!;
  reset();
  const since = performance.now();
  const ids: string[] = [];
  for (let at = 0; at < count; at += batch) {
    const submissions = Array.from({ length: batch }, (_, i) => ({ task: "add", input: { a: at, b: i } }));
    const submitted = await processes[0].runtime.submit({
      batch: { submissions, pointerOf: (_, part) => part },
    });
    ids.push(...submitted.ids);
    await pause(everyMs);
  }
  const unended = () => processes.some(({ runtime }) => runtime.isBusy);
  while (unended()) await pause(50);
  await pause(300);
  const all = processes.map(({ counts }) => Object.assign(new Counts(), counts));
  const minutes = (performance.now() - since) / 60_000;
  row(name, "task", all, idle, count, minutes);
  for (const { close } of processes) await close();
}

const idleOf = new Map<number, Counts[]>();
for (const roles of [[true], [false, true]]) {
  const processes = await Promise.all(roles.map(process));
  await pause(2_000);
  for (const { counts } of processes) Object.assign(counts, new Counts());
  await pause(IDLE_MS);
  const idle = processes.map(({ counts }) => {
    const minute = new Counts();
    for (const [name, value] of Object.entries(counts)) {
      Object.assign(minute, { [name]: value * 60_000 / IDLE_MS });
    }
    return minute;
  });
  idleOf.set(roles.length, idle);
  if (roles.length === 1) row("a process that does everything, idle", "minute", idle, [], 1, 0);
  else row("a web process and a worker, idle, together", "minute", idle, [], 1, 0);
  for (const { close } of processes) await close();
}
await tasks("one process, one task at a time", [true], 100, 1, 20);
await tasks("one process, 100 at once", [true], 2_000, 100, 100);
await tasks("web and worker, one task at a time", [false, true], 100, 1, 50);
await tasks("web and worker, 100 at once", [false, true], 2_000, 100, 100);

console.log(`${"".padEnd(46)}commits  mutations     bytes   write units     reads   read units`);
for (const { case: name, per, commits, mutations, writtenBytes, writeUnits, reads, readUnits } of rows) {
  console.log(
    `${name}, per ${per}`.padEnd(52) + commits.toFixed(2) + mutations.toFixed(2).padStart(11) +
      writtenBytes.toFixed(0).padStart(10) + writeUnits.toFixed(2).padStart(14) +
      reads.toFixed(2).padStart(10) +
      readUnits.toFixed(2).padStart(13),
  );
}
await Deno.mkdir("bench/results", { recursive: true });
await Deno.writeTextFile(
  RESULTS,
  JSON.stringify({ at: new Date(), deno: Deno.version.deno, rows }, null, 2) + "\n",
);
console.log(`\nwritten to ${RESULTS}`);
await server[Symbol.asyncDispose]();
Deno.exit(0);
