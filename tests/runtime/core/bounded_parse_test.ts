import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { unlessItHangs } from "../../support/waiting.ts";
import { parseBounded, parseInTurns } from "../../../runtime/core/bounded_parse.ts";

const many = <T>(value: T, count = 300_000): T[] => Array(count).fill(value);
const now = { over: () => null };

/** How often a check is called. */
function counted(schema: (check: (value: unknown) => boolean) => z.ZodType) {
  let calls = 0;
  return { schema: schema(() => (calls++, false)), calls: () => calls };
}

for (
  const [what, of, value] of [
    ["a list", (check) => z.array(z.unknown().refine(check)), many(0)],
    ["a list in an object", (check) => z.object({ a: z.array(z.string().refine(check)) }), { a: many("") }],
    ["a record", (check) => z.record(z.string(), z.number().refine(check)), { ...many(0) }],
    ["names of a record", (check) => z.record(z.string().refine(check), z.unknown()), { ...many(0) }],
    ["the rest of a tuple", (check) => z.tuple([z.unknown()], z.number().refine(check)), many(0)],
    ["further fields", (check) => z.object({}).catchall(z.number().refine(check)), { ...many(0) }],
    ["a list of lists", (check) => z.array(z.array(z.number().refine(check))), many(many(0, 30), 10_000)],
    ["a recursive list", (check) => {
      const tree: z.ZodType = z.lazy(() => z.union([z.array(tree), z.number().refine(check)]));
      return z.object({ tree });
    }, { tree: many(0) }],
  ] as [string, (check: (value: unknown) => boolean) => z.ZodType, unknown][]
) {
  Deno.test(`of ${what} with very many faults the first ones are found, and no others looked for`, async () => {
    const { schema, calls } = counted(of);
    const parsed = parseBounded(schema, value);
    assert.equal(parsed.success, false);
    assert.ok(calls() >= 1 && calls() < 500, `${calls()} calls`);
    assert.ok(parsed.error!.issues.length >= 1 && parsed.error!.issues.length < 500);
    const before = calls();
    assert.equal((await parseInTurns(schema, value, now)).success, false);
    assert.ok(calls() - before < 500, `${calls() - before} calls in turns`);
  });
}

Deno.test("340,000 wrong elements do not overflow the stack", () => {
  const schema = z.object({
    ids: z.array(z.uuid()),
    digests: z.array(z.union([z.object({ a: z.int() }), z.null()])),
  });
  const parsed = parseBounded(schema, { ids: many("", 340_000), digests: many({}, 340_000) });
  assert.deepEqual(new Set(parsed.error!.issues.map(({ path }) => path[0])), new Set(["ids", "digests"]));
});

Deno.test("a form whose faults are forgiven does not stand in the way of the one that fits", async () => {
  const either = z.union([z.array(z.number()), z.array(z.string())]);
  const lenient = z.array(z.number().catch(-1));
  const swallowed = z.object({ a: z.array(z.number()).catch([]), b: z.array(z.number()) });
  for (const parse of [parseBounded, (s: z.ZodType, v: unknown) => parseInTurns(s, v, now)]) {
    assert.deepEqual((await parse(either, many("x", 1_000))).data, many("x", 1_000));
    assert.deepEqual((await parse(z.array(either), many(["x"], 1_000))).data, many(["x"], 1_000));
    assert.deepEqual((await parse(lenient, many("x", 1_000))).data, many(-1, 1_000));
    const { data, success } = await parse(swallowed, { a: many("x", 1_000), b: [1] });
    assert.ok(success);
    assert.deepEqual(data, { a: [], b: [1] });
    assert.equal((await parse(swallowed, { a: many("x", 1_000), b: ["x"] })).success, false);
  }
});

Deno.test("a check of the whole list meets no element that was not looked at", () => {
  const short = z.string().refine((text) => text.length < 3);
  const schema = z.array(short).refine((all) => all.every((text) => text.startsWith("")), "starts");
  const value = [...many("long", 100), ...many(7 as unknown as string, 100)];
  assert.equal(parseBounded(schema, value).success, false);
});

Deno.test("few faults are told as zod tells them, and a value that fits is transformed as ever", async () => {
  const schema = z.object({
    list: z.array(z.object({ n: z.number().transform((n) => n + 1) })),
    map: z.record(z.string(), z.string().default("x")),
  });
  const good = { list: many({ n: 1 }, 2_000), map: { a: "b" } };
  assert.deepEqual(parseBounded(schema, good).data, schema.parse(good));
  assert.deepEqual((await parseInTurns(schema, good, now)).data, schema.parse(good));
  const bad = { list: [{ n: 1 }, { n: "1" }, {}, 4], map: { a: 7 } };
  assert.deepEqual(parseBounded(schema, bad).error!.issues, schema.safeParse(bad).error!.issues);
  assert.deepEqual((await parseInTurns(schema, bad, now)).error!.issues, schema.safeParse(bad).error!.issues);
});

Deno.test("elsewhere a schema tells all its faults, as before", () => {
  const schema = z.array(z.number());
  parseBounded(schema, many("x", 100));
  assert.equal(schema.safeParse(many("x", 1_000)).error!.issues.length, 1_000);
});

Deno.test("in turns the elements are parsed in their order, each after the turn before is over", async () => {
  const seen: number[] = [];
  const schema = z.array(z.array(z.number().refine((n) => (seen.push(n), true))));
  let waits = 0;
  const turn = { over: () => ++waits % 3 === 0 ? new Promise<void>((done) => setTimeout(done, 0)) : null };
  const value = Array.from({ length: 20 }, (_, i) => Array.from({ length: 5 }, (_, k) => 5 * i + k));
  assert.deepEqual((await parseInTurns(schema, value, turn)).data, value);
  assert.deepEqual(seen, value.flat());
});

Deno.test("in turns an element does not wait for itself, where one of its forms is an element elsewhere", async () => {
  const name = z.string();
  const schema = z.array(z.union([name, z.object({ anyOf: z.array(name) })]));
  const value = [{ anyOf: ["a", "b"] }, "c", { anyOf: ["d"] }, "e"];
  const turn = { over: () => new Promise<void>((done) => setTimeout(done, 0)) };
  assert.deepEqual((await unlessItHangs(parseInTurns(schema, value, turn), "the parse")).data, value);
});

Deno.test("in turns a long list is parsed as in one go: its values, its faults, and their places", async () => {
  const schema = z.array(z.object({ n: z.number().transform((n) => n + 1) })).max(200_000);
  const good = Array.from({ length: 5_500 }, (_, n) => ({ n }));
  assert.deepEqual((await parseInTurns(schema, good, now)).data, schema.parse(good));
  const bad: unknown[] = [...good];
  for (const at of [0, 999, 1_000, 3_456, 5_499]) bad[at] = { n: "x" };
  assert.deepEqual((await parseInTurns(schema, bad, now)).error!.issues, schema.safeParse(bad).error!.issues);
  const lists = z.array(z.array(z.number()));
  const inner = [[1], Array(3_000).fill(0).with(2_345, "x"), [2]];
  assert.deepEqual(
    (await parseInTurns(lists, inner, now)).error!.issues,
    lists.safeParse(inner).error!.issues,
  );
  assert.equal((await parseInTurns(schema, many({ n: 1 }, 200_001), now)).success, false);
});

Deno.test("in turns others come between the elements of one long list, and no promise is made for each", async () => {
  let asked = 0;
  const turn = { over: () => (asked++, null) };
  await parseInTurns(z.array(z.number()), many(1, 100_000), turn);
  assert.ok(asked >= 100 && asked < 1_000, `asked ${asked} times`);
  asked = 0;
  await parseInTurns(z.array(z.object({})), many({}, 10_000), turn);
  assert.ok(asked >= 10_000, `asked ${asked} times`);
});
