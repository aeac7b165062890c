// A long answer frees all it holds, however its reader leaves it.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Context } from "hono";
import { Pieces } from "../../../routes/http/pieces.ts";
import { longAnswer } from "../../../routes/http/json_stream.ts";
import { Slots } from "../../../routes/http/connection_limit.ts";
import { eventually } from "../../support/waiting.ts";

const PIECE = "x".repeat(40_000);

function aContext(head = false): Context {
  return { env: { head }, get: () => undefined } as unknown as Context;
}

/** An answer of so many pieces, and what is known of it from outside. */
function anAnswer(count: number, { head = false, longestStuckMs = 60_000, fails = false } = {}) {
  const known = { made: 0, left: false, errors: [] as unknown[], slots: new Slots(1) };
  async function* pieces() {
    try {
      for (; known.made < count; known.made++) yield await Promise.resolve(PIECE);
      if (fails) throw new Error("in the middle");
    } finally {
      known.left = true;
    }
  }
  const answer = () =>
    longAnswer(aContext(head), pieces(), {
      pieces: new Pieces(),
      headers: {},
      slots: known.slots,
      onError: (error) => known.errors.push(error),
      longestStuckMs,
    });
  return { known, answer };
}

Deno.test("an answer is whole, short or long", async () => {
  for (const count of [0, 1, 2, 3, 4, 5, 100]) {
    const { known, answer } = anAnswer(count);
    assert.equal((await (await answer()).text()).length, count * PIECE.length);
    assert.deepEqual([known.left, known.slots.taken, known.errors], [true, 0, []]);
  }
});

Deno.test("no more is made than its reader has asked for", async () => {
  const { known, answer } = anAnswer(1_000);
  const reader = (await answer()).body!.getReader();
  for (let read = 0; read < 5; read++) await reader.read();
  assert.ok(known.made < 20, `${known.made} pieces were made`);
  assert.equal(known.slots.taken, 1);
  await reader.cancel();
  assert.deepEqual([known.left, known.slots.taken], [true, 0]);
});

Deno.test("a reader that takes nothing is let go", async () => {
  const { known, answer } = anAnswer(1_000, { longestStuckMs: 20 });
  const response = await answer();
  await eventually(() => known.left && known.slots.taken === 0);
  await assert.rejects(response.text(), /takes nothing/);
  assert.deepEqual(known.errors, []);
});

Deno.test("an error early on is thrown, and a later one cuts the answer off", async () => {
  await assert.rejects(anAnswer(1, { fails: true }).answer(), /in the middle/);
  const { known, answer } = anAnswer(20, { fails: true });
  const response = await answer();
  await assert.rejects(response.text(), /in the middle/);
  assert.deepEqual([known.left, known.slots.taken, known.errors.length], [true, 0, 1]);
});

Deno.test("without a slot nothing is left open", async () => {
  const { known, answer } = anAnswer(1_000);
  const giveBack = known.slots.take(aContext(), () => {});
  await assert.rejects(answer(), /MAX_WAITING/);
  assert.equal(known.left, true);
  giveBack();
});

Deno.test("a HEAD is answered without a body", async () => {
  const { known, answer } = anAnswer(1_000, { head: true });
  assert.equal(await (await answer()).text(), "");
  assert.deepEqual([known.left, known.slots.taken], [true, 0]);
});
