import "../strict.ts";
import assert from "node:assert/strict";
import { fitting } from "../../demo/map_reduce.ts";

const digest = (words: number) => ({
  bytes: 1,
  lines: 1,
  words,
  top: Array.from({ length: words }, (_, i) => ({ word: `größe${i}`, count: words - i })),
});
const bytesOf = (digests: unknown[]) => new TextEncoder().encode(JSON.stringify({ digests })).length;

Deno.test("fitting() leaves digests as they are if they fit, to the byte", () => {
  const digests = [digest(50), digest(3)];
  assert.equal(fitting(digests, bytesOf(digests)), digests);
});

Deno.test("fitting() drops the rarer words of each digest until all digests fit", () => {
  const digests = [digest(50), digest(50), digest(3)];
  const fewer = fitting(digests, bytesOf(digests) - 1);
  assert.deepEqual(fewer.map(({ top }) => top.length), [25, 25, 3]);
  assert.deepEqual(fewer[0].top, digests[0].top.slice(0, 25));
  assert.deepEqual(fewer.map(({ words }) => words), [50, 50, 3]);
});

Deno.test("fitting() ends with digests without words where even those are too large", () => {
  assert.deepEqual(fitting([digest(50)], 10).map(({ top }) => top), [[]]);
});
