import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { didYouMean, likely, nearest } from "../../../runtime/core/nearest.ts";

Deno.test("nearest() gives the fewest edits first, at most three, and none far behind the first", () => {
  assert.deepEqual(nearest("cat", ["dog", "cart", "bat", "cats", "hat", "elephant"]), [
    "bat",
    "cart",
    "cats",
  ]);
  assert.deepEqual(nearest("elephan", ["dog", "elephant"]), ["elephant"]);
  assert.deepEqual(nearest("a", []), []);
});

Deno.test("likely() gives a slip's name, or one that goes on, and nothing for another word", () => {
  const names = ["delayMs", "timeoutMs", "ttlMs", "priority", "id"];
  const cases: [string, string[]][] = [
    ["delayMS", ["delayMs"]],
    ["dealyMs", ["delayMs"]],
    ["prioritty", ["priority"]],
    ["timeout", ["timeoutMs"]],
    ["ttl", ["ttlMs"]],
    ["ids", ["id"]],
    ["x", []],
    ["colour", []],
    ["", []],
  ];
  for (const [wanted, found] of cases) assert.deepEqual(likely(wanted, names), found, wanted);
});

Deno.test("didYouMean() lists what there is where nothing is likely", () => {
  assert.equal(didYouMean("prio", ["priority"]), 'did you mean "priority"?');
  assert.equal(didYouMean("colour", ["a", "b"]), "known: a, b");
  assert.equal(didYouMean("colour", []), "there are none");
});
