import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { faultsOf } from "../../../runtime/core/zod_faults.ts";

function faults(schema: z.ZodType, value: unknown, prefix = "") {
  const parsed = schema.safeParse(value);
  assert.equal(parsed.success, false);
  return faultsOf(parsed.error!, value, prefix);
}

Deno.test("a fault names the field, the rule and the value", () => {
  const [fault] = faults(z.object({ "a/b": z.array(z.int()) }), { "a/b": [1, "two"] }, "/input");
  assert.equal(fault.pointer, "/input/a~1b/1");
  assert.match(fault.message, /expected .*\(got "two"\)/);
});

Deno.test("a missing field is required", () => {
  assert.deepEqual(faults(z.object({ a: z.string() }), {}), [{ pointer: "/a", message: "required: string" }]);
});

Deno.test("each unknown field is a fault of its own", () => {
  assert.deepEqual(faults(z.strictObject({}), { x: 1, y: 2 }, "/o"), [
    { pointer: "/o/x", message: "unknown field" },
    { pointer: "/o/y", message: "unknown field" },
  ]);
});

Deno.test("of a union the branch that got furthest speaks", () => {
  const union = z.union([z.object({ a: z.string(), b: z.string() }), z.object({ a: z.int() }), z.null()]);
  const found = faults(union, { a: "x" });
  assert.equal(found.length, 1);
  assert.match(found[0].pointer, /^\/[ab]$/);
});

Deno.test("a long value is cut, an object is not shown, and faults are bounded", () => {
  const [long] = faults(z.int(), "x".repeat(1_000));
  assert.ok(long.message.length < 200);
  assert.match(faults(z.int(), { secret: "s" })[0].message, /\(got an object\)/);
  assert.equal(faults(z.array(z.int()), Array(500).fill("x")).length, 50);
});

Deno.test("of a union the branch that was meant speaks, also if another has fewer faults", () => {
  const schema = z.union([
    z.object({ top: z.array(z.string()), sha256: z.string().length(64) }),
    z.object({ error: z.object({}) }),
  ]);
  const faults = (value: unknown) => {
    return faultsOf(schema.safeParse(value).error!, value).map(({ pointer }) => pointer);
  };
  assert.deepEqual(faults({ top: 1, sha256: "" }), ["/top", "/sha256"]);
  assert.deepEqual(faults({ error: 1 }), ["/error"]);
  assert.deepEqual(faults({ top: [] }), ["/sha256"]);
});

Deno.test("of a union the branch of the value's kind tells its bound, and all tell their kinds where none has it", () => {
  const schema = z.union([z.object({ key: z.string() }), z.array(z.int()).max(2)]);
  assert.match(faults(schema, [1, 2, 3])[0].message, /<=2 items/);
  assert.deepEqual(faults(schema, "x"), [{ pointer: "", message: 'must be object or array (got "x")' }]);
  const orFalse = z.union([z.union([z.string().max(3), z.object({})]), z.literal(false)]);
  assert.deepEqual(faults(orFalse, true, "/o"), [
    { pointer: "/o", message: "must be string, object, or false (got true)" },
  ]);
  assert.equal(faults(z.object({ o: orFalse }), {})[0].message, "required: string, object, or false");
  const named = z.union([z.string(), z.int()], { error: "must be a name or a number" });
  assert.equal(faults(named, true)[0].message, "must be a name or a number (got true)");
});

Deno.test("of a union none of whose branches was meant, its own words speak", () => {
  const forms = [z.object({ cron: z.string() }), z.object({ everyMs: z.int() })] as const;
  const named = z.union(forms, { error: "must have cron or everyMs" });
  assert.deepEqual(faults(named, {}, "/0"), [
    { pointer: "/0", message: "must have cron or everyMs (got an object)" },
  ]);
  assert.equal(faults(named, { everyMs: "x" }, "/0")[0].pointer, "/0/everyMs");
});
