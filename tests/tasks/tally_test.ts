import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { digest } from "../../tasks/digest.ts";
import { tally } from "../../tasks/tally.ts";
import { refusals, runTask } from "../support/task_context.ts";

const SHA256 = "0".repeat(64);

function aDigest(fields: { source?: string; bytes?: number; top?: { word: string; count: number }[] } = {}) {
  return { source: "text", bytes: 1, lines: 1, words: 1, top: [], sha256: SHA256, ...fields };
}

Deno.test("tally of no digests is all zero, with no largest", async () => {
  const { result } = await runTask(tally, { digests: [] });
  assert.deepEqual(result, { files: 0, bytes: 0, lines: 0, words: 0, top: [], largest: null });
});

Deno.test("tally passes over what stands for a digest that failed", async () => {
  const failed = { error: { name: "DigestError", message: "there is no such file", retryable: false } };
  const { result } = await runTask(tally, { digests: [failed, aDigest({ bytes: 5 }), failed] });
  assert.deepEqual([result.files, result.bytes], [1, 5]);
});

Deno.test("tally merges what digest returns", async () => {
  const digests = [];
  for (const text of ["one two two\n", "two three three\nthree", ""]) {
    digests.push((await runTask(digest, { text })).result);
  }
  const { result } = await runTask(tally, { digests });
  assert.deepEqual(result, {
    files: 3,
    bytes: 33,
    lines: 3,
    words: 7,
    top: [{ word: "three", count: 3 }, { word: "two", count: 3 }, { word: "one", count: 1 }],
    largest: { source: "text", bytes: 21 },
  });
});

Deno.test("tally names the first of the largest, also when all are empty", async () => {
  const digests = [{ source: "a", bytes: 2 }, { source: "b", bytes: 5 }, { source: "c", bytes: 5 }].map(
    aDigest,
  );
  assert.deepEqual((await runTask(tally, { digests })).result.largest, { source: "b", bytes: 5 });
  const empty = [aDigest({ source: "empty", bytes: 0 })];
  assert.deepEqual((await runTask(tally, { digests: empty })).result.largest, { source: "empty", bytes: 0 });
});

Deno.test("tally keeps the 10 most frequent words, equals in alphabetical order", async () => {
  const words = [..."lkjihgfedcba"].map((word) => ({ word, count: 1 }));
  const digests = [
    aDigest({ top: words }),
    aDigest({ top: [{ word: "z", count: 9 }, { word: "l", count: 1 }] }),
  ];
  const { top } = (await runTask(tally, { digests })).result;
  assert.deepEqual(top.map(({ word }) => word), ["z", "l", ..."abcdefgh"]);
});

Deno.test("tally counts words that are names of Object's own methods", async () => {
  const top = [{ word: "constructor", count: 2 }, { word: "__proto__", count: 1 }];
  assert.deepEqual((await runTask(tally, { digests: [aDigest({ top })] })).result.top, top);
});

Deno.test("tally tolerates fields that it does not know in a digest, but not a digest that lacks some", () => {
  assert.deepEqual(refusals(tally, { digests: [{ ...aDigest(), language: "en" }] }), []);
  assert.notDeepEqual(refusals(tally, { digests: [{ source: "text" }] }), []);
  assert.notDeepEqual(refusals(tally, {}), []);
});
