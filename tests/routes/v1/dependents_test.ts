import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aKey } from "../../support/api_keys.ts";
import { aService, assertProblem, type Body, UNKNOWN_ID } from "../../support/service.ts";

const [first, second] = ["first", "second"].map((name) =>
  define({ name, input: z.unknown(), output: z.unknown() }, ({ input }) => input)
);
const later = { delayMs: 3_600_000 };
const idsOf = ({ body }: { body: Body }) => body.tasks.map(({ id }: Body) => id).sort();

Deno.test("a task tells who waits for it: of its call, of later ones, and once it has ended", async () => {
  await using service = await aService({ definitions: [first, second] });
  const flow = await service.post("/v1/flows", {
    tasks: {
      a: { task: "first", input: 1, options: later },
      b: { task: "second", input: { $task: "a" } },
      c: { task: "second", input: 2, waitFor: ["a"] },
      d: { task: "second", input: 3, waitFor: ["c"] },
    },
  });
  const { a, b, c, d } = flow.body.tasks;
  const after = await service.post("/v1/tasks", { task: "second", input: 4, options: { waitFor: [a.id] } });
  const told = await service.get(`/v1/tasks/${a.id}/dependents`);
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(idsOf(told), [b.id, c.id, after.body.id].sort());
  assert.equal(told.body.more, false);
  assert.deepEqual(
    told.body.tasks.map(({ state }: Body) => state.name),
    Array(3).fill("AwaitingDependencies"),
  );
  assert.deepEqual(idsOf(await service.get(`/v1/tasks/${c.id}/dependents`)), [d.id]);
  assert.deepEqual(idsOf(await service.get(`/v1/tasks/${d.id}/dependents`)), []);
  await service.post(`/v1/tasks/${a.id}/cancel`);
  assert.deepEqual(
    idsOf(await service.get(`/v1/tasks/${a.id}/dependents`)),
    [b.id, c.id, after.body.id].sort(),
  );
  assertProblem(await service.get(`/v1/tasks/${UNKNOWN_ID}/dependents`), 404, "not-found");
});

Deno.test("of very many that wait for a task a part is told, and that it is one", async () => {
  await using service = await aService({ definitions: [first, second] });
  const { body: { id } } = await service.post("/v1/tasks", { task: "first", input: 1, options: later });
  const tasks = Array.from({ length: 101 }, (_, n) => ({
    task: "second",
    input: n,
    options: { waitFor: [id] },
  }));
  await service.post("/v1/tasks/batch", { tasks: tasks.slice(0, 100) });
  assert.equal((await service.get(`/v1/tasks/${id}/dependents`)).body.more, false);
  await service.post("/v1/tasks/batch", { tasks: tasks.slice(100) });
  const { body } = await service.get(`/v1/tasks/${id}/dependents`);
  assert.equal(body.tasks.length, 100);
  assert.equal(body.more, true);
});

Deno.test("a key that knows some tasks is told of those that wait among them", async () => {
  const ann = aKey(["admin"], "ann");
  await using service = await aService({ definitions: [first, second], apiKeys: [ann.key] });
  const made = await service.post(
    "/v1/keys",
    { name: "bob", scopes: ["read"], patterns: ["task:first"] },
    ann,
  );
  const bob = { headers: { authorization: `Bearer ${made.body.secret}` } };
  const submit = async (task: string, options: unknown) => {
    const { body } = await service.post("/v1/tasks", { task, input: 1, options }, ann);
    return body.id;
  };
  const id = await submit("first", later);
  const known = await submit("first", { waitFor: [id] });
  const other = await submit("second", { waitFor: [id] });
  const path = `/v1/tasks/${id}/dependents`;
  assert.deepEqual(idsOf(await service.get(path, ann)), [known, other].sort());
  assert.deepEqual(idsOf(await service.get(path, bob)), [known]);
});
