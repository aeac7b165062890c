import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode } from "../../../runtime/store/record_codec.ts";
import { aDraft } from "../../support/builders.ts";

Deno.test("a record comes back as it was stored, whatever its texts hold", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.jsonValue(), (text, value) => {
    const record = aDraft({ tags: [text], input: { json: JSON.stringify(value) } });
    assert.deepEqual(decode(encode(record)), record);
  }));
});

Deno.test("a tombstone comes back as it was stored", () => {
  const tombstone = { id: "a", op: "b", rev: 3, forgottenAt: 4 };
  assert.deepEqual(decode(encode(tombstone)), tombstone);
});
