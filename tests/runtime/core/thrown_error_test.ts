import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { errorOf, fieldsOf, RevivedError, stacksOf } from "../../../runtime/core/thrown_error.ts";

const kept = (thrown: unknown) => errorOf(thrown, false);

Deno.test("a thrown object without a message is told by its fields, and by its class", () => {
  assert.deepEqual(kept({ code: "E_PAYMENT", detail: { cents: 5 } }), {
    name: "Error",
    message: '{"code":"E_PAYMENT","detail":{"cents":5}}',
    retryable: true,
  });
  class Declined {
    constructor(readonly code: string) {}
  }
  assert.deepEqual([kept(new Declined("E")).name, kept(new Declined("E")).message], [
    "Declined",
    '{"code":"E"}',
  ]);
  assert.equal(
    kept(Object.assign(new Error(""), { code: "ECONNREFUSED" })).message,
    '{"code":"ECONNREFUSED"}',
  );
  assert.equal(kept({ name: "Named", message: "said", code: 1 }).message, "said");
  assert.equal(kept(["a", 1]).message, '["a",1]');
});

Deno.test("a field that JSON cannot hold hides no other field", () => {
  const round: Record<string, unknown> = { code: "E", big: 10n, call: () => {} };
  round.self = round;
  assert.equal(kept(round).message, '{"code":"E","big":"10","call":"a function","self":"no JSON"}');
});

Deno.test("the errors within an AggregateError or a SuppressedError are kept, with their causes", () => {
  const inner = new TypeError("one", { cause: new RangeError("why") });
  const error = kept(new AggregateError([inner, "two"], "both failed"));
  assert.deepEqual([error.name, error.message], ["AggregateError", "both failed"]);
  assert.deepEqual(error.errors, [
    {
      name: "TypeError",
      message: "one",
      retryable: true,
      cause: { name: "RangeError", message: "why", retryable: true },
    },
    { name: "Error", message: "two", retryable: true },
  ]);
  assert.equal(kept(new AggregateError([inner, "two"])).message, "TypeError: one; Error: two");
  const suppressed = Object.assign(new Error("m"), {
    name: "SuppressedError",
    error: new Error("newer"),
    suppressed: new Error("older"),
  });
  assert.deepEqual(kept(suppressed).errors?.map(({ message }) => message), ["newer", "older"]);
  assert.deepEqual(kept(new Error("outer", { cause: new AggregateError(["a"]) })).cause?.errors?.length, 1);
});

Deno.test("an error with much in it stays short: its last inner errors go first, then its cause", () => {
  const long = (n: number) => new Error(`${n}`.repeat(400));
  const error = kept(
    new AggregateError([1, 2, 3, 4, 5, 6, 7, 8].map(long), "many", { cause: new Error("why") }),
  );
  assert.ok(JSON.stringify(error).length <= 2_500);
  assert.equal(error.cause?.message, "why");
  assert.ok(error.errors!.length >= 2 && error.errors![0].message.startsWith("111"));
  const deep = kept(new AggregateError([long(1)], "x".repeat(2_400), { cause: new Error("y".repeat(900)) }));
  assert.deepEqual([deep.errors, deep.cause, deep.message.length > 1_000], [undefined, undefined, true]);
});

Deno.test("whatever is thrown can be told", () => {
  const hostile = new Proxy({}, {
    get: () => {
      throw new Error("hands off");
    },
  });
  for (const thrown of [hostile, undefined, null, Symbol("s"), 1n, () => {}, Object.create(null)]) {
    const { name, message } = kept(thrown);
    assert.deepEqual([typeof name, typeof message], ["string", "string"]);
    assert.equal(stacksOf(thrown), null);
  }
  assert.equal(kept(hostile).message, "something was thrown that cannot be read");
});

Deno.test("all stacks are told together: its own, those of its causes and of its inner errors", () => {
  const stacks = stacksOf(
    new AggregateError([new RangeError("in")], "out", { cause: new TypeError("why") }),
  )!;
  for (const said of [/^AggregateError: out\n\s+at /, /TypeError: why\n\s+at /, /RangeError: in\n\s+at /]) {
    assert.match(stacks, said);
  }
});

Deno.test("what another realm has described is described as the same again", () => {
  const error = errorOf(new AggregateError([new TypeError("one")], "all", { cause: "why" }), false);
  assert.deepEqual(kept(new RevivedError(error)), error);
  assert.ok(new RevivedError({ ...error, stack: "S" }).stack === "S");
});

Deno.test("of an error's own fields those go to another realm that can", () => {
  const error = Object.assign(new Error("m"), {
    id: "i",
    state: "FAILED",
    n: 1,
    is: true,
    call: () => {},
    o: {},
  });
  assert.deepEqual(fieldsOf(error), { id: "i", state: "FAILED", n: 1, is: true });
});
