// deno task bench:peers: Errand and other task systems on the same load, in turn. Prints tables as Markdown
// and writes JSON.

// deno-lint-ignore-file no-console
import { endOnUsageError } from "../../tools/command_line.ts";
import { bullmq } from "./bullmq.ts";
import { celery } from "./celery.ts";
import { Children } from "./children.ts";
import { errand } from "./errand.ts";
import { inProcess, Load } from "./load.ts";
import { HELP, type Name, type Options, readOptions, RIVALS } from "./options.ts";
import { nodePackages, pythonPackages, Unavailable } from "./packages.ts";
import { NODE_VERSION } from "./pins.ts";
import { postgresVersion } from "./postgres.ts";
import { graphileWorker, pgBoss } from "./postgres_queues.ts";
import { redisVersion } from "./redis.ts";
import type { Figure, System } from "./system.ts";
import { inProcessTableOf, type Measured, roundsOf, tableOf, warningOf } from "./table.ts";

const RESULTS = "bench/results/peers.json";

/** Installs what these need. */
async function systemsOf(names: readonly Name[], signal: AbortSignal): Promise<System[]> {
  const onNode = names.some((name) => ["bullmq", "pg-boss", "graphile-worker"].includes(name));
  const onRedis = names.some((name) => ["bullmq", "celery"].includes(name));
  const node = onNode ? await nodePackages(signal) : undefined;
  const python = onRedis ? await pythonPackages(signal) : undefined;
  const redis = python && await redisVersion(python);
  const postgres = node && await postgresVersion(node);
  const make: Record<Name, () => System> = {
    errand: () => errand,
    bullmq: () => bullmq(node!, python!, `Node ${NODE_VERSION}, ${redis}`),
    "pg-boss": () => pgBoss(node!, `Node ${NODE_VERSION}, ${postgres}`),
    "graphile-worker": () => graphileWorker(node!, `Node ${NODE_VERSION}, ${postgres}`),
    celery: () => celery(python!, redis!),
  };
  return names.map((name) => make[name]());
}

/** With a fresh start and an empty database. */
async function withLoad<T>(
  system: System,
  children: Children,
  figure: Figure,
  work: (load: Load) => Promise<T>,
): Promise<T> {
  const running = await system.start(children, figure);
  const load = new Load(system, running);
  await load.warm();
  const result = await work(load);
  await running.end();
  return result;
}

async function measure(
  systems: System[],
  { rounds, seconds }: Options,
  children: Children,
): Promise<Measured[]> {
  const all: Measured[] = systems.map((system) => ({ system, rounds: [], inProcess: [] }));
  const say = (text: string) => console.error(text);
  for (let round = 0; round < rounds; round++) {
    for (const [at, system] of systems.entries()) {
      if (round > 0 && !RIVALS.includes(system.name as Name)) continue;
      say(`round ${round + 1} of ${rounds}: ${system.name} …`);
      if (round === 0) {
        all[at].latency = await withLoad(system, children, "latency", (load) => load.latency(seconds));
      }
      all[at].rounds.push(await withLoad(system, children, "throughput", (load) => load.throughput(seconds)));
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [at, system] of systems.entries()) {
      if (!system.startInProcess) continue;
      say(`round ${round + 1} of ${rounds}: ${system.name} in process …`);
      const running = await system.startInProcess(children);
      all[at].inProcess.push(await inProcess(running, seconds));
      await running.end();
    }
  }
  return all;
}

async function report(all: Measured[], { rounds, seconds }: Options): Promise<void> {
  const cores = navigator.hardwareConcurrency;
  const cpu = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  console.log(
    `${cores} cores (${cpu}), ${
      new Date().toISOString().slice(0, 10)
    }; rounds of ${seconds} s, ${rounds} of them\n`,
  );
  for (const { system } of all) console.log(`- ${system.name}: ${system.version}; ${system.tuning}`);
  console.log(`\n${tableOf(all)}\n`);
  if (all.some(({ inProcess }) => inProcess.length > 0)) console.log(`${inProcessTableOf(all)}\n`);
  for (const line of roundsOf(all)) console.log(line);
  await Deno.mkdir("bench/results", { recursive: true });
  await Deno.writeTextFile(
    RESULTS,
    JSON.stringify({ at: new Date(), cores, cpu, rounds, seconds, all }, null, 2) + "\n",
  );
  console.log(`\nwritten to ${RESULTS}`);
}

/** Runs it all; gives the code to exit with, once nothing of it is left. */
async function untilInterrupted(options: Options): Promise<number> {
  await using children = await Children.begin();
  const interruption = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      interruption.abort();
      resolve(code);
    });
  }
  const warning = warningOf(Deno.loadavg()[0], navigator.hardwareConcurrency);
  const run = async () => {
    const systems = await systemsOf(options.names, interruption.signal);
    await report(await measure(systems, options, children), options);
    if (warning) console.error(warning);
    return 0;
  };
  try {
    return await Promise.race([run(), promise]);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) {
  let options;
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    endOnUsageError(error);
  }
  if (options.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  if (Deno.build.os !== "linux") {
    console.error("bench:peers reads processor time and memory from /proc: it runs on Linux only");
    Deno.exit(1);
  }
  Deno.exit(await untilInterrupted(options));
}
