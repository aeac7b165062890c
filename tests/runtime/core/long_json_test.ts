// The text of a long value is made in steps, and is the one that it would be in one go.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { DEEPEST, NotJsonError, toJsonText, toShortJsonText } from "../../../runtime/core/json.ts";
import { toJsonTextInTurns } from "../../../runtime/core/long_json.ts";

const now = { over: () => null };

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

Deno.test("toJsonTextInTurns() writes what toJsonText() does", async () => {
  const values: unknown[] = [
    undefined,
    null,
    "",
    [],
    {},
    [[], {}, [{}]],
    { a: undefined, b: [undefined].slice(1), c: { d: undefined } },
    [-0, 2 ** 60, 1, [-0], { n: 2 ** 53 }],
    JSON.parse('{"__proto__":{"a":[1]},"x":"\\u2028\\ud800"}'),
    Object.create(null),
    nested(DEEPEST),
    [Array(5_000).fill(1), "x".repeat(100_000), Array(3).fill(Array(2_500).fill("a"))],
  ];
  for (const value of values) assert.equal(await toJsonTextInTurns(value, now), toJsonText(value));
  await fc.assert(fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (value) => {
    assert.equal(await toJsonTextInTurns(value, now), toJsonText(value));
  }));
});

Deno.test("toJsonTextInTurns() refuses what toJsonText() does, in the same words", async () => {
  const wrong: unknown[] = [
    { a: [1, NaN] },
    { f: () => {} },
    [1n],
    [1, undefined],
    [[1], { at: new Date(0) }],
    new Map(),
    nested(DEEPEST + 1),
    Symbol(),
  ];
  for (const value of wrong) {
    let message = "";
    assert.throws(() => toJsonText(value), (error) => {
      message = (error as Error).message;
      return error instanceof NotJsonError;
    });
    await assert.rejects(toJsonTextInTurns(value, now), { name: "NotJsonError", message });
  }
});

Deno.test("a step of it takes few parts, however they are nested", async () => {
  const shapes: unknown[] = [
    Array(100_000).fill(0),
    Array(100_000).fill({}),
    Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`f${i}`, i])),
    Array(100).fill(nested(999 - 1)),
    Array(100).fill("x".repeat(20_000)),
  ];
  for (const [i, value] of shapes.entries()) {
    let steps = 0;
    const text = await toJsonTextInTurns(value, { over: () => (steps++, null) });
    assert.ok(text === JSON.stringify(value));
    assert.ok(steps >= 90, `${i}: ${steps} steps`);
  }
});

Deno.test("only the text of a short value is made in one go", () => {
  assert.equal(toShortJsonText({ a: Array(1_000).fill(1) }), toJsonText({ a: Array(1_000).fill(1) }));
  assert.equal(toShortJsonText(undefined), "null");
  const long = [Array(20_000).fill(1), { text: "x".repeat(400_000) }];
  for (const value of long) assert.ok(toShortJsonText(value) === null);
  // It was a long one; the next is not.
  assert.equal(toShortJsonText([1]), "[1]");
  assert.equal(toJsonText(Array(20_000).fill(1)).length, 40_001);
  assert.throws(() => toShortJsonText([NaN]), NotJsonError);
});
