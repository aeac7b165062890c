// A repeat under an Idempotency-Key, answered by a process whose definitions are others.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { Folder } from "../../support/folder.ts";
import { type Answer, aService, assertProblem, type Service } from "../../support/service.ts";

const price = define(
  { name: "price", input: z.object({ n: z.number() }), retry: { maxAttempts: 4 }, priority: 3 },
  () => 1,
);
const signature = { task: "price", input: { n: 1 } };
const CALLS: [string, unknown][] = [
  ["/v1/tasks", signature],
  ["/v1/tasks", { ...signature, options: { priority: 5, ttlMs: 60_000, tags: ["t"] } }],
  ["/v1/tasks/batch", { tasks: [signature, { task: "add", input: { a: 1, b: 2 } }], group: true }],
  ["/v1/map", { task: "price", map: { n: [1, 2, 3] }, maxConcurrent: 2 }],
  ["/v1/map", { task: "price", inputs: [] }],
  ["/v1/flows", { chain: [signature, { task: "add", input: { a: 1 }, into: "b" }] }],
  ["/v1/flows", { tasks: { one: signature, two: { ...signature, waitFor: ["one"] } } }],
];

const another = define({ name: "price", input: z.object({ n: z.string() }), priority: -3 }, () => 1);
const OTHERS: [string, AnyDefinition[], number?][] = [
  ["is gone", []],
  ["is renamed", [{ ...price, name: "cost" }]],
  ["has another schema and other defaults", [another]],
  ["may not get such large inputs any more", [price], 3],
];

const keyed = (service: Service, call: number): Promise<Answer> => {
  const [path, body] = CALLS[call];
  return service.post(path, body, { headers: { "idempotency-key": `call ${call}` } });
};

for (const [what, definitions, maxInputBytes] of OTHERS) {
  Deno.test(`a repeat gets the first answer, also when the definition ${what}`, async () => {
    await using folder = await Folder.with();
    const path = folder.at("test.db");
    const first: Answer[] = [];
    {
      await using service = await aService({ path, running: false, definitions: [price] });
      for (const call of CALLS.keys()) first.push(await keyed(service, call));
    }
    await using service = await aService({ path, running: false, definitions, maxInputBytes });
    for (const call of CALLS.keys()) {
      assert.equal(first[call].status, 202, first[call].text);
      const again = await keyed(service, call);
      assert.equal(again.status, 202, again.text);
      assert.equal(again.headers.get("idempotency-replayed"), "true");
      assert.deepEqual(again.body, first[call].body);
    }
    const other = await service.post("/v1/tasks", { ...signature, input: { n: 2 } }, {
      headers: { "idempotency-key": "call 0" },
    });
    assertProblem(other, 422, "idempotency-mismatch");
  });
}

Deno.test("a key that release 0.1 has stored is answered from the present definitions, or without their defaults", async () => {
  await using folder = await Folder.with();
  const path = folder.at("test.db");
  let first: Answer;
  {
    await using service = await aService({ path, running: false, definitions: [price] });
    first = await keyed(service, 0);
    const { value } = await service.kv.get<{ defaults?: unknown }>(keys.idem("call 0"));
    assert.deepEqual(value!.defaults, { price: { retry: { maxAttempts: 4 }, priority: 3 } });
    const { defaults: _, ...old } = value!;
    await service.kv.writeBlind([{ key: keys.idem("call 0"), value: old }], 0);
    assert.deepEqual((await keyed(service, 0)).body, first.body);
  }
  await using service = await aService({ path, running: false });
  const { status, body } = await keyed(service, 0);
  assert.deepEqual([status, body.id, body.maxAttempts, body.priority], [202, first.body.id, 1, 0]);
});

Deno.test("a map of no elements still needs its definition, and a call that was never stored is checked", async () => {
  await using service = await aService({ running: false });
  for (const call of CALLS.keys()) {
    assertProblem(await keyed(service, call), 422, "unknown-definition");
  }
});
