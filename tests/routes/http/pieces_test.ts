// Large answers: whoever reads them slowly, or not at all, costs a piece each, is counted, and is cut.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Context } from "hono";
import { Pieces } from "../../../routes/http/pieces.ts";
import { ProblemError } from "../../../routes/http/problem.ts";
import { BodyBudget } from "../../../routes/http/body_budget.ts";
import { aService } from "../../support/service.ts";
import { eventually } from "../../support/waiting.ts";

const bytes = crypto.getRandomValues(new Uint8Array(60_000)).slice();
const large = new Uint8Array(500_000).map((_, i) => bytes[i % bytes.length]);

/** A call, and whether its connection was cut. */
function aCall(arrival = {}) {
  const known = { isCut: false };
  const connection = { address: "127.0.0.1", close: () => known.isCut = true, closeSoon: () => {} };
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
  const first = pieces.json(aCall({ bodies }).c, text, {});
  assert.equal(bodies.bytes, text.length);
  assert.throws(() => pieces.json(aCall({ bodies }).c, text, {}), /MAX_BODY_BYTES/);
  assert.equal(bodies.bytes, text.length);
  assert.equal(await first.text(), text);
  assert.equal(bodies.bytes, 0);
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
