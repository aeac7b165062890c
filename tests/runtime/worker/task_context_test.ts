import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define, type TaskContext } from "../../../runtime/core/define.ts";
import { noHeapSpaces } from "../../support/heap_spaces.ts";
import { run } from "../../support/program.ts";
import { skippedIf } from "../../support/skip.ts";
import { aService } from "../../support/service.ts";

async function contextsOf(count: number): Promise<TaskContext<unknown>[]> {
  const seen: TaskContext<unknown>[] = [];
  const look = define({ name: "look", input: z.unknown() }, (context) => void seen.push(context));
  await using service = await aService({ definitions: [look] });
  for (let i = 0; i < count; i++) await service.run("look", i);
  return seen;
}

Deno.test("contexts have no functions of their own for what is made on demand: each would get its own shape", async () => {
  const [one, two] = await contextsOf(2);
  for (const name of ["task", "signal"]) {
    const [a, b] = [one, two].map((context) => Object.getOwnPropertyDescriptor(context, name)!);
    assert.equal(typeof a.get, "function");
    assert.equal(a.get, b.get, name);
  }
});

Deno.test("a context can be spread and taken apart: a function may call another one with its own", async () => {
  const [context] = await contextsOf(1);
  const { signal, task } = { ...context };
  assert.equal(signal.aborted, false);
  assert.equal(task.task, "look");
  assert.equal(task, context.task);
  assert.equal(signal, context.signal);
  const names = ["attempt", "emit", "input", "log", "progress", "signal", "submit", "task"];
  assert.deepEqual(Object.keys(context).sort(), names);
});

Deno.test({
  ...skippedIf(noHeapSpaces, "garbage collections of the young free all that a task has used"),
  fn: async () => {
    const at = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
    const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    const { createRuntime } = await import(${at("runtime/mod.ts")});
    const { openKv } = await import(${at("runtime/platform/open_kv.ts")});
    const { add } = await import(${at("tasks/add.ts")});
    const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space").space_used_size;
    const kv = await openKv(":memory:");
    const runtime = await createRuntime({ kv, definitions: [add] });
    await runtime.start();
    const pass = async () => {
      const submissions = Array.from({ length: 100 }, (_, a) => ({ task: "add", input: { a, b: 2 } }));
      const { ids } = await runtime.submit({ batch: { submissions, pointerOf: (_, part) => part } });
      await runtime.wait(ids, "ALL_COMPLETED", 60_000);
      gc({ type: "minor" });
    };
    for (let i = 0; i < 20; i++) await pass();
    gc();
    const before = old();
    for (let i = 0; i < 20; i++) await pass();
    console.log(Math.round((old() - before) / 2_000));
    await runtime.stop();
    await kv.close();`;
    const flags = "--v8-flags=--expose-gc,--no-allocation-site-pretenuring";
    const { stdout, stderr } = await run({ args: ["eval", "--no-lock", "--unstable-kv", flags, script] });
    assert.match(stdout, /^-?\d+\n$/, stderr);
    // What a Map leaves behind is in it.
    assert.ok(Number(stdout) < 2_500, `${stdout} bytes of each task have become old`);
  },
});
