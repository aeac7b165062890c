import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { TaskError } from "../../../runtime/core/task.ts";
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

Deno.test("an error with much in it stays short: its last inner errors go first, then the ends of messages", () => {
  const long = (n: number) => new Error(`${n}`.repeat(400));
  const error = kept(
    new AggregateError([1, 2, 3, 4, 5, 6, 7, 8].map(long), "many", { cause: new Error("why") }),
  );
  assert.ok(JSON.stringify(error).length <= 2_500);
  assert.equal(error.cause?.message, "why");
  assert.ok(error.errors!.length >= 2 && error.errors![0].message.startsWith("111"));
  const deep = kept(new AggregateError([long(1)], "x".repeat(2_400), { cause: new Error("y".repeat(900)) }));
  assert.ok(JSON.stringify(deep).length <= 2_500);
  assert.deepEqual([deep.errors, deep.message.length > 1_000], [undefined, true]);
  assert.equal(deep.cause!.message, "y".repeat(900));
});

/** From the outermost to the last cause. */
function chain(error: TaskError): TaskError[] {
  return [error, ...error.cause ? chain(error.cause) : []];
}

Deno.test("a chain of causes stays whole, with shorter messages if it is long", () => {
  const caused = (levels: number, message: string): Error => {
    const options = levels > 1 ? { cause: caused(levels - 1, message) } : {};
    return new Error(`${levels} ${message}`, options);
  };
  for (const message of ["", "\u0001".repeat(400), "m".repeat(3_000)]) {
    const errors = chain(kept(caused(10, message)));
    const levels = errors.map((error) => parseInt(error.message));
    assert.deepEqual(levels, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], message);
    assert.ok(JSON.stringify(errors[0]).length <= 2_500);
  }
  // Of a longer one, the last says what was wrong.
  assert.deepEqual(chain(kept(caused(50, ""))).map(({ message }) => parseInt(message)), [
    50,
    49,
    48,
    47,
    46,
    45,
    44,
    43,
    42,
    1,
  ]);
  const round = new Error("round");
  round.cause = new Error("inner", { cause: round });
  assert.deepEqual(chain(kept(round)).map(({ message }) => message), ["round", "inner"]);
  assert.equal(stacksOf(round)!.match(/Error: /g)!.length, 2);
});

Deno.test("an error of very many errors is looked at in part", () => {
  let looked = 0;
  const wide = (): Error =>
    Object.defineProperty(new Error("wide"), "errors", {
      get: () => {
        looked++;
        return Array.from({ length: 10 }, wide);
      },
    });
  assert.equal(kept(wide()).message, "wide");
  assert.ok(looked <= 110, `${looked}`);
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
