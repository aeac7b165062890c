import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { lossesOf } from "../../../runtime/core/exact_json.ts";
import { toJsonText } from "../../../runtime/core/json.ts";

const losses = (text: string) => lossesOf(text, JSON.parse(text));
const pointers = (text: string) => losses(text).map(({ pointer }) => pointer);

const isLarge = (number: unknown) => Number.isInteger(number) && !Number.isSafeInteger(number);

Deno.test("a text that loses nothing as a value has no fault, whatever is in it and however it is spaced", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, space) => {
    assert.deepEqual(losses(toJsonText(value)), []);
    // JSON.stringify itself does not write large whole numbers as they are.
    const text = JSON.stringify(value, (_, each) => isLarge(each) ? String(each) : each, space);
    assert.deepEqual(losses(text), []);
  }));
  const odd = [
    '{"a" : 1, "b"\n:2}',
    '"\\":1234567890123456789"',
    '{"text":"\\"a\\":1,\\"a\\":2"}',
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '{"__proto__":1,"":2,"\\u0061":3}',
    "[9007199254740991,-9007199254740991,9007199254740992,1152921504606846976,100000000000000000000]",
    "[0.1,12345678901234567.5,3.14159265358979323846,1e21,1.7976931348623157e308,5e-324,0e999,0.0e-400]",
    "[-0,-0.0,0,1E+2]",
    '"2026-01-01T00:00:00.0000000000000000Z"',
  ];
  for (const text of odd) assert.deepEqual(losses(text), [], text);
});

Deno.test("whole numbers that would be rounded are found, with what they would become", () => {
  const text = '{"a":[1,9007199254740993],"b":{"c/d":-9007199254740993},"e":100000000000000000001}';
  assert.deepEqual(losses(text), [
    { pointer: "/a/1", message: "9007199254740993 would become 9007199254740992: send it as a text" },
    { pointer: "/b/c~1d", message: "-9007199254740993 would become -9007199254740992: send it as a text" },
    { pointer: "/e", message: "100000000000000000001 would become 100000000000000000000: send it as a text" },
  ]);
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }), (number) => {
    assert.equal(losses(`[${number}]`).length, BigInt(Number(number)) === number ? 0 : 1);
  }));
});

Deno.test("numbers that would become infinite, or 0, are found", () => {
  assert.deepEqual(pointers('{"a":1e400,"b":-1E+999,"c":[1e-400],"d":1e308}'), ["/a", "/b", "/c/0"]);
  assert.deepEqual(pointers(`[${"9".repeat(400)},0.${"0".repeat(400)}1]`), ["/0", "/1"]);
  const [{ message }] = losses(`[${"9".repeat(400)}]`);
  assert.ok(message.length < 150, message);
});

Deno.test("a name that stands twice in an object is found, however it is written", () => {
  assert.deepEqual(losses('{"a":1,"b":2,"a":3}'), [
    { pointer: "/a", message: '"a" stands here twice, and only the last one would be kept' },
  ]);
  assert.deepEqual(pointers('[{"x":{"a" :1 , "\\u0061": 2}}]'), ["/0/x/a"]);
  assert.deepEqual(pointers('{"__proto__":1,"__proto__":2}'), ["/__proto__"]);
  assert.deepEqual(pointers('{"1":1,"b":{},"b":{},"1":1}'), ["/b", "/1"]);
  // What looks like a name in a text does not make up for one that is lost.
  assert.deepEqual(pointers('{"t":"\\":","b":1,"b":2}'), ["/b"]);
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 9 }), (names) => {
    const text = `{${names.map((name) => `${JSON.stringify(name)}:1`).join(",")}}`;
    assert.equal(losses(text).length > 0, new Set(names).size < names.length);
  }));
});

Deno.test("very many faults are not all told", () => {
  assert.equal(losses(`[${Array(1_000).fill("1e400").join(",")}]`).length, 20);
});
