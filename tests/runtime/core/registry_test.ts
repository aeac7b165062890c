import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { UnknownDefinitionError, ValidationError } from "../../../runtime/core/errors.ts";
import { jsonSchemaOf, Registry } from "../../../runtime/core/registry.ts";

const named = (name: string) => define({ name, input: z.object({ a: z.int().default(7) }) }, () => null);

Deno.test("two definitions of one name are refused at the start", () => {
  assert.throws(() => new Registry([named("a"), named("b"), named("a")]), /"a" twice/);
});

Deno.test("a name that is not 1 to 100 letters, digits or _ . - is refused", () => {
  for (const name of ["", "a b", "ä", "a/b", "x".repeat(101)]) assert.throws(() => named(name), TypeError);
  named("A.b_c-9");
});

Deno.test("all() is sorted by name", () => {
  const registry = new Registry([named("b"), named("a"), named("c")]);
  assert.deepEqual(registry.all().map(({ name }) => name), ["a", "b", "c"]);
});

Deno.test("require() names what looks most like an unknown name", () => {
  const registry = new Registry([named("resize"), named("digest"), named("download")]);
  assert.equal(registry.require("digest").name, "digest");
  assert.throws(() => registry.require("Digset", "/0/task"), (error) => {
    return error instanceof UnknownDefinitionError && error.nearest[0] === "digest" &&
      error.pointer === "/0/task" && error.message.includes('did you mean "digest"');
  });
});

Deno.test("parseInput() fills defaults in, and names the fields that are wrong", () => {
  const registry = new Registry([named("a")]);
  assert.deepEqual(registry.parseInput(named("a"), {}), { a: 7 });
  assert.throws(() => registry.parseInput(named("a"), { a: "x", b: 1 }), (error) => {
    return error instanceof ValidationError &&
      error.faults.map(({ pointer }) => pointer).sort().join() === "/input/a,/input/b";
  });
});

Deno.test("jsonSchemaOf() tells what goes in and what comes out", () => {
  const schema = z.object({ a: z.int().default(7) });
  assert.equal(jsonSchemaOf(schema, "input").required, undefined);
  assert.deepEqual(jsonSchemaOf(schema, "output").required, ["a"]);
});
