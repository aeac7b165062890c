// The engine without HTTP: submit one task a call, many calls in flight, until every result is on disk.

import type { AnyDefinition } from "../runtime/core/define.ts";
import { openKv } from "../runtime/platform/open_kv.ts";
import { createRuntime, type Runtime } from "../runtime/mod.ts";
import { add } from "../tasks/add.ts";
import { echo } from "../tasks/echo.ts";
import { inLanes, type Measurement, percentiles, withFile } from "./measure.ts";

export async function withRuntime<T>(
  work: (runtime: Runtime) => Promise<T>,
  definitions: AnyDefinition[] = [add, echo],
): Promise<T> {
  return await withFile(async (path) => {
    const kv = await openKv(path);
    const runtime = await createRuntime({ kv, definitions });
    await runtime.start();
    try {
      return await work(runtime);
    } finally {
      await runtime.stop();
      kv.close();
    }
  });
}

export async function submit(runtime: Runtime, a: number): Promise<string> {
  const { entries } = await runtime.submit({
    batch: { submissions: [{ task: "add", input: { a, b: 2 } }], pointerOf: (_, part) => part },
  });
  return entries[0].record.id;
}

/** Waits until all of these have ended, and looks at their results. */
export async function requireResults(runtime: Runtime, ids: string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += 1_000) {
    const { done, notDone } = await runtime.wait(ids.slice(from, from + 1_000), "ALL_COMPLETED", 120_000);
    if (notDone.length > 0) throw new Error(`${notDone.length} tasks have not ended`);
    for (const { record } of done) {
      if (record.result === null) throw new Error(`task ${record.id} has no result`);
    }
  }
}

export function inProcess(count: number, lanes: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const ids: string[] = new Array(count);
    const started = performance.now();
    await inLanes(count, lanes, async (i) => {
      ids[i] = await submit(runtime, i);
    });
    await requireResults(runtime, ids.slice(-1_000));
    const seconds = (performance.now() - started) / 1_000;
    await requireResults(runtime, ids);
    return { name: `Errand in process, ${lanes} in flight`, count, seconds };
  });
}

/** At a steady rate: from the call of submit until the result is known. */
export function latencyInProcess(perSecond: number, seconds: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const count = perSecond * seconds;
    const latencies: number[] = [];
    const started = performance.now();
    const all: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const dueAt = started + i * 1_000 / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
      all.push((async () => {
        const from = performance.now();
        await runtime.task(await submit(runtime, i), 10_000);
        latencies.push(performance.now() - from);
      })());
    }
    await Promise.all(all);
    return {
      name: `Errand in process, submit to result at ${perSecond}/s`,
      count,
      seconds: (performance.now() - started) / 1_000,
      latencies: percentiles(latencies),
    };
  });
}

/** Resident memory at steps of a long run: flat means that nothing is kept per task. */
export function memory(count: number, lanes: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const steps: number[] = [];
    const started = performance.now();
    let last = "";
    await inLanes(count, lanes, async (i) => {
      const id = await submit(runtime, i);
      if (i === count - 1) last = id;
      if (i % (count / 10) === 0) steps.push(Math.round(Deno.memoryUsage().rss / 2 ** 20));
      // The backlog is bounded: the memory of ended tasks is measured, not that of waiting ones.
      if (i % 1_000 === 0) await runtime.task(id, 60_000);
    });
    await requireResults(runtime, [last]);
    steps.push(Math.round(Deno.memoryUsage().rss / 2 ** 20));
    const seconds = (performance.now() - started) / 1_000;
    return { name: "Errand in process, resident memory", count, seconds, notes: `${steps.join(" ")} MiB` };
  });
}
