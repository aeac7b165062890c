// Values arrive and go as they are, or are refused where they would change.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { aService, assertProblem, type Body } from "../support/service.ts";

/** Parts that would change, as JSON text, with the pointer to what would. */
const LOST: [text: string, pointer: string][] = [
  ["9007199254740993", ""],
  ["[1,-9007199254740993]", "/1"],
  ['{"a":{"b":1e400}}', "/a/b"],
  ["[1e-400]", "/0"],
  ['{"a":1,"a":2}', "/a"],
];

Deno.test("what would change on the way is refused with a pointer, in every body that has values", async () => {
  await using service = await aService({ running: false });
  const failed = await service.submit("fail", { message: "m" }, { delayMs: 60_000 });
  await service.post(`/v1/tasks/${failed.id}/cancel`, {});
  for (const [text, pointer] of LOST) {
    const input = `{"value":${text}}`;
    const bodies: [path: string, body: string, at: string][] = [
      ["/v1/tasks", `{"task":"echo","input":${input}}`, "/input/value"],
      [
        "/v1/tasks",
        `{"task":"echo","input":{"value":1},"options":{"metadata":${input}}}`,
        "/options/metadata/value",
      ],
      [
        "/v1/tasks/batch",
        `{"tasks":[{"task":"add","input":{"a":1,"b":2}},{"task":"echo","input":${input}}]}`,
        "/tasks/1/input/value",
      ],
      ["/v1/map", `{"task":"echo","inputs":[${input}]}`, "/inputs/0/value"],
      ["/v1/map", `{"task":"echo","map":{"value":[1,${text}]}}`, "/map/value/1"],
      ["/v1/flows", `{"chain":[{"task":"echo","input":${input}}]}`, "/chain/0/input/value"],
      ["/v1/flows", `{"tasks":{"a":{"task":"echo","input":${input}}}}`, "/tasks/a/input/value"],
      [`/v1/tasks/${failed.id}/retry`, `{"input":${input}}`, "/input/value"],
    ];
    for (const [path, body, at] of bodies) {
      const answer = await service.post(path, body, { headers: { "content-type": "application/json" } });
      assertProblem(answer, 422, "validation-failed", at + pointer);
    }
  }
  assert.equal((await service.get("/v1/tasks")).body.tasks.length, 1, "nothing of it was stored");
});

Deno.test("the refusal of a large whole number says what it would become, and what to do", async () => {
  await using service = await aService({ running: false });
  const body = '{"task":"echo","input":{"value":9007199254740993}}';
  const answer = await service.post("/v1/tasks", body, { headers: { "content-type": "application/json" } });
  assert.deepEqual(answer.body.errors, [{
    pointer: "/input/value",
    message: "9007199254740993 would become 9007199254740992: send it as a text",
  }]);
});

/** The text that stands behind a name in a body. */
function textOf(body: string, name: string): string {
  const [, text] = new RegExp(`"${name}":(\\[[^\\]]*\\])`).exec(body)!;
  return text;
}

const EXACT = "[-0,9007199254740992,1152921504606846976,-1152921504606846976,9007199254740991,0.1,5e-324]";

Deno.test("numbers that are kept are kept to the last digit and the sign of 0, as input, reference and result", async () => {
  const seen: unknown[] = [];
  const look = define({ name: "look", input: z.object({ value: z.array(z.number()) }) }, ({ input }) => {
    seen.push(...input.value);
    return input.value;
  });
  await using service = await aService({ definitions: [look] });
  const body = `{"task":"look","input":{"value":${EXACT}},"options":{"metadata":{"m":[-0]}}}`;
  const headers = { "content-type": "application/json" };
  const { body: { id } } = await service.post("/v1/tasks", body, { headers });
  const next = await service.submit("echo", { value: { $task: id } });
  await service.ended(next.id);
  assert.deepEqual(seen, JSON.parse(EXACT));
  assert.ok(Object.is(seen[0], -0));
  const { text } = await service.get(`/v1/tasks/${id}`);
  assert.deepEqual([textOf(text, "value"), textOf(text, "result"), textOf(text, "m")], [
    EXACT,
    EXACT,
    "[-0]",
  ]);
  assert.equal(textOf((await service.get(`/v1/tasks/${next.id}/result`)).text, "result"), EXACT);
});

Deno.test("a child's input and metadata, log data and chunks are exact or refused as results are", async () => {
  const refused: string[] = [];
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit, log, emit }) => {
    for (const value of [NaN, new Map(), () => {}]) {
      for (
        const call of [
          () => submit("echo", { value }),
          () => submit("echo", { value: 1 }, { metadata: { value } }),
          () => Promise.resolve(log("line", value)),
          () => Promise.resolve(emit(value)),
        ]
      ) {
        try {
          await call();
        } catch (error) {
          refused.push((error as Error).message);
        }
      }
    }
    return (await submit("echo", { value: [-0, 2 ** 60] }, { metadata: { m: [-0] } })).id;
  });
  await using service = await aService({ definitions: [parent] });
  const { result } = await service.run("parent", {});
  const { text } = await service.get(`/v1/tasks/${result}`);
  assert.deepEqual([textOf(text, "value"), textOf(text, "m")], ["[-0,1152921504606846976]", "[-0]"]);
  assert.equal(refused.length, 12, refused.join("\n"));
  for (const message of refused) assert.match(message, /no JSON value/);
});

Deno.test("a body that looks suspicious and loses nothing is taken", async () => {
  await using service = await aService();
  const texts = [
    '{"task":"echo","input":{"value":{"text":"\\"a\\":1,\\"a\\":2","long":"12345678901234567890","at" : "10:00:00"}}}',
    '{ "task" : "echo", "input" : { "value" : [ 1e21, 0, 12345678901234567.5, { "a" : 1 }, { "a" : 2 } ] } }',
  ];
  for (const text of texts) {
    const headers = { "content-type": "application/json" };
    const { status, body }: Body = await service.post("/v1/tasks", text, { headers });
    assert.equal(status, 202);
    assert.deepEqual((await service.ended(body.id)).result, JSON.parse(text).input.value);
  }
});
