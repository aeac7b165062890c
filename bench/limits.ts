// The cost of limits by key: tasks with one that is never full beside tasks without any, in turns; tasks
// beside 100,000 others that wait at a full key; how long after an end the next one starts.

import process from "node:process";
import { z } from "zod";
import { define } from "../runtime/core/define.ts";
import type { SubmitOptions } from "../runtime/core/submission.ts";
import type { Runtime } from "../runtime/mod.ts";
import { requireResults, withRuntime } from "./in_process.ts";
import { inLanes, type Measurement, percentiles } from "./measure.ts";

const ROUNDS = 7;
const NEVER_FULL = { key: "bench", limit: 10_000 };
const FAIR_KEYS = 1_000;
const NEVER_HOLDS = { key: "rate", limit: 100_000, periodMs: 1_000, burst: 100_000 };

/** What takes turns with the others in one run, and is compared with the first. */
interface Variant {
  name: string;
  runtime: Runtime;
  /** Of the n-th task. */
  optionsOf?: (n: number) => SubmitOptions;
}

/** Tasks without limits, with one, with a rate, and of many keys that take turns. */
export function limited(count: number, lanes: number): Promise<Measurement[]> {
  return withRuntime((runtime) =>
    inTurns(count, lanes, [
      { name: "tasks without limits", runtime },
      { name: "a limit that is never full", runtime, optionsOf: () => ({ concurrency: NEVER_FULL }) },
      { name: "a rate that holds nothing", runtime, optionsOf: () => ({ rateLimit: NEVER_HOLDS }) },
      {
        name: `fairness over ${FAIR_KEYS} keys`,
        runtime,
        optionsOf: (n) => ({ fairness: { key: `tenant ${n % FAIR_KEYS}` } }),
      },
    ])
  );
}

/** Tasks of no key beside so many that wait at a full one, each in a database of its own. */
export function besideFullKey(waiting: number, count: number, lanes: number): Promise<Measurement[]> {
  return withRuntime((free) =>
    withRuntime(async (full) => {
      const options = { concurrency: { key: "bench-full", limit: 0 } };
      const one = { task: "add", input: { a: 1, b: 2 }, options };
      for (let at = 0; at < waiting; at += 1_000) {
        const submissions = Array.from({ length: Math.min(1_000, waiting - at) }, () => one);
        await full.submit({ batch: { submissions, pointerOf: (_, part) => part } });
      }
      return await inTurns(count, lanes, [
        { name: "tasks alone", runtime: free },
        { name: `tasks beside ${waiting} of a full key`, runtime: full },
      ]);
    })
  );
}

/** From the end of a function to the start of the next one that has waited for its slot. */
export async function releaseToStart(count: number): Promise<Measurement> {
  const latencies: number[] = [];
  let endedAt: number | null = null;
  const definition = define({ name: "release", input: z.object({}) }, async () => {
    if (endedAt !== null) latencies.push(performance.now() - endedAt);
    // All else that the start has caused is done.
    await new Promise((resolve) => setTimeout(resolve, 10));
    endedAt = performance.now();
  });
  return await withRuntime(async (runtime) => {
    const options = { concurrency: { key: "bench-release", limit: 1 } };
    const submissions = Array.from({ length: count }, () => ({ task: "release", input: {}, options }));
    const started = performance.now();
    const { ids } = await runtime.submit({ batch: { submissions, pointerOf: (_, part) => part } });
    await requireResults(runtime, ids);
    const seconds = (performance.now() - started) / 1_000;
    const name = "Errand in process, an end to the start of the next of its key";
    return { name, count, seconds, latencies: percentiles(latencies) };
  }, [definition]);
}

/** The processor's time is what tells: other processes of the machine change the rate much more. */
async function inTurns(count: number, lanes: number, variants: Variant[]): Promise<Measurement[]> {
  const each = Math.ceil(count / ROUNDS);
  const rounds = variants.map((): { seconds: number; cpuMs: number }[] => []);
  for (const { runtime, optionsOf } of variants) await timed(runtime, each, lanes, optionsOf);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const n = (round + turn) % variants.length;
      const { runtime, optionsOf } = variants[n];
      rounds[n].push(await timed(runtime, each, lanes, optionsOf));
    }
  }
  const against = (n: number, of: "seconds" | "cpuMs") =>
    percentiles(rounds[n].map((round, i) => round[of] / rounds[0][i][of])).p50Ms;
  return variants.map(({ name }, n) => {
    const seconds = rounds[n].reduce((sum, round) => sum + round.seconds, 0);
    const cpuMs = rounds[n].reduce((sum, round) => sum + round.cpuMs, 0);
    const perTask = `${(1_000 * cpuMs / each / ROUNDS).toFixed(0)} µs of CPU a task`;
    const ratios = `${against(n, "cpuMs").toFixed(2)} × CPU, ${against(n, "seconds").toFixed(2)} × time`;
    const notes = n === 0 ? perTask : `${perTask}: ${ratios} of "${variants[0].name}"`;
    return { name: `Errand in process, ${name}`, count: each * ROUNDS, seconds, notes };
  });
}

async function timed(runtime: Runtime, count: number, lanes: number, optionsOf?: Variant["optionsOf"]) {
  const ids: string[] = new Array(count);
  const started = performance.now();
  const before = process.cpuUsage();
  await inLanes(count, lanes, async (i) => {
    const submissions = [{ task: "add", input: { a: i, b: 2 }, ...optionsOf && { options: optionsOf(i) } }];
    const { entries } = await runtime.submit({ batch: { submissions, pointerOf: (_, part) => part } });
    ids[i] = entries[0].record.id;
  });
  await requireResults(runtime, ids);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1_000, cpuMs: (user + system) / 1_000 };
}
