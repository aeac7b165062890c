import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { textInSlices } from "../../../routes/http/long_body.ts";
import { DEEPEST, isTooDeep } from "../../../runtime/core/json.ts";
import { systemTurns } from "../../support/turns.ts";

/** In chunks of two slices and a bit, as they come. */
function read(bytes: Uint8Array<ArrayBuffer>, slice: number): Promise<string | null> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += 2 * slice + 1) chunks.push(bytes.slice(at, at + 2 * slice + 1));
  return textInSlices(chunks, systemTurns.begin(), slice);
}

const slices = fc.integer({ min: 1, max: 40 });

Deno.test("bytes that are read in slices are the text they would be in one go, wherever the cuts are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), slices, async (text, slice) => {
      const bytes = new TextEncoder().encode(text);
      const expected = new TextDecoder().decode(bytes);
      assert.equal(await read(bytes, slice), isTooDeep(expected) ? null : expected);
    }),
    { numRuns: 500 },
  );
});

Deno.test("bytes that are no UTF-8 are refused in slices too, also at the end and at a cut", async () => {
  for (const bytes of [[0xff], [0xe4, 0xb8], [0x61, 0xe4, 0x61], [0xf0, 0x9f, 0x98]]) {
    for (const slice of [1, 2, 3, 10]) await assert.rejects(read(Uint8Array.from(bytes), slice), TypeError);
  }
});

Deno.test("a text that nests too deep is found in slices too, and brackets in strings do not count", async () => {
  const brackets = "[".repeat(2 * DEEPEST);
  const texts: [string, boolean][] = [
    ["[".repeat(DEEPEST) + "]".repeat(DEEPEST), false],
    [`${"[".repeat(DEEPEST + 1)}${"]".repeat(DEEPEST + 1)}`, true],
    [`["${brackets}"]`, false],
    [`["\\\\\\"${brackets}\\\\", "${brackets}"]`, false],
    [`["\\\\", ${brackets}]`, true],
  ];
  for (const [text, isDeep] of texts) {
    assert.equal(isTooDeep(text), isDeep, text.slice(0, 40));
    for (const slice of [1, 2, 3, 7, 1_000]) {
      assert.equal(await read(new TextEncoder().encode(text), slice), isDeep ? null : text);
    }
  }
});
