// The memory for unfinished bodies is bounded, and freed in full however the call ends.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { gunzipBounded, lengthOf } from "../../../routes/http/bounded.ts";
import { BodyBudget, type BodyBudgetOptions } from "../../../routes/http/body_budget.ts";
import { Usage } from "../../../runtime/core/usage.ts";
import { aKey } from "../../support/api_keys.ts";
import { onConnections, SlowCaller } from "../../support/on_connections.ts";
import { aService, type ServiceOptions } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const LARGE = 600_000;

async function withBudget(budget: BodyBudgetOptions, options: ServiceOptions = {}) {
  const service = await aService({ running: false, ...options });
  const bodies = new BodyBudget(budget);
  const listener = onConnections(service, { bodies });
  const { port } = listener.address;
  return {
    bodies,
    listener,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await listener.shutdown();
      await service[Symbol.asyncDispose]();
    },
  };
}

Deno.test("where bodies that are held back fill the room, one more large one is 503 and cut, and small calls go on", async () => {
  await using fixture = await withBudget({ mostBytes: 1_500_000 });
  const { bodies, listener, url } = fixture;
  const holding = await Promise.all([SlowCaller.to(listener), SlowCaller.to(listener)]);
  for (const caller of holding) await caller.hold(LARGE);
  await eventually(() => bodies.bytes > 2 * LARGE);
  const late = await SlowCaller.to(listener);
  // It may be refused, and cut, while it still sends.
  await late.hold(LARGE).catch(() => {});
  const said = await late.hears(/MAX_BODY_BYTES/);
  assert.match(said, /^HTTP\/1\.1 503 /);
  assert.match(said, /\r\nretry-after: 2\r\n/);
  assert.match(said, /\r\nconnection: close\r\n/);
  await eventually(() => listener.connections === 2);
  const small = await fetch(`${url}/v1/tasks`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "add", input: { a: 1, b: 2 } }),
  });
  assert.equal(small.status, 202);
  await small.body!.cancel();
  for (const caller of holding) {
    await caller.send("}");
    assert.match(await caller.hears(/\r\n\r\n/), /^HTTP\/1\.1 202 /);
  }
  await eventually(() => bodies.bytes === 0);
  for (const caller of [...holding, late]) caller.close();
});

Deno.test("a body that does not come to its end in time is 408: its bytes are given back, and its connection is cut", async () => {
  await using fixture = await withBudget({ mostBytes: 2 ** 24, longestMs: 100 });
  const { bodies, listener } = fixture;
  // A large one that is counted, and a small one that is not.
  for (const bytes of [LARGE, 100]) {
    const caller = await SlowCaller.to(listener);
    await caller.hold(bytes);
    const said = await caller.hears(/request-timeout/);
    assert.match(said, /^HTTP\/1\.1 408 /);
    assert.match(said, /\r\nconnection: close\r\n/);
    await eventually(() => bodies.bytes === 0);
    await eventually(() => listener.connections === 0, "the connection is kept");
    caller.close();
  }
});

Deno.test("a caller that goes away while it sends gives its bytes back", async () => {
  await using fixture = await withBudget({ mostBytes: 2 ** 24 });
  const { bodies, listener } = fixture;
  const caller = await SlowCaller.to(listener);
  await caller.hold(LARGE);
  await eventually(() => bodies.bytes > LARGE);
  caller.close();
  await eventually(() => bodies.bytes === 0);
});

Deno.test("one key holds at most half of the room, another one still gets its own", async () => {
  const [one, other] = [aKey(["submit"], "one"), aKey(["submit"], "other")];
  await using fixture = await withBudget({ mostBytes: 2_000_000 }, { apiKeys: [one.key, other.key] });
  const { bodies, listener } = fixture;
  const callers = await Promise.all([1, 2, 3].map(() => SlowCaller.to(listener)));
  await callers[0].hold(LARGE, `authorization: Bearer ${one.secret}\r\n`);
  await eventually(() => bodies.bytes > LARGE);
  await callers[1].hold(LARGE, `authorization: Bearer ${one.secret}\r\n`).catch(() => {});
  assert.match(await callers[1].hears(/GET \/v1\/usage/), /^HTTP\/1\.1 503 [^]*the key \\"one\\"/);
  await callers[2].hold(LARGE, `authorization: Bearer ${other.secret}\r\n`);
  await callers[2].send("}");
  assert.match(await callers[2].hears(/\r\n\r\n/), /^HTTP\/1\.1 202 /);
  for (const caller of callers) caller.close();
});

Deno.test("a call that is answered or refused has given its bytes back", async () => {
  await using fixture = await withBudget({ mostBytes: 2 ** 24 });
  const { bodies, url } = fixture;
  const value = "x".repeat(LARGE);
  const calls: [string, unknown, number][] = [
    ["/v1/tasks", { task: "echo", input: { value } }, 202],
    ["/v1/tasks", { task: "echo", input: { value }, unknown: 1 }, 422],
    ["/v1/tasks", `{"task":"echo","input":{"value":"${value}"`, 400],
    ["/v1/tasks", { task: "echo", input: { value: value.repeat(3) } }, 413],
    ["/v1/tasks/batch", { tasks: [{ task: "echo", input: { value } }] }, 202],
    ["/v1/map", { task: "nobody", inputs: [{ value }] }, 422],
  ];
  for (const [path, body, status] of calls) {
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    assert.equal(answer.status, status, await answer.text());
    assert.equal(bodies.bytes, 0, `${path} ${status}`);
  }
});

Deno.test("a body of no bytes has room, whoever sends it", () => {
  const budget = new BodyBudget({ mostBytes: 10 });
  const me = new Usage({ kind: "key", name: "me", tenant: "" });
  me.allow({}, 0.5);
  const share = budget.share([me]);
  share.grow(0);
  share.grow(5);
  assert.throws(() => share.grow(1));
  share.giveBack();
  assert.deepEqual([budget.bytes, me.bodyBytes], [0, 0]);
});

Deno.test("a packed body counts as what it unpacks to: where that has no room it is 503, and nothing stays counted", async () => {
  await using fixture = await withBudget({ mostBytes: LARGE });
  const { bodies, listener, url } = fixture;
  const send = (characters: number) => {
    const body = JSON.stringify({ task: "echo", input: { value: "x".repeat(characters) } });
    const packed = new Uint8Array(gzipSync(body));
    assert.ok(packed.byteLength < 16_000);
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    return fetch(`${url}/v1/tasks`, { method: "POST", headers, body: packed });
  };
  const large = await send(LARGE);
  assert.equal(large.status, 503);
  assert.match(await large.text(), /MAX_BODY_BYTES/);
  assert.equal(bodies.bytes, 0);
  const small = await send(LARGE / 2);
  assert.equal(small.status, 202, await small.text());
  assert.equal(bodies.bytes, 0);
  await eventually(() => listener.connections <= 1);
});

Deno.test("a packed body is not counted twice: the pieces that are unpacked are given back", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const packed = new Uint8Array(gzipSync(bytes));
  const budget = new BodyBudget({ mostBytes: 100_000 });
  const share = budget.share([]);
  share.grow(packed.byteLength);
  const chunks = [packed.slice(0, 20_000), packed.slice(20_000, 40_000), packed.slice(40_000)];
  const onDone = (count: number) => share.add(-count);
  const plain = await gunzipBounded(chunks, 60_000, { onBytes: share.grow, onDone });
  assert.equal(lengthOf(plain), bytes.byteLength);
  assert.equal(budget.bytes, bytes.byteLength);
});
