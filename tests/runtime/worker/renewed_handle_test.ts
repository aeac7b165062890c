import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { RenewedHandle } from "../../../runtime/worker/renewed_handle.ts";
import { turn } from "../../support/waiting.ts";

Deno.test("a handle on which several fail at once is closed once, and the next one gets another", async () => {
  const opened: number[] = [];
  const closed: number[] = [];
  const renewed = new RenewedHandle(() => {
    const n = opened.push(opened.length);
    let isOpen = true;
    return Promise.resolve({
      n,
      close() {
        // As Deno.Kv does.
        if (!isOpen) throw new Deno.errors.BadResource("Bad resource ID");
        isOpen = false;
        closed.push(n);
      },
    });
  });
  const fail = () => renewed.use(() => Promise.reject(new Error("away")));
  assert.deepEqual(await Promise.all([fail(), fail(), fail()]), [false, false, false]);
  await turn();
  const used: number[] = [];
  assert.equal(await renewed.use(({ n }) => Promise.resolve(used.push(n))), true);
  assert.deepEqual([opened.length, closed, used], [2, [1], [2]]);
});

Deno.test("a handle that cannot be opened is tried again with the next use", async () => {
  let tries = 0;
  const renewed = new RenewedHandle(() => {
    return ++tries === 1 ? Promise.reject(new Error("no file")) : Promise.resolve({ close() {} });
  });
  assert.deepEqual([await renewed.use(() => Promise.resolve()), tries], [false, 1]);
  assert.deepEqual([await renewed.use(() => Promise.resolve()), tries], [true, 2]);
});
