import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Coalescer } from "../../../runtime/platform/coalescer.ts";
import { turn } from "../../support/waiting.ts";

Deno.test("rings of one moment make one round", async () => {
  let done = 0;
  const rounds = new Coalescer(() => Promise.resolve(void done++));
  for (let i = 0; i < 5; i++) rounds.ring();
  await rounds.idle();
  assert.equal(done, 1);
});

Deno.test("rings during a round ask for exactly one more, and two rounds never overlap", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  let atOnce = 0, most = 0;
  const rounds = new Coalescer(async () => {
    most = Math.max(most, ++atOnce);
    gates.push(Promise.withResolvers<void>());
    await gates[gates.length - 1].promise;
    atOnce--;
  });
  rounds.ring();
  await turn();
  for (let i = 0; i < 5; i++) rounds.ring();
  gates[0].resolve();
  await turn();
  assert.equal(gates.length, 2);
  gates[1].resolve();
  await rounds.idle();
  assert.equal(gates.length, 2);
  assert.equal(most, 1);
});

Deno.test("a round that does nothing asynchronous does not get it stuck", async () => {
  let done = 0;
  // deno-lint-ignore require-await
  const rounds = new Coalescer(async () => void done++);
  for (let i = 1; i <= 3; i++) {
    rounds.ring();
    await rounds.idle();
    assert.equal(done, i);
  }
});

Deno.test("a round may ring for the next one itself", async () => {
  let done = 0;
  const rounds: Coalescer = new Coalescer(() => {
    if (++done < 4) rounds.ring();
    return Promise.resolve();
  });
  rounds.ring();
  await rounds.idle();
  assert.equal(done, 4);
});

Deno.test("idle() resolves at once when nothing was rung", async () => {
  await new Coalescer(() => Promise.reject(new Error("no round"))).idle();
});
