import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { BoundedMap } from "../../../runtime/core/bounded_map.ts";

Deno.test("a bounded map holds what was set last, and never more than a quarter beyond its bound", () => {
  const keys = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 300 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), keys, (most, keys) => {
    const map = new BoundedMap<number, number>(most);
    keys.forEach((key, at) => {
      map.set(key, at);
      assert.ok(map.size <= 1.25 * most);
    });
    const lastFirst = [...new Set(keys.toReversed())];
    for (const key of lastFirst.slice(0, most)) assert.equal(map.get(key), keys.lastIndexOf(key));
    assert.deepEqual([...map.keys()], lastFirst.slice(0, map.size).reverse());
  }));
});
