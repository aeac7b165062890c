import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { TextStatistics } from "../../../tasks/digest/statistics.ts";

/** The definition of every count, on all of the text at once. */
function countAtOnce(bytes: Uint8Array) {
  const text = new TextDecoder().decode(bytes);
  const words = [...text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)].map(([word]) =>
    [...word].slice(0, 64).join("").toLowerCase()
  );
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const top = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 50);
  const feeds = bytes.filter((byte) => byte === 10).length;
  return {
    bytes: bytes.length,
    lines: bytes.length > 0 && bytes[bytes.length - 1] !== 10 ? feeds + 1 : feeds,
    words: words.length,
    top: top.map(([word, count]) => ({ word, count })),
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

function countInChunks(bytes: Uint8Array, cuts: number[]) {
  const statistics = new TextStatistics();
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < borders.length; i++) {
    // A buffer that is overwritten afterwards, as a reader's is.
    const chunk = bytes.slice(borders[i - 1], borders[i]);
    statistics.add(chunk);
    chunk.fill(0x78);
  }
  return statistics.finish();
}

const encode = (text: string) => new TextEncoder().encode(text);
const someCuts = fc.array(fc.nat(), { maxLength: 20 });
const someText = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom("a", "B", "the", " ", "\n", "\r\n", "-", "é", "e\u0301", "ΟΔΟΣ", "σ", "ς"),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom("İ", "ß", "中文", "१२", "हिन्दी", "𝔘", "😀", "\ufeff", "x".repeat(40)),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 5 }) },
  ),
  { maxLength: 60 },
).map((pieces) => pieces.join(""));

Deno.test("any text cut anywhere gives the same counts as all of it at once", () => {
  fc.assert(
    fc.property(someText, someCuts, (text, cuts) => {
      const bytes = encode(text);
      assert.deepEqual(countInChunks(bytes, cuts), countAtOnce(bytes));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("any bytes, UTF-8 or not, cut anywhere give the same counts as all of them at once", () => {
  const someBytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(someBytes, someCuts, (bytes, cuts) => {
      assert.deepEqual(countInChunks(bytes, cuts), countAtOnce(bytes));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a text that comes byte by byte is counted right", () => {
  const bytes = encode("Größe größe\n𝔘nicode 😀 e\u0301t\u00e9\r\nend");
  const cuts = Array.from(bytes, (_, i) => i);
  const counted = countInChunks(bytes, cuts);
  assert.deepEqual(counted, countAtOnce(bytes));
  assert.deepEqual([counted.lines, counted.words], [3, 5]);
  assert.deepEqual(counted.top[0], { word: "größe", count: 2 });
});

Deno.test("a byte order mark is part of no word, at the start or, wherever it is cut, in the middle", () => {
  for (const cuts of [[], [3], [4], [5], [6], [7]]) {
    const { words, top } = countInChunks(encode("\ufeffa\ufeffb"), cuts);
    assert.equal(words, 2);
    assert.deepEqual(top, [{ word: "a", count: 1 }, { word: "b", count: 1 }]);
  }
});

Deno.test("a word is known by its first 64 characters, however long it is and however it is cut", () => {
  const bytes = encode(`${"𝔘".repeat(64)}abc ${"𝔘".repeat(100_000)} ${"𝔘".repeat(63)}`);
  for (const cuts of [[], [4 * 64], [4 * 64 + 1], [4 * 63, 4 * 64, 4 * 65, 200_000, 300_000]]) {
    const { words, top } = countInChunks(bytes, cuts);
    assert.equal(words, 3);
    assert.deepEqual(top, [{ word: "𝔘".repeat(64), count: 2 }, { word: "𝔘".repeat(63), count: 1 }]);
  }
});

Deno.test("at most 50 words are told, equals in the order of their code units", () => {
  const { top } = countInChunks(encode(Array.from({ length: 60 }, (_, i) => `w${59 - i}`).join(" ")), []);
  assert.equal(top.length, 50);
  assert.deepEqual(top.slice(0, 4).map(({ word }) => word), ["w0", "w1", "w10", "w11"]);
});

Deno.test("with more different words than are remembered, all are counted and the frequent ones stay exact", () => {
  const statistics = new TextStatistics();
  const repeats = 250_000;
  for (let i = 0; i < repeats; i += 1_000) {
    const rare = Array.from({ length: 1_000 }, (_, k) => `rare${i + k}`).join(" ");
    statistics.add(encode(`${rare} frequent Frequent other\n`));
  }
  const { words, top } = statistics.finish();
  assert.equal(words, repeats + 3 * 250);
  assert.deepEqual(top.slice(0, 2), [{ word: "frequent", count: 500 }, { word: "other", count: 250 }]);
});
