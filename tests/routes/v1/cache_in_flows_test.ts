import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, type Body, type Service } from "../../support/service.ts";

const cache = { ttlMs: 60 * 60 * 1000 };

/** Counts how often it runs; its result says which run it was. */
function counted(key?: (n: number) => string | null) {
  let runs = 0;
  const count = define({
    name: "count",
    input: z.object({ n: z.unknown(), size: z.int().default(0) }),
    ...key && { cache: { ...cache, key: ({ input }: { input: { n: unknown } }) => key(input.n as number) } },
  }, ({ input }) => {
    runs++;
    const pad = Array.from({ length: input.size }, () => Math.random().toString(36)[2]).join("");
    return { run: runs, pad };
  });
  return { count, runs: () => runs };
}

const echo = define({ name: "same", input: z.object({ value: z.unknown() }) }, ({ input }) => input.value);

/** The tasks of a flow, by their names, once all have ended. */
async function flow(service: Service, tasks: Body): Promise<Record<string, Body>> {
  const { status, body } = await service.post("/v1/flows", { tasks });
  assert.equal(status, 202, JSON.stringify(body));
  const names = Object.keys(body.tasks);
  const ended = await Promise.all(names.map((name) => service.ended(body.tasks[name].id)));
  return Object.fromEntries(names.map((name, i) => [name, ended[i]]));
}

const ref = (name: string) => ({ $task: name });

Deno.test("a task of a flow takes a cached result when it starts, and what waits for it goes on with that", async () => {
  const { count, runs } = counted();
  await using service = await aService({ definitions: [count, echo], running: true });
  const tasks = {
    first: { task: "count", input: { n: 1 }, options: { cache } },
    then: { task: "same", input: { value: ref("first") } },
  };
  const one = await flow(service, tasks);
  const two = await flow(service, tasks);
  assert.deepEqual([one.first.state.name, two.first.state.name], ["Completed", "Cached"]);
  assert.deepEqual([two.first.cachedFrom, two.first.result], [one.first.id, one.first.result]);
  assert.deepEqual([two.then.state.name, two.then.result], ["Completed", one.first.result]);
  // What a flow has made a submit takes, and the other way round.
  const alone = await service.post("/v1/tasks", { task: "count", input: { n: 1 }, options: { cache } });
  assert.deepEqual([alone.status, alone.body.cachedFrom], [200, one.first.id]);
  assert.equal(runs(), 1);
});

Deno.test("the key of an input with references is made of what these result in", async () => {
  const { count, runs } = counted();
  await using service = await aService({ definitions: [count, echo], running: true });
  const tasks = (value: unknown, refresh = false) => ({
    before: { task: "same", input: { value } },
    then: { task: "count", input: { n: ref("before") }, options: { cache: { ...cache, refresh } } },
  });
  const states: string[] = [];
  for (const [value, refresh] of [[5, false], [5, false], [6, false], [5, true], [5, false]] as const) {
    const { then } = await flow(service, tasks(value, refresh));
    states.push(`${value} ${then.state.name} ${then.result.run}`);
  }
  assert.deepEqual(states, ["5 Completed 1", "5 Cached 1", "6 Completed 2", "5 Completed 3", "5 Cached 3"]);
  const alone = await service.post("/v1/tasks", { task: "count", input: { n: 6 }, options: { cache } });
  assert.deepEqual([alone.status, alone.body.result.run], [200, 2]);
  assert.equal(runs(), 3);
});

Deno.test("a definition's key is made when the input is known; null and a fault of it are no key", async () => {
  const { count, runs } = counted((n) => {
    if (n === 0) throw new Error("no key");
    return n < 0 ? null : `about ${Math.floor(n / 10)}`;
  });
  const errors: string[] = [];
  const log = { info: () => {}, error: (message: string) => void errors.push(message) };
  await using service = await aService({ definitions: [count, echo], running: true, log });
  const names: string[] = [];
  for (const value of [11, 12, -1, -1, 0, 0]) {
    const { then } = await flow(service, {
      before: { task: "same", input: { value } },
      then: { task: "count", input: { n: ref("before") } },
    });
    names.push(then.state.name);
  }
  assert.deepEqual(names, ["Completed", "Cached", "Completed", "Completed", "Completed", "Completed"]);
  assert.equal(runs(), 5);
  assert.equal(errors.filter((message) => message.includes("cache key")).length, 2);
});

Deno.test("many tasks of flows take one large result at once, and each has it", async () => {
  const { count, runs } = counted();
  await using service = await aService({ definitions: [count, echo], running: true });
  const one = { task: "count", input: { n: 1, size: 20_000 }, options: { cache } };
  const { first } = await flow(service, { first: one });
  const names = Array.from({ length: 12 }, (_, n) => `n${n}`);
  const taken = await flow(service, {
    before: { task: "same", input: { value: 1 } },
    ...Object.fromEntries(names.map((name) => [name, { ...one, waitFor: ["before"] }])),
  });
  assert.equal(runs(), 1 + names.filter((name) => taken[name].state.name !== "Cached").length);
  const hits = names.filter((name) => taken[name].state.name === "Cached");
  assert.ok(hits.length > 0);
  for (const name of hits) assert.deepEqual(taken[name].result, first.result);
});

Deno.test("a repeat of a flow under its Idempotency-Key is answered as it was at first", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count, echo], running: true });
  const tasks = {
    first: { task: "count", input: { n: 1 }, options: { cache } },
    then: { task: "same", input: { value: ref("first") } },
  };
  await flow(service, tasks);
  const key = { "idempotency-key": "flow" };
  const answer = await service.post("/v1/flows", { tasks }, { headers: key });
  await service.ended(answer.body.tasks.then.id);
  const again = await service.post("/v1/flows", { tasks }, { headers: key });
  assert.deepEqual(again.body.tasks, answer.body.tasks);
});
