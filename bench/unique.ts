// Unique submits: those that meet at a key which a task has, 50 at one instant at each free key, and those
// that have a key of their own.

import assert from "node:assert/strict";
import type { Runtime } from "../runtime/mod.ts";
import { withRuntime } from "./in_process.ts";
import { inLanes, type Measurement } from "./measure.ts";

const AT_ONCE = 50;
const FAR_MS = 24 * 60 * 60 * 1000;

async function submit(runtime: Runtime, key: string): Promise<string> {
  // Nothing starts: the submits are what is measured.
  const options = { unique: { key }, delayMs: FAR_MS };
  const submissions = [{ task: "add", input: { a: 1, b: 2 }, options }];
  const { ids } = await runtime.submit({ batch: { submissions, pointerOf: (_, part) => part } });
  return ids[0];
}

export function uniqueSubmits(count: number, lanes: number): Promise<Measurement[]> {
  return withRuntime(async (runtime) => {
    const timed = async (name: string, tasks: number, keyOf: (n: number) => string) => {
      const ids = new Set<string>();
      const started = performance.now();
      await inLanes(count, lanes, async (n) => void ids.add(await submit(runtime, keyOf(n))));
      const seconds = (performance.now() - started) / 1_000;
      assert.equal(ids.size, tasks, name);
      return { name: `Errand in process, ${name}`, count, seconds };
    };
    return [
      await timed("unique submits, each key its own", count, (n) => `own ${n}`),
      await timed("unique submits that meet at one key", 1, () => "one"),
      await timed(
        `${AT_ONCE} at a time at each key`,
        Math.ceil(count / AT_ONCE),
        (n) => `some ${Math.floor(n / AT_ONCE)}`,
      ),
    ];
  });
}
