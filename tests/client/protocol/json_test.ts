// The client sends a value exactly, or sends nothing and throws an error.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import vm from "node:vm";
import fc from "fast-check";
import { chunks, Client, quote, sig, unmapped } from "../../../client/mod.ts";
import { jsonText } from "../../../client/protocol/json.ts";
import { toJsonText } from "../../../runtime/core/json.ts";
import { UNKNOWN_ID } from "../../support/service.ts";

class Point {
  constructor(readonly x: number) {}
}

const LOST: [what: string, value: unknown][] = [
  ["an instance of Map", new Map([["a", 1]])],
  ["an instance of Set", new Set([1])],
  ["an instance of Promise (await it)", Promise.resolve(1)],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["an invalid Date", new Date("no")],
  ["a function", () => 1],
  ["a symbol", Symbol("s")],
  ["a bigint", 1n],
  ["an instance of Point", new Point(1)],
  ["an instance of Uint8Array", new Uint8Array(2)],
  ["an instance of RegExp", /a/],
  ["an instance of Error", new Error("m")],
];

/** A client whose calls go nowhere, and what they would have sent. */
function aClient() {
  const bodies: string[] = [];
  const errand = new Client({
    url: "http://127.0.0.1:1",
    retry: { forMs: 0 },
    fetch: (_, init) => {
      bodies.push(String(init!.body));
      return Promise.reject(new TypeError("no network here"));
    },
  });
  return { errand, bodies };
}

Deno.test("what JSON would change without a word is an error that says where it is, in every call", async () => {
  const { errand, bodies } = aClient();
  for (const [what, value] of LOST) {
    const refused = (at: string) => ({ name: "TypeError", message: `${what} at ${at} is no JSON value` });
    const inputs = [{ a: [1, { "b/c": value }] }, { a: [1, { "b/c": quote(value) }] }] as const;
    await assert.rejects(errand.submit("any", inputs[0]), refused("/input/a/1/b~1c"));
    await assert.rejects(errand.submit("any", inputs[1]), refused("/input/a/1/b~1c/$quote"));
    await assert.rejects(
      errand.submit("any", {}, { metadata: { value } }),
      refused("/options/metadata/value"),
    );
    await assert.rejects(errand.map("any", [{}, inputs[0]]), refused("/inputs/1/a/1/b~1c"));
    assert.throws(() => sig("any", inputs[0]), refused("/a/1/b~1c"));
    assert.throws(() => chunks("any", [inputs[0]], 1), refused("/0/a/1/b~1c"));
  }
  await assert.rejects(errand.submit("any", [undefined]), /undefined at \/input\/0 is no JSON value/);
  // deno-lint-ignore no-sparse-arrays
  await assert.rejects(errand.submit("any", [1, , 2]), /at \/input\/1 /);
  assert.deepEqual(bodies, [], "nothing was sent");
});

Deno.test("a future inside of what JSON cannot hold is refused with its place, in every call: nothing is lost", async () => {
  const { errand, bodies } = aClient();
  const future = errand.future(UNKNOWN_ID);
  for (const [value, name] of [[new Set([future]), "Set"], [new Map([["key", future]]), "Map"]] as const) {
    const refused = (at: string) => ({
      name: "TypeError",
      message: `an instance of ${name} at ${at} is no JSON value`,
    });
    const within = { list: [value] };
    await assert.rejects(errand.submit("any", within), refused("/input/list/0"));
    await assert.rejects(errand.submit("any", { a: quote(value) }), refused("/input/a/$quote"));
    await assert.rejects(errand.map("any", [within]), refused("/inputs/0/list/0"));
    await assert.rejects(errand.map("any", { x: [1], y: unmapped(value) }), refused("/unmapped/y"));
    assert.throws(() => sig("any", within), refused("/list/0"));
    assert.throws(() => chunks("any", [within], 1), refused("/0/list/0"));
  }
  assert.deepEqual(bodies, [], "nothing was sent");
});

Deno.test("what contains itself is an error", () => {
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  assert.throws(() => jsonText(loop), /contains itself/);
});

Deno.test("what says itself what it stands for is sent as that", () => {
  const at = new Date(0);
  const { errand } = aClient();
  const future = errand.future(UNKNOWN_ID);
  const own = { toJSON: (key: string) => `of ${key}` };
  assert.equal(
    jsonText({ at, own, future, url: new URL("http://x/"), none: undefined, quoted: quote({ $task: "x" }) }),
    `{"at":"1970-01-01T00:00:00.000Z","own":"of own","future":{"$task":"${UNKNOWN_ID}"},` +
      '"url":"http://x/","quoted":{"$quote":{"$task":"x"}}}',
  );
  assert.equal(jsonText(undefined), undefined);
  assert.equal(jsonText(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assert.equal(jsonText(vm.runInNewContext("({ a: [1, { b: null }] })")), '{"a":[1,{"b":null}]}');
});

Deno.test("a value is sent as the service itself writes it: exactly", () => {
  const numbers = [-0, 2 ** 53, 2 ** 60, -(2 ** 60), 1e20, 1e21, 0.1, 5e-324];
  assert.equal(jsonText(numbers), toJsonText(numbers));
  assert.equal(jsonText([-0, 2 ** 60]), "[-0,1152921504606846976]");
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(jsonText(value), toJsonText(value))));
});
