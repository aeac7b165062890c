import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { aService, assertProblem } from "../support/service.ts";

const MIB = 2 ** 20;

function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { k: value };
  return value;
}

/** Text that gzip cannot make smaller. */
function noise(characters: number): string {
  let text = "";
  while (text.length < characters) {
    const bytes = crypto.getRandomValues(new Uint8Array(49_152));
    text += btoa(String.fromCharCode(...bytes));
  }
  return text.slice(0, characters);
}

Deno.test("every JSON value survives as input and as result exactly", async () => {
  await using service = await aService();
  const values: unknown[] = [
    null,
    true,
    false,
    0,
    -1.5,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    1e308,
    5e-324,
    0.1 + 0.2,
    "",
    'ünï ☃ 𝄞 \u0000 \u2028 \ud800 \\ " \n\r\t \u007f',
    [],
    {},
    [[], {}, [null], { "": {} }],
    { a: null, "": "", "ключ": 1, "/~": 2, length: 3, constructor: null, toJSON: 4 },
    nested(900),
    Array.from({ length: 5_000 }, (_, i) => ({ i, t: "x".repeat(i % 7) })),
  ];
  for (const value of values) {
    const task = await service.run("echo", { value });
    assert.equal(task.state.type, "COMPLETED", JSON.stringify(value).slice(0, 80));
    assert.deepEqual(task.input, { value });
    assert.deepEqual(task.result, value);
    const result = await service.get(`/v1/tasks/${task.id}/result`);
    assert.equal(result.text.slice(result.text.indexOf('"result":') + 9, -1), JSON.stringify(value));
  }
});

Deno.test("a __proto__ inside of a value is data", async () => {
  await using service = await aService();
  const text = '{"__proto__":{"x":1},"constructor":{"prototype":2}}';
  const { text: answer } = await service.post("/v1/tasks", `{"task":"echo","input":{"value":${text}}}`, {
    headers: { prefer: "wait=60" },
  });
  assert.ok(answer.includes(`"result":${text}`), answer);
});

Deno.test("values survive on both sides of every limit of the storage", async () => {
  await using service = await aService();
  for (const length of [16_300, 16_384, 16_385, 60_000, 65_536, 70_000, 600_000]) {
    for (const letter of ["x", "\u4e16"]) {
      if (letter.length * length * 3 > MIB && letter !== "x") continue;
      const value = letter.repeat(length);
      const task = await service.run("echo", { value });
      assert.ok(task.result === value && task.input.value === value, `${length} of ${letter}`);
    }
  }
});

Deno.test("an input and a result of 16 MiB survive, one byte more is 413", async () => {
  await using service = await aService({ maxInputBytes: 16 * MIB });
  const room = 16 * MIB - '{"value":""}'.length;
  const value = noise(room);
  const task = await service.run("echo", { value });
  assert.equal(task.state.type, "COMPLETED", JSON.stringify(task.error));
  assert.ok(task.result === value, "the result is another one");
  const larger = await service.post("/v1/tasks", { task: "echo", input: { value: value + "x" } });
  assertProblem(larger, 413, "payload-too-large", "/input");
});

Deno.test("a result over the limit ends FAILED ResultTooLarge and is not tried again", async () => {
  const large = define({ name: "large", input: z.object({ bytes: z.int() }) }, ({ input }) => {
    return "x".repeat(input.bytes - 2);
  });
  await using service = await aService({ definitions: [large] });
  assert.equal((await service.run("large", { bytes: 16 * MIB })).state.type, "COMPLETED");
  const task = await service.run("large", { bytes: 16 * MIB + 1 }, { retry: { maxAttempts: 3, delayMs: 0 } });
  assert.deepEqual([task.state.type, task.error.name, task.attempt], ["FAILED", "ResultTooLarge", 1]);
  assert.match(task.error.message, /16777217 bytes.*16777216/);
});

Deno.test("a result that is no JSON value ends FAILED ResultNotSerializable and says where", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const results: Record<string, [unknown, RegExp]> = {
    function: [() => {}, /function/],
    inside: [{ a: [1, { b: Symbol("s") }] }, /\/a\/1\/b/],
    cycle: [cycle, /contains itself/],
    bigint: [10n, /bigint/],
    nan: [[NaN], /NaN at \/0/],
    infinity: [Infinity, /Infinity/],
    map: [new Map([[1, 2]]), /Map/],
    date: [new Date(0), /Date/],
    bytes: [new Uint8Array(2), /Uint8Array/],
    hole: [[undefined], /\/0/],
    deep: [nested(2_000), /deep/],
  };
  const odd = define(
    { name: "odd", input: z.object({ what: z.string() }) },
    ({ input }) => results[input.what][0],
  );
  await using service = await aService({ definitions: [odd] });
  for (const [what, [, message]] of Object.entries(results)) {
    const task = await service.run("odd", { what }, { retry: { maxAttempts: 3, delayMs: 0 } });
    assert.deepEqual(
      [task.state.type, task.error.name, task.attempt],
      ["FAILED", "ResultNotSerializable", 1],
      what,
    );
    assert.match(task.error.message, message);
  }
});

Deno.test("properties of a result that are undefined are left out, as everywhere in JavaScript", async () => {
  const partial = define({ name: "partial", input: z.object({}) }, () => ({ a: 1, b: undefined }));
  await using service = await aService({ definitions: [partial] });
  assert.deepEqual((await service.run("partial")).result, { a: 1 });
});
