// A program whose metrics Deno exports: it runs a task, one that fails, and one that fails once; one is
// scheduled, and one is held by a limit. It stops when its standard input ends.

import { z } from "zod";
import { createErrand, define } from "../../mod.ts";

const add = define(
  { name: "add", input: z.object({ a: z.int(), b: z.int() }) },
  ({ input }) => input.a + input.b,
);
const fail = define({ name: "fail", input: z.object({ attempts: z.int() }) }, ({ input, attempt }) => {
  if (attempt <= input.attempts) throw new Error("not yet");
});

const errand = await createErrand({ kv: ":memory:", definitions: { add, fail } });
await errand.start();
const { client } = errand;
const inputs = { a: 1, b: 2 };
const twice = { retry: { maxAttempts: 2, delayMs: 0 } };
await (await client.submit("add", inputs)).result();
await (await client.submit("fail", { attempts: 1 }, twice)).result();
await (await client.submit("fail", { attempts: 2 }, { ...twice, queue: "slow" })).exception();
await client.submit("add", inputs, { delayMs: 3_600_000, queue: "slow" });
await client.submit("add", inputs, { concurrency: { key: "a-key", limit: 0 } });
await client.schedules.put("yearly", { task: "add", input: inputs, spec: [{ cron: "@yearly" }] });
await (await client.schedules.trigger("yearly")).result();
for await (const _ of Deno.stdin.readable);
await errand.stop();
