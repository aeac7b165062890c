// What a body may be: JSON in UTF-8, packed or not, however its headers spell that; and the answers to
// others.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { gunzipBounded, TooManyBytesError } from "../../../routes/http/bounded.ts";
import { type Answer, aService, assertProblem, type Service, UNKNOWN_ID } from "../../support/service.ts";

const add = { task: "add", input: { a: 1, b: 2 } };
const MEBIBYTE = 2 ** 20;

type Bytes = Uint8Array<ArrayBuffer>;

function packed(value: unknown): Bytes {
  return new Uint8Array(gzipSync(typeof value === "string" ? value : JSON.stringify(value)));
}

/** @param known false: sent without its length */
function send(service: Service, path: string, body: Bytes, headers = {}, known = true): Promise<Answer> {
  return service.request("POST", path, {
    headers: {
      "content-type": "application/json",
      ...known ? { "content-length": String(body.byteLength) } : {},
      ...headers,
    },
    body: known ? body : new Blob([body]).stream(),
  });
}

const GZIP = { "content-encoding": "gzip" };

Deno.test("an empty body is told to be empty, or is none, whatever its type is called", async () => {
  await using service = await aService({ running: false });
  const url = service.listen();
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json", ""]) {
    const call = (path: string) => {
      return fetch(url + path, { method: "POST", body: "", headers: { "content-type": type } });
    };
    for (const path of ["/v1/tasks", "/v1/tasks/batch", "/v1/map", "/v1/wait"]) {
      const answer = await call(path);
      const { type: slug, detail } = await answer.json();
      assert.deepEqual([answer.status, slug], [400, "/problems/malformed-json"], `${path} ${type}`);
      assert.match(detail, /empty/);
    }
    const { id } = await service.submit("add", add.input);
    const cancelled = await call(`/v1/tasks/${id}/cancel`);
    assert.deepEqual([cancelled.status, (await cancelled.json()).outcome], [200, "cancelled"], type);
  }
});

Deno.test("a body packed with gzip counts as the same body as it is unpacked", async () => {
  await using service = await aService();
  for (const coding of ["gzip", "GZIP", "x-gzip"]) {
    for (const known of [true, false]) {
      const headers = { "content-encoding": coding, prefer: "wait=60" };
      const { status, body, text } = await send(service, "/v1/tasks", packed(add), headers, known);
      assert.deepEqual([status, body?.result], [200, 3], text);
    }
  }
  const batch = await send(service, "/v1/tasks/batch", packed({ tasks: [add, add] }), GZIP);
  assert.equal(batch.body.tasks.length, 2);
  const key = { "idempotency-key": "k" };
  const first = await send(service, "/v1/tasks", packed(add), { ...GZIP, ...key });
  const again = await service.post("/v1/tasks", JSON.stringify(add), { headers: key });
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.equal(again.body.id, first.body.id);
  const plain = await send(service, "/v1/tasks", new TextEncoder().encode(JSON.stringify(add)), {
    "content-encoding": "identity",
  });
  assert.equal(plain.status, 202);
});

Deno.test("over a socket too", async () => {
  await using service = await aService({ running: false });
  const url = service.listen();
  for (const body of [packed(add), new Blob([packed(add)]).stream()]) {
    const headers = { "content-type": "application/json", ...GZIP };
    const answer = await fetch(`${url}/v1/tasks`, { method: "POST", headers, body });
    assert.equal(answer.status, 202, await answer.text());
  }
});

Deno.test("what unpacks to more than the limit is 413", async () => {
  await using service = await aService({ running: false });
  const bomb = packed(JSON.stringify({ task: "echo", input: { value: "0".repeat(32 * MEBIBYTE) } }));
  assert.ok(bomb.byteLength < MEBIBYTE / 16);
  for (const known of [true, false]) {
    const answer = await send(service, "/v1/tasks", bomb, GZIP, known);
    assertProblem(answer, 413, "payload-too-large");
    assert.match(answer.body.detail, /unpacked/);
  }
  const twice = await send(service, "/v1/tasks", packed("[".repeat(100_000)), GZIP);
  assertProblem(twice, 422, "validation-failed", "");
});

/** Tells how much of it was taken. Each byte unpacks to 1,032 at most. */
class Watched extends Uint8Array<ArrayBuffer> {
  readonly taken: number[] = [];
  override subarray(begin = 0, end = this.byteLength): Bytes {
    const part = new Uint8Array(this.buffer, begin, Math.min(end, this.byteLength) - begin);
    this.taken.push(part.byteLength);
    return part;
  }
}

Deno.test("of what unpacks to very much no more is unpacked than the limit and a little", async () => {
  const bomb = new Watched(new Uint8Array(gzipSync(new Uint8Array(256 * MEBIBYTE))).buffer);
  await assert.rejects(gunzipBounded([bomb], MEBIBYTE), TooManyBytesError);
  assert.ok(Math.max(...bomb.taken) <= 1_024);
  const taken = bomb.taken.reduce((a, b) => a + b);
  assert.ok(taken >= 1_024 && taken <= 8 * 1_024, String(taken));
});

Deno.test("what is no gzip, or not all of it, is 400", async () => {
  await using service = await aService({ running: false });
  const whole = packed(add);
  const broken = whole.slice();
  broken[broken.length - 6] ^= 0xff;
  const bodies: Bytes[] = [
    new TextEncoder().encode(JSON.stringify(add)),
    whole.slice(0, -1),
    whole.slice(0, 12),
    broken,
    new Uint8Array([...whole, 1, 2, 3]),
  ];
  for (const [i, body] of bodies.entries()) {
    const answer = await send(service, "/v1/tasks", body, GZIP);
    assertProblem(answer, 400, "malformed-json", "");
    assert.match(answer.body.detail, /Content-Encoding says gzip/, String(i));
  }
  const latin = await send(
    service,
    "/v1/tasks",
    new Uint8Array(gzipSync(new Uint8Array([0x22, 0xff, 0x22]))),
    GZIP,
  );
  assertProblem(latin, 400, "malformed-json", "");
  assert.match(latin.body.detail, /UTF-8/);
});

Deno.test("another charset or packing is 415, and the header is named", async () => {
  await using service = await aService({ running: false });
  const bytes = new TextEncoder().encode(JSON.stringify({ ...add, options: { tags: ["ä"] } }));
  const cases: [Record<string, string>, string, RegExp, string, string][] = [
    [{ "content-encoding": "br" }, "content-encoding", /gzip.* br$/, "accept-encoding", "gzip, identity"],
    [
      { "content-encoding": "gzip, gzip" },
      "content-encoding",
      /gzip, gzip$/,
      "accept-encoding",
      "gzip, identity",
    ],
    [{ "content-encoding": "constructor" }, "content-encoding", /gzip/, "accept-encoding", "gzip, identity"],
    [
      { "content-type": "application/json; charset=iso-8859-1" },
      "content-type",
      /charset=iso-8859-1$/,
      "accept",
      "application/json",
    ],
    [
      { "content-type": 'application/json;charset="UTF-16"' },
      "content-type",
      /UTF-16/,
      "accept",
      "application/json",
    ],
    [{ "content-type": "text/plain" }, "content-type", /text\/plain/, "accept", "application/json"],
  ];
  for (const [headers, name, detail, offered, value] of cases) {
    for (const known of [true, false]) {
      for (const path of ["/v1/tasks", "/v1/wait", `/v1/tasks/${UNKNOWN_ID}/retry`]) {
        const answer = await send(service, path, bytes, headers, known);
        assertProblem(answer, 415, "unsupported-media-type", `/header/${name}`);
        assert.match(answer.body.detail, detail);
        assert.equal(answer.headers.get(offered), value);
      }
    }
  }
});

Deno.test("a body counts however its type is spelled", async () => {
  await using service = await aService({ running: false });
  const types = [
    "application/json",
    "Application/JSON",
    "application/json ; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/json; charset=us-ascii; q=1",
    "application/vnd.api+json",
    "APPLICATION/LD+JSON",
    "application/json;",
  ];
  for (const type of types) {
    const headers = { "content-type": type };
    const batch = await service.post("/v1/tasks/batch", { tasks: [add] }, { headers });
    assert.equal(batch.status, 202, `${type}: ${batch.text}`);
    const [{ id }] = batch.body.tasks;
    assertProblem(
      await service.post(`/v1/tasks/${id}/cancel`, { reason: 5 }, { headers }),
      422,
      "validation-failed",
    );
    const cancelled = await service.post(`/v1/tasks/${id}/cancel`, { reason: "mine" }, { headers });
    assert.equal(cancelled.body.state.message, "mine", type);
  }
});
