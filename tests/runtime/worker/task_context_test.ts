import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define, type TaskContext } from "../../../runtime/core/define.ts";
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
