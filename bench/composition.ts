// The cost of tasks that wait for others: a chain, where no commit can be shared; a chord, where all can; a
// map.

import type { Runtime } from "../runtime/mod.ts";
import type { Submission } from "../runtime/core/submission.ts";
import { withRuntime } from "./in_process.ts";
import type { Measurement } from "./measure.ts";

const LONGEST_MS = 120_000;

async function submit(runtime: Runtime, count: number, of: (i: number, ids: string[]) => Submission) {
  return await runtime.submit({
    batch: (newId) => {
      const ids = Array.from({ length: count }, newId);
      const submissions = ids.map((id, i) => ({ ...of(i, ids), id }));
      return { submissions, pointerOf: (_, part) => part };
    },
    group: true,
    atomic: true,
  });
}

async function requireEnd(runtime: Runtime, id: string): Promise<number> {
  for (const until = performance.now() + LONGEST_MS; performance.now() < until;) {
    const { record } = await runtime.task(id, 1_000);
    if (record.result) return record.history.at(-3)!.at;
    if (record.finishedAt !== null) throw new Error(`task ${id} has no result`);
  }
  throw new Error(`task ${id} has not ended`);
}

/** Each step takes the result of the one before it. */
export function chain(steps: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const { ids } = await submit(runtime, steps, (i, ids) => ({
      task: "add",
      input: { a: i === 0 ? 0 : { $task: ids[i - 1] }, b: 1 },
    }));
    const started = performance.now();
    await requireEnd(runtime, ids[steps - 1]);
    const seconds = (performance.now() - started) / 1_000;
    return { name: `Errand in process, a chain of ${steps} steps`, count: steps, seconds };
  });
}

/** Many tasks, and one that takes all their results: how long after the last of them is it ready? */
export function chord(headers: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const started = performance.now();
    const { ids } = await submit(runtime, headers + 1, (i, ids) => ({
      task: i < headers ? "add" : "echo",
      input: i < headers ? { a: i, b: 0 } : { value: ids.slice(0, headers).map(($task) => ({ $task })) },
    }));
    // When each thousand of them was known to have ended, on disk.
    const told = Array.from({ length: Math.ceil(headers / 1_000) }, async (_, i) => {
      const some = ids.slice(1_000 * i, Math.min(headers, 1_000 * (i + 1)));
      await runtime.wait(some, "ALL_COMPLETED", LONGEST_MS);
      return performance.timeOrigin + performance.now();
    });
    const readyAt = await requireEnd(runtime, ids[headers]);
    const seconds = (performance.now() - started) / 1_000;
    const lastAt = Math.max(...await Promise.all(told));
    const notes = `the body is ready ${
      Math.max(0, Math.round(readyAt - lastAt))
    } ms after the last end is known`;
    return { name: `Errand in process, a chord over ${headers}`, count: headers + 1, seconds, notes };
  });
}

/** One call that makes many tasks; resident memory before, after it, and when all have run. */
export function map(elements: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const memory = () => Math.round(Deno.memoryUsage().rss / 2 ** 20);
    const before = memory();
    const started = performance.now();
    const { groupId } = await runtime.submit({
      batch: {
        submissions: Array.from({ length: elements }, (_, i) => ({ task: "add", input: { a: i, b: 1 } })),
        pointerOf: (_, part) => part,
      },
      group: true,
    });
    const storedMs = performance.now() - started;
    const stored = memory();
    for (const until = performance.now() + LONGEST_MS; performance.now() < until;) {
      const { log } = await runtime.groups.record(groupId!);
      if (log === elements) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const seconds = (performance.now() - started) / 1_000;
    const notes = `on disk after ${(storedMs / 1_000).toFixed(1)} s; ${before} ${stored} ${memory()} MiB`;
    return { name: `Errand in process, a map of ${elements}`, count: elements, seconds, notes };
  });
}
