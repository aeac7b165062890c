import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { primes } from "../../tasks/primes.ts";
import { refusals, runTask } from "../support/task_context.ts";

async function count(limit: number): Promise<number> {
  return (await runTask(primes, { limit })).result;
}

Deno.test("primes counts the primes below known limits, the limit excluded", async () => {
  const known = [[0, 0], [1, 0], [2, 0], [3, 1], [4, 2], [5, 2], [6, 3], [9, 4], [10, 4], [11, 4], [12, 5]];
  const powers = [[100, 25], [1_000, 168], [10_000, 1229], [100_000, 9592], [1_000_000, 78_498], [
    1e7,
    664_579,
  ]];
  for (const [limit, expected] of [...known, ...powers]) {
    assert.equal(await count(limit), expected, `${limit}`);
  }
});

Deno.test("primes agrees with trial division at every small limit", async () => {
  let expected = 0;
  for (let limit = 0; limit <= 2_000; limit++) {
    assert.equal(await count(limit), expected, `below ${limit}`);
    if (isPrime(limit)) expected++;
  }
});

Deno.test("primes counts alike on both sides of a segment's border", async () => {
  const border = 2 ** 19; // Segments hold 2 ** 18 odd numbers.
  for (const middle of [border, 2 * border, 3 * border]) {
    let expected = await count(middle - 50);
    for (let limit = middle - 50; limit <= middle + 50; limit++) {
      assert.equal(await count(limit), expected, `below ${limit}`);
      if (isPrime(limit)) expected++;
    }
  }
});

Deno.test("primes reports rising progress, at most 100 times and never beyond the limit", async () => {
  for (const limit of [10, 1_000_000, 60_000_000]) {
    const { progress } = (await runTask(primes, { limit })).said;
    assert.ok(progress.length >= 1 && progress.length <= 100, `${progress.length} reports`);
    assert.ok(progress.every(([current, total], i) => {
      return total === limit && current <= limit && (i === 0 || current > progress[i - 1][0]);
    }));
  }
});

Deno.test("primes asks for a thread, on which its module can be imported by itself", async () => {
  assert.ok(primes.thread !== undefined);
  const module = await import(primes.thread);
  assert.equal(module.primes.name, "primes");
});

Deno.test("primes refuses what is no whole number from 0 to 1e9", () => {
  assert.deepEqual(refusals(primes, { limit: 1e9 }), []);
  for (const limit of [-1, 1.5, 1e9 + 1, "10", null]) assert.notDeepEqual(refusals(primes, { limit }), []);
});

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
    if (candidate % divisor === 0) return false;
  }
  return candidate >= 2;
}
