import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { findReferences, mayHaveReferences, resolveReferences } from "../../../runtime/core/references.ts";

const parsed = (text: string) => JSON.parse(text);

Deno.test("references are found at any depth, in the order of the value, each with its path", () => {
  const value = { b: [1, { $task: "x" }, [{ $task: "y" }]], a: { c: { $task: "x" } }, d: "$task" };
  assert.deepEqual(findReferences(value, "/input"), {
    references: [
      { task: "x", path: ["b", 1] },
      { task: "y", path: ["b", 2, 0] },
      { task: "x", path: ["a", "c"] },
    ],
    special: true,
    faults: [],
  });
  assert.deepEqual(findReferences({ $task: "x" }, "").references, [{ task: "x", path: [] }]);
});

Deno.test("nothing inside a quote is looked at, and a quote alone is special", () => {
  for (const inside of [{ $task: "x" }, { $task: 1, and: 2 }, [{ $quote: { $task: "x" } }], null, 7]) {
    const found = findReferences([{ $quote: inside }], "");
    assert.deepEqual(found, { references: [], special: true, faults: [] });
  }
});

Deno.test("plain data is not special", () => {
  for (const value of [null, 1, "a", [], {}, { task: "x" }, { a: ["$task", "$quote"] }]) {
    assert.deepEqual(findReferences(value, ""), { references: [], special: false, faults: [] });
    assert.deepEqual(resolveReferences(value, () => assert.fail()), value);
  }
});

Deno.test("an object that is neither data nor a reference is a fault with its pointer, and all faults are told", () => {
  const value = {
    ok: { $task: "x" },
    "a/b~": { $task: "x", and: 1 },
    quoted: [{ $quote: 1, and: 1 }],
    both: { and: 1, $task: "x" },
    number: { $task: 7 },
    nothing: { $task: null },
    two: { $task: "x", $quote: 1 },
  };
  const { references, faults } = findReferences(value, "/input");
  assert.deepEqual(references, [{ task: "x", path: ["ok"] }]);
  assert.deepEqual(
    faults.map(({ pointer }) => pointer),
    ["/input/a~1b~0", "/input/quoted/0", "/input/both", "/input/number", "/input/nothing", "/input/two"],
  );
  assert.match(faults[0].message, /"\$task" must have no other key \(got "and"\)/);
  assert.match(faults[1].message, /"\$quote" must have no other key \(got "and"\)/);
  assert.match(faults[2].message, /"\$task" must have no other key \(got "and"\)/);
  assert.match(faults[3].message, /must be the id of a task \(got number\)/);
  assert.match(faults[5].message, /must have no other key \(got "\$/);
});

Deno.test("a quoted value may be anything, also under a $task that is no text", () => {
  assert.deepEqual(findReferences({ $quote: { $task: 7 } }, "").faults, []);
});

Deno.test("resolving puts each result in its place, takes quotes away, and leaves the rest as it is", () => {
  const value = { a: [{ $task: "x" }, { $quote: { $task: "x", and: [1] } }], b: { c: { $task: "y" }, d: 1 } };
  const asked: string[] = [];
  const resolved = resolveReferences(value, (task) => {
    asked.push(task);
    return { of: task };
  });
  assert.deepEqual(resolved, { a: [{ of: "x" }, { $task: "x", and: [1] }], b: { c: { of: "y" }, d: 1 } });
  assert.deepEqual(asked, ["x", "y"]);
  assert.deepEqual(value.a[0], { $task: "x" }, "the value itself is not changed");
});

Deno.test("a result is data: what looks like a reference in it is not resolved again", () => {
  const result = { $task: "y" };
  assert.deepEqual(resolveReferences([{ $task: "x" }], () => result), [result]);
});

Deno.test("keys of any name are data", () => {
  const value = parsed('{"__proto__": {"$task": "x"}, "constructor": [{"$task": "x"}], "toString": 1}');
  assert.deepEqual(findReferences(value, "").references.map(({ path }) => path), [["__proto__"], [
    "constructor",
    0,
  ]]);
  const resolved = resolveReferences(value, () => "r") as object;
  assert.equal(JSON.stringify(resolved), '{"__proto__":"r","constructor":["r"],"toString":1}');
  assert.equal(Object.getPrototypeOf(resolved), Object.prototype);
});

Deno.test("a text without the two words has no references, whatever the value", () => {
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.jsonValue(),
      fc.record({ $task: fc.string() }),
      fc.record({ $quote: tie("value") }),
      fc.array(tie("value")),
      fc.dictionary(fc.string(), tie("value")),
    ),
  })).value;
  fc.assert(fc.property(value, (value) => {
    const found = findReferences(value, "");
    if (found.special) assert.ok(mayHaveReferences(JSON.stringify(value)));
    // Quoting a value makes it what it is.
    assert.deepEqual(resolveReferences({ $quote: value }, () => assert.fail()), value);
    // Each reference is asked for once.
    if (found.faults.length > 0) return;
    let asked = 0;
    resolveReferences(value, () => asked++);
    assert.equal(asked, found.references.length);
  }));
});
