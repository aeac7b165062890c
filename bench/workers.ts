// deno task bench:workers: the throughput of several worker processes on one `denokv` server, compared with
// one. For each number of workers: a backlog of tasks that take 20 ms each, and the time from the first start
// to the last end.

// deno-lint-ignore-file no-console
import { openKv } from "../runtime/platform/open_kv.ts";
import { prefixes } from "../runtime/platform/keys.ts";
import { createRuntime, type Runtime } from "../runtime/mod.ts";
import type { TaskRecord } from "../runtime/core/task.ts";
import { definitions } from "../tasks/mod.ts";
import { commandLine } from "../tools/command_line.ts";
import { Denokv } from "../tools/denokv_server.ts";

const TASK_MS = 20;
const GIVE_UP_MS = 120_000;
const RESULTS = "bench/results/workers.json";
const WORKER = new URL("./worker_process.ts", import.meta.url).pathname;

const text = { type: "string" } as const;
const { values } = commandLine({
  options: { workers: text, tasks: text, concurrency: text },
  help: "deno task bench:workers [--workers 1,2,4] [--tasks 3000] [--concurrency 10]\n\n" +
    "Needs a denokv server's program: deno task denokv installs it.",
});
const count = Number(values.tasks ?? 3_000);
const concurrency = Number(values.concurrency ?? 10);

interface Row {
  workers: number;
  tasks: number;
  seconds: number;
  perSecond: number;
  /** The throughput if only the functions took time. */
  most: number;
  claims: number;
  beaten: number;
  /** Of one core: the server, all workers together. */
  serverCpu: number;
  workerCpu: number;
}

const rows: Row[] = [];
for (const workers of (values.workers ?? "1,2,4").split(",").map(Number)) rows.push(await measure(workers));

console.log("workers   tasks/s   of the most   × one worker   claims   beaten   server CPU   workers' CPU");
for (const row of rows) {
  console.log(
    String(row.workers).padStart(7) + row.perSecond.toFixed(0).padStart(10) +
      `${(100 * row.perSecond / row.most).toFixed(0)} %`.padStart(14) +
      (row.perSecond / rows[0].perSecond).toFixed(2).padStart(15) + String(row.claims).padStart(9) +
      `${(100 * row.beaten / row.claims).toFixed(1)} %`.padStart(9) +
      row.serverCpu.toFixed(2).padStart(13) + row.workerCpu.toFixed(2).padStart(15),
  );
}
await Deno.mkdir("bench/results", { recursive: true });
const report = { at: new Date(), deno: Deno.version.deno, cores: navigator.hardwareConcurrency, rows };
await Deno.writeTextFile(RESULTS, JSON.stringify(report, null, 2) + "\n");
console.log(`\n${concurrency} slots a worker; written to ${RESULTS}`);

async function measure(workers: number): Promise<Row> {
  await using server = await Denokv.start();
  for (const [name, value] of Object.entries(server.env)) Deno.env.set(name, value);
  const kv = await openKv(server.url);
  const runtime = await createRuntime({
    kv,
    definitions: Object.values(definitions),
    runsTasks: false,
    doorbells: { watch: false },
  });
  for (let at = 0; at < count; at += 500) {
    const size = Math.min(500, count - at);
    const submissions = Array.from({ length: size }, () => ({ task: "sleep", input: { ms: TASK_MS } }));
    await runtime.submit({ batch: { submissions, pointerOf: (_, part) => part } });
  }
  const children = Array.from({ length: workers }, () => {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", WORKER, server.url, String(concurrency)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  });
  const cpuBefore = cpuOf(server.pid);
  const until = performance.now() + GIVE_UP_MS;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 250));
  while ((await kv.list({ prefix: prefixes.allReady }, { limit: 1 })).length > 0) {
    if (performance.now() > until) throw new Error("tasks still wait");
    await pause();
  }
  const serverCpu = cpuOf(server.pid) - cpuBefore;
  await pause();
  const tasks = await allTasks(runtime);
  const first = Math.min(...tasks.map(({ startedAt }) => startedAt!));
  const last = Math.max(...tasks.map(({ finishedAt }) => finishedAt!));
  let claims = 0, beaten = 0, workerCpu = 0;
  for (const child of children) {
    workerCpu += cpuOf(child.pid);
    await child.stdin.close();
    const said = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
    claims += said.made;
    beaten += said.beaten;
  }
  await runtime.stop(0);
  kv.close();
  const seconds = (last - first) / 1_000;
  return {
    workers,
    tasks: count,
    seconds,
    perSecond: count / seconds,
    most: 1_000 / TASK_MS * concurrency * workers,
    claims,
    beaten,
    serverCpu: serverCpu / seconds,
    workerCpu: workerCpu / seconds,
  };
}

async function allTasks(runtime: Runtime): Promise<TaskRecord[]> {
  const tasks: TaskRecord[] = [];
  let cursor: string | undefined;
  do {
    const { entries, nextCursor } = await runtime.list({ limit: 500, cursor });
    tasks.push(...entries.map(({ record }) => record));
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return tasks;
}

/** Seconds of processor time that a process has used. */
function cpuOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
