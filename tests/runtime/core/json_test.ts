import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  clip,
  closingQuote,
  DEEPEST,
  DepthScan,
  isTooDeep,
  NotJsonError,
  pointer,
  toJsonText,
  utf8Bytes,
} from "../../../runtime/core/json.ts";

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

Deno.test("toJsonText() keeps any JSON value exactly", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(JSON.parse(toJsonText(value)), value);
  }));
});

Deno.test("toJsonText() writes each whole number as it is, for readers that have larger ones, and the sign of 0", () => {
  const numbers = [-0, 2 ** 53, 2 ** 60, -(2 ** 60), 1e20, 2 ** 69, 1e21, 2 ** 53 - 1, 0.1, 5e-324];
  assert.equal(
    toJsonText({ numbers }),
    '{"numbers":[-0,9007199254740992,1152921504606846976,-1152921504606846976,100000000000000000000,' +
      "590295810358705651712,1e+21,9007199254740991,0.1,5e-324]}",
  );
  assert.deepEqual(JSON.parse(toJsonText(numbers)), numbers);
});

Deno.test("toJsonText() takes nothing as null and leaves undefined properties out", () => {
  assert.equal(toJsonText(undefined), "null");
  assert.equal(toJsonText({ a: undefined, b: 1 }), '{"b":1}');
  assert.equal(toJsonText(Object.create(null)), "{}");
});

for (
  const [what, value, where] of [
    ["NaN", { a: [1, NaN] }, "/a/1"],
    ["Infinity", -Infinity, "the top"],
    ["a function", { f: () => {} }, "/f"],
    ["a bigint", [1n], "/0"],
    ["a symbol", { "a/b~": Symbol() }, "/a~1b~0"],
    ["undefined in a list", [1, undefined], "/1"],
    ["a Date", { at: new Date(0) }, "/at"],
    ["a Map", new Map(), "the top"],
    ["bytes", { b: new Uint8Array(1) }, "/b"],
  ] as const
) {
  Deno.test(`toJsonText() refuses ${what} and says where it is`, () => {
    assert.throws(() => toJsonText(value), (error) => {
      return error instanceof NotJsonError && error.message.includes(` at ${where} `);
    });
  });
}

Deno.test("toJsonText() refuses what contains itself, and what is nested too deeply", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  assert.throws(() => toJsonText(loop), NotJsonError);
  assert.throws(() => toJsonText(nested(DEEPEST + 1)), NotJsonError);
  toJsonText(nested(DEEPEST));
});

Deno.test("isTooDeep() draws the line where toJsonText() does", () => {
  assert.equal(isTooDeep(JSON.stringify(nested(DEEPEST))), false);
  assert.equal(isTooDeep(JSON.stringify(nested(DEEPEST + 1))), true);
});

Deno.test("isTooDeep() does not count brackets in strings, nor closed ones", () => {
  const brackets = "[{".repeat(DEEPEST);
  assert.equal(isTooDeep(JSON.stringify([brackets])), false);
  assert.equal(isTooDeep(JSON.stringify([`\\"${brackets}\\\\`, brackets])), false);
  assert.equal(isTooDeep(JSON.stringify(Array(DEEPEST).fill([{}]))), false);
});

Deno.test("isTooDeep() agrees with the depth of any JSON value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: DEEPEST - 3, max: DEEPEST + 1 }), (value, wrapped) => {
      const depthOf = (part: unknown): number =>
        typeof part === "object" && part !== null ? 1 + Math.max(0, ...Object.values(part).map(depthOf)) : 0;
      const text = "[".repeat(wrapped) + JSON.stringify(value) + "]".repeat(wrapped);
      assert.equal(isTooDeep(text), depthOf(value) + wrapped > DEEPEST);
    }),
  );
});

Deno.test("closingQuote() ends a string of any length where a scan of each character does", () => {
  const scanned = (text: string, from: number, end: number) => {
    let i = from;
    for (; i < end && text[i] !== '"'; i++) if (text[i] === "\\") i++;
    return i;
  };
  const part = fc.constantFrom("a", '"', "\\", "\\\\", '\\"', "x".repeat(40));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.nat(3), fc.nat(99), (parts, from, cut) => {
      const text = "x".repeat(from) + parts.join("");
      for (const end of [text.length, Math.max(from, text.length - cut)]) {
        assert.equal(
          closingQuote(text, from, end),
          scanned(text, from, end),
          JSON.stringify({ text, from, end }),
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a DepthScan finds in pieces what it finds in the whole text", () => {
  const strings = fc.string({ unit: fc.constantFrom("[", "{", '"', "\\", "x".repeat(40)), maxLength: 9 });
  fc.assert(
    fc.property(fc.array(strings), fc.integer({ min: 1, max: 70 }), fc.boolean(), (list, size, isDeeper) => {
      const depth = isDeeper ? DEEPEST : DEEPEST - 1;
      const text = JSON.stringify(list).slice(0, -1) + ",".repeat(Math.min(list.length, 1)) +
        "[".repeat(depth);
      const scan = new DepthScan();
      let found = false;
      for (let at = 0; at < text.length; at += size) found ||= scan.isTooDeep(text.slice(at, at + size));
      assert.equal(found, isDeeper);
    }),
  );
});

Deno.test("utf8Bytes() counts the bytes that a TextEncoder makes, of pairs and of halves too", () => {
  const part = fc.constantFrom("a", "é", "…", "😀", "\ud83d", "\ude00");
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(
      fc.integer({ min: 8_180, max: 8_200 }),
      fc.array(part, { maxLength: 30 }),
      (before, parts) => {
        const text = "x".repeat(before) + parts.join("");
        for (const each of [text, text.repeat(2), parts.join("")]) {
          assert.equal(utf8Bytes(each), encoder.encode(each).byteLength);
        }
      },
    ),
  );
});

Deno.test("clip() keeps a text that fits, and cuts one that does not to at most the bytes of its JSON", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.integer({ min: 10, max: 400 }),
      (text, bytes) => {
        const clipped = clip(text, bytes);
        assert.ok(utf8Bytes(JSON.stringify(clipped)) <= bytes);
        if (utf8Bytes(JSON.stringify(text)) <= bytes) assert.equal(clipped, text);
        else assert.ok(clipped.endsWith("…") && text.startsWith(clipped.slice(0, -1)));
      },
    ),
  );
});

Deno.test("clip() cuts no character in half", () => {
  for (let bytes = 20; bytes < 40; bytes++) assert.ok(clip("😀".repeat(50), bytes).isWellFormed());
});

Deno.test("pointer() escapes as RFC 6901 says", () => {
  assert.equal(pointer(["a/b", "m~n", 0, ""]), "/a~1b/m~0n/0/");
  assert.equal(pointer([]), "");
});
