import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseInSlices } from "../../../routes/http/sliced_json.ts";
import { lossesOf } from "../../../runtime/core/exact_json.ts";
import type { Clock } from "../../../runtime/platform/clock.ts";
import { Turns } from "../../../runtime/platform/turns.ts";
import { systemTurns } from "../../support/turns.ts";

const read = (text: string, slice: number) => parseInSlices(text, systemTurns.begin(), slice);

/** JSON with spaces wherever they may stand. */
const spaced = fc.tuple(fc.json(), fc.constantFrom("", " ", "\n\t  ", " ".repeat(40))).map(([text, space]) =>
  space +
  text.replaceAll(/("(?:[^"\\]|\\.)*")|([[\]{},:])/g, (part, string) => string ?? space + part + space)
);

Deno.test("a text that is read in slices has the value that JSON.parse gives, wherever the cuts are", async () => {
  await fc.assert(
    fc.asyncProperty(spaced, fc.integer({ min: 1, max: 60 }), async (text, slice) => {
      const { value, losses } = await read(text, slice);
      const whole = JSON.parse(text);
      if (lossesOf(text, whole).length > 0) return assert.notEqual(losses.length, 0, text);
      assert.deepEqual(losses, [], text);
      assert.deepEqual(value, whole, text);
      assert.equal(JSON.stringify(value), JSON.stringify(whole), "also the order of members");
    }),
    { numRuns: 1_500 },
  );
});

Deno.test("a text that JSON.parse refuses is refused, wherever the cuts are", async () => {
  const damaged = fc.tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom(...'[]{},:"0 1ab\\')).map(
    ([text, at, put]) => text.slice(0, at % text.length) + put + text.slice(at % text.length + 1),
  );
  const refuses = (text: string) => {
    try {
      JSON.parse(text);
      return false;
    } catch {
      return true;
    }
  };
  await fc.assert(
    fc.asyncProperty(damaged.filter(refuses), fc.integer({ min: 1, max: 30 }), async (text, slice) => {
      // A loss may be seen before the fault.
      const found = await read(text, slice).catch((error) => error);
      assert.ok(
        found instanceof SyntaxError || found.losses.length > 0,
        `${text} gave ${JSON.stringify(found)}`,
      );
    }),
    { numRuns: 3_000 },
  );
});

for (
  const [text, at, what] of [
    ['{"a":[0,0,{"b":1,"c":2,"b":3}]}', "/a/2/b", /twice/],
    [`{"a":1,${" ".repeat(30)}"b":[1,2,3,4,5,6,7,8,9],"a":2}`, "/a", /twice/],
    ["[[0,0,0,0,0,0,0,0,0,0,0,0],1,2,3,4,9007199254740993]", "/5", /would become/],
    ["[1,2,3,4,5,6,7,8,9,10,[11,12,13,14,1e999]]", "/10/4", /larger/],
  ] as const
) {
  Deno.test(`what would be lost is told with its place: ${text}`, async () => {
    for (const slice of [1, 5, 11]) {
      const { losses: [loss] } = await read(text, slice);
      assert.equal(loss.pointer, at);
      assert.match(loss.message, what);
    }
  });
}

Deno.test("a fault is told with its place in the whole text", async () => {
  const text = `[${"0,".repeat(100)}1 2]`;
  await assert.rejects(read(text, 16), (error: Error) => {
    assert.match(error.message, /in JSON at position 203$/);
    return true;
  });
});

Deno.test("an object has at most 200,000 members, and one of as many is read", async () => {
  const of = (count: number) => `{"a":{${Array.from({ length: count }, (_, i) => `"${i}":0`).join(",")}}}`;
  const { losses } = await read(of(200_001), 32_768);
  assert.deepEqual(losses, [{ pointer: "/a", message: "an object must have at most 200000 members" }]);
  assert.deepEqual((await read(of(200_000), 32_768)).losses, []);
});

Deno.test("however a text is nested, each part of it is looked at a few times only", async () => {
  // Each level has something before what is longer than a slice, so that a cut is made there.
  const deep = `${"[0,".repeat(990)}"${"x".repeat(3_000)}"${"]".repeat(990)}`;
  const text = `[${Array(20).fill(deep).join(",")}]`;
  let steps = 0;
  const clock: Clock = { now: () => 0, monotonic: () => steps++, timer: () => () => {} };
  const turn = new Turns(clock).begin();
  turn.over = () => (steps++, null);
  const { value } = await parseInSlices(text, turn, 1_000);
  assert.deepEqual(value, JSON.parse(text));
  assert.ok(steps < 20 * 990 * 4, `${steps} steps`);
});
