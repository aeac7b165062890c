import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { requireSeeds } from "./many_seeds.ts";
import { tell } from "./world.ts";

Deno.test("the same seed tells the same story, whatever ran before it", async () => {
  for (const seed of [3, 7, 11, 12]) {
    const first = await tell(seed);
    await tell(seed + 1_000);
    const again = await tell(seed);
    const at = first.history.findIndex((line, i) => line !== again.history[i]);
    assert.equal(again.history[at], first.history[at], `seed ${seed} differs at line ${at}`);
    assert.deepEqual(again, first);
  }
});

Deno.test("a world is one in which things go wrong", async () => {
  let crashes = 0;
  let mishaps = 0;
  let reaped = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const told = await tell(seed);
    crashes += told.crashes;
    mishaps += told.history.filter((line) => /: a commit of /.test(line)).length;
    reaped += told.history.filter((line) => /declares the worker/.test(line)).length;
  }
  assert.ok(
    crashes > 20 && mishaps > 100 && reaped > 10,
    `${crashes} crashes, ${mishaps} mishaps, ${reaped} reaped`,
  );
});

Deno.test("10 worlds keep every invariant (1 to 10)", () => requireSeeds(1, 10));
