import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { memberOf, rootOf } from "../../../runtime/core/id_range.ts";

const HEAD = "01a22504-48b7-773d-8769-6e";
/** More tasks than any call has. */
const MANY = 1_000_000;

for (const low of ["0000000000", "7fffffffff", "8000000000", "ffffffffff"]) {
  Deno.test(`the ids of a call whose drawn id ends in ${low} differ and keep their order, to the millionth`, () => {
    const root = rootOf(HEAD + low);
    const ids = [0, 1, 2, MANY].map((place) => memberOf(root, place));
    assert.equal(ids[0], root);
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.ok(id.startsWith(HEAD) && id.length === HEAD.length + low.length, id);
  });
}
