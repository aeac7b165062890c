import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { once, onceLoaded } from "../../../runtime/core/once.ts";

Deno.test("what is made once is the same for every call", () => {
  let made = 0;
  const get = once(() => ({ made: ++made }));
  assert.equal(get(), get());
  assert.equal(made, 1);
});

Deno.test("what is loaded once is loaded for all calls by the first one", async () => {
  let loads = 0;
  const load = onceLoaded(() => Promise.resolve(++loads));
  assert.deepEqual(await Promise.all([load(), load()]), [1, 1]);
  assert.equal(await load(), 1);
});

Deno.test("a load that fails is the error of its calls alone: the next one loads anew", async () => {
  let loads = 0;
  const load = onceLoaded(async () => {
    if (++loads === 1) throw new Error("too many open files");
    return await Promise.resolve(loads);
  });
  const outcomes = await Promise.allSettled([load(), load()]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual(await Promise.all([load(), load()]), [2, 2]);
});
