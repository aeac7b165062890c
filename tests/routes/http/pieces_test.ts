// Large answers: whoever reads them slowly, or not at all, costs a piece each, is counted, and is cut.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Context } from "hono";
import { z } from "zod";
import { Pieces } from "../../../routes/http/pieces.ts";
import { define } from "../../../runtime/core/define.ts";
import type { Turn } from "../../../runtime/mod.ts";
import { ProblemError } from "../../../routes/http/problem.ts";
import { BodyBudget } from "../../../routes/http/body_budget.ts";
import { aService, type Body } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const bytes = crypto.getRandomValues(new Uint8Array(60_000)).slice();
const large = new Uint8Array(500_000).map((_, i) => bytes[i % bytes.length]);

/** A call, and whether its connection was cut. */
function aCall(arrival = {}, taken?: Promise<void>) {
  const known = { isCut: false };
  const connection = {
    address: "127.0.0.1",
    taken,
    close: () => known.isCut = true,
    closeSoon: () => {},
  };
  return { known, c: { env: { ...arrival, connection }, get: () => undefined } as unknown as Context };
}

Deno.test("an answer in pieces is whole, and its pieces are parts of the one buffer", async () => {
  const pieces = new Pieces();
  const response = pieces.shared(aCall().c, large, {});
  const buffers = new Set<ArrayBufferLike>();
  let size = 0;
  for await (const piece of response.body!) {
    buffers.add(piece.buffer);
    assert.deepEqual(piece, large.subarray(size, size += piece.length));
  }
  assert.equal(size, large.length);
  assert.deepEqual([...buffers], [large.buffer]);
  assert.equal(pieces.open, 0);
  const small = await pieces.shared(aCall().c, bytes, {}).bytes();
  assert.deepEqual(small, bytes);
});

Deno.test("a reader that takes nothing is cut with its connection, also in the middle", async () => {
  const pieces = new Pieces({ longestStuckMs: 20 });
  for (const reads of [0, 2]) {
    const { c, known } = aCall();
    const reader = pieces.shared(c, large, {}).body!.getReader();
    for (let i = 0; i < reads; i++) await reader.read();
    await eventually(() => known.isCut && pieces.open === 0);
    await assert.rejects(reader.read(), /takes nothing/);
  }
});

Deno.test("of more answers than may be sent at once one is 503, and one that is left makes room", async () => {
  const pieces = new Pieces({ most: 2 });
  const [first, second] = [1, 2].map(() => pieces.shared(aCall().c, large, {}));
  assert.throws(
    () => pieces.shared(aCall().c, large, {}),
    (error) => error instanceof ProblemError && error.problem.status === 503,
  );
  await first.body!.cancel();
  assert.equal((await pieces.shared(aCall().c, large, {}).bytes()).length, large.length);
  await second.body!.cancel();
  assert.equal(pieces.open, 0);
});

Deno.test("JSON of one caller counts its bytes until it is sent", async () => {
  const bodies = new BodyBudget({ mostBytes: 500_000 });
  const pieces = new Pieces();
  const text = JSON.stringify("x".repeat(300_000));
  const first = pieces.json(aCall({ bodies }).c, text);
  assert.equal(bodies.bytes, text.length);
  assert.throws(() => pieces.json(aCall({ bodies }).c, text), /MAX_BODY_BYTES/);
  assert.equal(bodies.bytes, text.length);
  assert.equal(await first.text(), text);
  assert.equal(bodies.bytes, 0);
});

Deno.test("on a connection that carries several answers one of 5 kB counts until it is taken", async () => {
  const bodies = new BodyBudget({ mostBytes: 12_000 });
  const pieces = new Pieces();
  const text = JSON.stringify("x".repeat(5_000));
  assert.equal(await pieces.json(aCall({ bodies }).c, text).text(), text);
  assert.equal(bodies.bytes, 0);
  const taken = Promise.withResolvers<void>();
  const { c } = aCall({ bodies }, taken.promise);
  const answers = [pieces.json(c, text), pieces.json(c, text)];
  assert.throws(() => pieces.json(c, text), /MAX_BODY_BYTES/);
  for (const answer of answers) assert.equal(await answer.text(), text);
  // The platform has them, and their reader has not.
  assert.deepEqual([bodies.bytes, pieces.open], [2 * text.length, 2]);
  await pieces.json(c, JSON.stringify("x".repeat(4_000))).text();
  taken.resolve();
  await eventually(() => bodies.bytes === 0 && pieces.open === 0);
});

Deno.test("a reader that takes nothing of what the platform keeps for it is cut with its connection", async () => {
  const pieces = new Pieces({ longestStuckMs: 20 });
  const { c, known } = aCall({}, new Promise(() => {}));
  const answer = pieces.shared(c, large.slice(0, 5_000), {});
  assert.equal((await answer.bytes()).length, 5_000);
  assert.deepEqual([known.isCut, pieces.open], [false, 1]);
  await eventually(() => known.isCut && pieces.open === 0);
});

Deno.test("a text in parts is sent as the one that they make, counted, and encoded with turns between", async () => {
  const bodies = new BodyBudget({ mostBytes: 1_000_000 });
  const pieces = new Pieces();
  let asked = 0;
  const turn = { over: () => (asked++, null) } as unknown as Turn;
  const parts = [
    "[",
    ...Array.from({ length: 100 }, (_, i) => `${i ? "," : ""}"${"\u00e4".repeat(1_500)}"`),
    "]",
  ];
  const answer = await pieces.jsonOf(aCall({ bodies }).c, turn, parts, { link: "x" });
  const text = parts.join("");
  const length = new TextEncoder().encode(text).length;
  assert.equal(answer.headers.get("content-length"), String(length));
  assert.equal(bodies.bytes, length);
  assert.ok(asked >= 2 && asked < 20, `${asked}`);
  assert.equal(await answer.text(), text);
  assert.deepEqual([bodies.bytes, pieces.open], [0, 0]);
  const small = await pieces.jsonOf(aCall({ bodies }).c, turn, ["[1", ",2", "]"], {});
  assert.equal(await small.text(), "[1,2]");
});

Deno.test("a call that changes something is refused before it does, and its answer afterwards only counted", async () => {
  const bodies = new BodyBudget({ mostBytes: 500_000 });
  const pieces = new Pieces({ most: 1 });
  const text = JSON.stringify("\u00e4".repeat(300_000));
  const bytes = 2 * 300_000 + 2;
  const { c } = aCall({ bodies });
  {
    using room = pieces.room(c, 400_000);
    assert.equal(bodies.bytes, 400_000);
    assert.throws(() => pieces.room(c, 200_000), /MAX_BODY_BYTES/);
    assert.equal(room.fits(600_000), false);
    assert.equal(bodies.bytes, 400_000);
  }
  assert.equal(bodies.bytes, 0);
  using room = pieces.room(c);
  const answer = room.json(text, 202, { location: "/here" });
  assert.deepEqual([answer.status, answer.headers.get("location")], [202, "/here"]);
  assert.equal(bodies.bytes, bytes);
  assert.throws(() => pieces.room(c, 100_000), /1 large answers are being sent/);
  assert.equal(await answer.text(), text);
  assert.equal(bodies.bytes, 0);
});

Deno.test("every answer with tasks in it goes in pieces where it is large, and is counted until it is read", async () => {
  await using service = await aService();
  const bodies = new BodyBudget({ mostBytes: 20_000_000 });
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.app.fetch(
      new Request(`http://localhost${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
      { bodies },
    );
  const long = "x".repeat(100_000);
  const one = { task: "echo", input: { value: long } };
  const tasks = Array.from({ length: 400 }, () => ({ task: "echo", input: { value: 1 } }));
  const { body: { tasks: made, groupId } } = await service.post("/v1/tasks/batch", { tasks, group: true });
  const ids = made.map(({ id }: Body) => id);
  const failed = await service.run("fail", { message: long });
  const calls: [string, string, unknown?, Record<string, string>?][] = [
    ["POST", "/v1/tasks", one],
    ["POST", "/v1/tasks", one, { prefer: "wait=20" }],
    ["POST", "/v1/tasks/batch", { tasks }],
    ["POST", "/v1/map", { task: "echo", map: { value: Array(400).fill(1) } }],
    ["POST", "/v1/flows", { group: tasks }],
    ["POST", "/v1/wait", { ids }],
    ["POST", "/v1/groups", { ids }],
    ["GET", `/v1/groups/${groupId}`],
    ["GET", "/v1/tasks?limit=500"],
    ["GET", `/v1/tasks/${failed.id}`],
    ["POST", `/v1/tasks/${failed.id}/retry`],
  ];
  for (const [method, path, body, headers] of calls) {
    const response = await call(method, path, body, headers);
    assert.ok(response.ok, `${path}: ${response.status}`);
    const length = Number(response.headers.get("content-length"));
    assert.equal(bodies.bytes, length, `${method} ${path} is not counted`);
    const reader = response.body!.getReader();
    assert.ok((await reader.read()).value!.length <= 64 * 1024, `${method} ${path} is one piece`);
    await reader.cancel();
    assert.equal(bodies.bytes, 0, `${method} ${path} is counted for ever`);
  }
});

Deno.test("where no result of a task can be told any more, Prefer: wait is passed over: 202, and the task as it was stored", async () => {
  const long = define({ name: "long", input: z.int() }, ({ input }) => "x".repeat(input));
  await using service = await aService({ definitions: [long] });
  const bodies = new BodyBudget({ mostBytes: 1_000_000 });
  bodies.share([]).grow(900_000);
  for (const [input, status, result] of [[50_000, 200, 50_000], [200_000, 202, undefined]]) {
    const response = await service.app.fetch(
      new Request("http://localhost/v1/tasks", {
        method: "POST",
        headers: { "content-type": "application/json", prefer: "wait=20" },
        body: JSON.stringify({ task: "long", input }),
      }),
      { bodies },
    );
    const task = await response.json();
    assert.deepEqual([response.status, task.result?.length], [status, result]);
    assert.equal(response.headers.has("preference-applied"), status === 200);
    assert.equal((await service.ended(task.id)).result.length, input);
  }
  assert.equal(bodies.bytes, 900_000);
});

Deno.test("all who ask for a large file of the docs, or for the document, are sent parts of the same bytes", async () => {
  await using service = await aService({ running: false });
  const gzip = { "accept-encoding": "gzip" };
  const calls: [string, Record<string, string>][] = [
    ["/docs/swagger-ui-bundle.js", gzip],
    ["/docs/swagger-ui-bundle.js", {}],
    ["/openapi.json", {}],
    ["/client/errand.js", {}],
  ];
  for (const [path, headers] of calls) {
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 3; i++) {
      const reader = (await service.app.request(path, { headers })).body!.getReader();
      buffers.add((await reader.read()).value!.buffer);
      await reader.cancel();
    }
    assert.equal(buffers.size, 1, path);
  }
});
