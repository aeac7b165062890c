// A program whose spans Deno exports: a task that fails once, and has a child.

import { z } from "zod";
import { createErrand, define, type ErrandOptions } from "../../mod.ts";

const add = define(
  { name: "add", input: z.object({ a: z.int(), b: z.int() }) },
  ({ input }) => input.a + input.b,
);
const parent = define({ name: "parent", input: z.object({}) }, async ({ submit, attempt }) => {
  const child = await submit("add", { a: 1, b: 2 });
  const sum = await child.result();
  if (attempt === 1) throw new Error("not yet");
  return sum;
});

const [traceparent, runs, tracestate] = Deno.args;
const errand = await createErrand({
  kv: ":memory:",
  definitions: { add, parent },
  traceRuns: runs as ErrandOptions["traceRuns"],
});
await errand.start();
const request = new Request("http://errand/v1/tasks", {
  method: "POST",
  headers: { "content-type": "application/json", host: "localhost", traceparent, tracestate },
  body: JSON.stringify({
    task: "parent",
    input: {},
    options: { retry: { maxAttempts: 2, delayMs: 0 }, queue: "slow" },
  }),
});
const { id } = await (await errand.fetch(request)).json();
await errand.client.future(id).result();
const tasks = await Array.fromAsync(errand.client.tasks.list());
const kept = tasks.map(({ task, traceparent, tracestate = null }) => ({ task, traceparent, tracestate }));
await errand.stop();
// deno-lint-ignore no-console -- what the test reads
console.log(JSON.stringify(kept));
