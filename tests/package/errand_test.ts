import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { ConfigError, createErrand, define, ErrandError, NewerFormatError, openKv } from "../../mod.ts";
import { keys } from "../../runtime/platform/keys.ts";
import { asCompleted } from "../../client/mod.ts";
import { aDatabase } from "../support/server_process.ts";
import { eventually } from "../support/waiting.ts";

const add = define(
  { name: "add", input: z.object({ a: z.number(), b: z.number() }), output: z.number() },
  ({ input }) => input.a + input.b,
);
const count = define(
  { name: "count", input: z.object({ to: z.int() }), output: z.string() },
  ({ input, emit }) => {
    for (let i = 1; i <= input.to; i++) emit(i);
    return "done";
  },
);
const stuck = define(
  { name: "stuck", input: z.object({}) },
  ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
);
const definitions = { add, count, stuck };

Deno.test("its client submits before the start, and gets results, streams and groups after it", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions });
  const future = await errand.client.submit("add", { a: 1, b: 2 });
  assert.equal((await future.state()).type, "PENDING");
  const startedAt = Date.now();
  await errand.start();
  const sum: number = await future.result();
  assert.equal(sum, 3);
  const task = await (await errand.fetch(new Request(`http://localhost/v1/tasks/${future.id}`))).json();
  assert.ok(Date.parse(task.startedAt) >= startedAt, "it ran before the start");

  const chunks: unknown[] = [];
  for await (const { event, data } of (await errand.client.submit("count", { to: 3 })).events()) {
    if (event === "chunk") chunks.push((data as { chunk: unknown }).chunk);
  }
  assert.deepEqual(chunks, [1, 2, 3]);

  const sums = await errand.client.map("add", { a: [1, 2, 3], b: 10 });
  const arrived: number[] = [];
  for await (const each of asCompleted(sums)) arrived.push(await each.result());
  assert.deepEqual(arrived.sort(), [11, 12, 13]);
});

Deno.test("a database of a newer release is refused with what to do, and is not left open", async () => {
  await using database = await aDatabase();
  {
    const kv = await openKv(database.path);
    await kv.writeBlind([{ key: keys.format, value: { version: 1_000, release: "0.9.3" } }], 0);
    await kv.close();
  }
  await assert.rejects(
    createErrand({ kv: database.path, definitions }),
    (error) => error instanceof NewerFormatError && /run Errand 0\.9\.3 or a later one/.test(error.message),
  );
});

Deno.test("definitions may be a list, and the client is typed by them all the same", async () => {
  await using errand = await createErrand({ kv: ":memory:", definitions: [add, count] });
  await errand.start();
  const text: string = await (await errand.client.submit("count", { to: 1 })).result();
  assert.equal(text, "done");
  // @ts-expect-error not the name of a definition
  await assert.rejects(errand.client.submit("cuont", { to: 1 }));
});

Deno.test("a stop hands back what runs, ends streams and waits, and is final", async () => {
  await using database = await aDatabase();
  const errand = await createErrand({ kv: database.path, definitions });
  await errand.start();
  const future = await errand.client.submit("stuck", {});
  const response = await errand.fetch(new Request(`http://localhost/v1/tasks/${future.id}/events`));
  const events = response.text();
  const waiting = errand.fetch(new Request(`http://localhost/v1/tasks/${future.id}?wait=50`));
  const result = future.result().catch((error) => error);
  await eventually(() => future.running());
  await errand.stop(0);
  assert.doesNotMatch(await events, /^event: end$/m);
  const waited = await waiting;
  assert.equal(waited.status, 200);
  await waited.body?.cancel();
  const error = await result;
  assert.ok(error instanceof ErrandError, String(error));
  assert.match(error.message, /stopped/);
  await assert.rejects(errand.client.submit("add", { a: 1, b: 2 }), /this Errand was stopped/);
  const refused = await errand.fetch(new Request("http://localhost/v1/tasks"));
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).type, "/problems/unavailable");
  await assert.rejects(errand.start(), /Cannot start this Errand: it was stopped/);
  await errand.stop();

  await using again = await createErrand({ kv: database.path, definitions });
  assert.equal((await again.client.future(future.id).state()).type, "PENDING");
});

Deno.test("a Deno.Kv of one's own keeps its keys apart, and stays open", async () => {
  const kv = await Deno.openKv(":memory:");
  try {
    const mine = [["task", "1"], ["event", "1", 1], ["blob", "1", "x", 0], ["ready", 0, 10, 0, "x"]];
    for (const key of mine) await kv.set(key, "mine");
    const errand = await createErrand({ kv, definitions });
    await errand.start();
    assert.equal(await (await errand.client.submit("add", { a: 2, b: 2 })).result(), 4);
    const large = await errand.client.submit("count", { to: 300 });
    assert.equal(await large.result(), "done");
    await errand.stop();
    const entries = await Array.fromAsync(kv.list({ prefix: [] }));
    const others = entries.filter(({ key }) => key[0] !== "errand");
    assert.deepEqual(others.map(({ key }) => key).sort(), mine.sort());
    assert.ok(others.every(({ value }) => value === "mine"));
    assert.ok(entries.length > mine.length);
  } finally {
    await kv.close();
  }
});

Deno.test("keyPrefix [] reads what was written by the path", async () => {
  await using database = await aDatabase();
  const first = await createErrand({ kv: database.path, definitions });
  const { id } = await first.client.submit("add", { a: 2, b: 3 });
  await first.stop();
  const kv = await Deno.openKv(database.path);
  const second = await createErrand({ kv, keyPrefix: [], definitions });
  await second.start();
  assert.equal(await second.client.future(id).result(), 5);
  await second.stop();
  await kv.close();
});

Deno.test("what openKv gave is used and left open", async () => {
  await using database = await aDatabase();
  const kv = await openKv(database.path);
  for (let i = 0; i < 2; i++) {
    await using errand = await createErrand({ kv, definitions });
    await errand.start();
    assert.equal(await (await errand.client.submit("add", { a: i, b: 3 })).result(), i + 3);
  }
  await kv.close();
});

Deno.test("a wrong option is named with its rule, an unknown one with the name that was meant", async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ concurency: 1 }, /^concurency is no option of createErrand; did you mean "concurrency"\?$/],
    [{ colour: 1 }, /^colour is no option of createErrand; known: role, concurrency, .*basePath/],
    [{ concurrency: 0 }, /^concurrency must be at least 1; it is 0$/],
    [{ leaseMs: "10" }, /^leaseMs must be a whole number; it is "10"$/],
    [{ kv: "" }, /^kv must/],
    [{ kv: {} }, /^kv must be a path, a URL, a Deno.Kv, or what openKv gave/],
    [{ kv: "/dev/null/kv" }, /^the database \/dev\/null\/kv cannot be opened: /],
    [{ definitions: { add: () => 1 } }, /^definitions must hold what define\(\) gave; "add" is a function$/],
    [{ definitions: undefined }, /^definitions must be an object or a list/],
    [{ basePath: "jobs" }, /^basePath must be a path like "\/jobs"/],
    [{ apiKeys: "ci" }, /^apiKeys entry 1 must be name:scope\+scope:sha256/],
    [{ keyPrefix: ["x".repeat(50)] }, /^keyPrefix must have at most 40 bytes/],
    [{ log: {} }, /^log must have the methods/],
  ];
  for (const [options, message] of wrong) {
    const made = createErrand({ kv: ":memory:", definitions, ...options } as never);
    await assert.rejects(made, (error: Error) => {
      assert.ok(error instanceof ConfigError, error.stack);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("what no caller is there to hear goes to the log that was handed in, and nowhere else", async () => {
  const said: string[] = [];
  const log = {
    info: (message: string) => void said.push(message),
    error: (message: string, error: unknown) => void said.push(`${message}: ${error}`),
  };
  await using errand = await createErrand({ kv: ":memory:", definitions, log });
  await errand.start();
  const future = await errand.client.submit("add", { a: 1, b: 2 });
  future.addDoneCallback(() => {
    throw new Error("in a callback");
  });
  await future.result();
  await eventually(() => said.length > 0);
  assert.match(said.join(), /in a callback/);
});
