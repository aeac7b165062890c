import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { Folder } from "../../support/folder.ts";
import { eventually } from "../../support/waiting.ts";
import { aService, type Service } from "../../support/service.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";

const HOUR_MS = 60 * 60 * 1000;
const LARGE = 20_000;

/** Counts how often it runs; its result says which run it was. */
function counted(version?: string, cache?: { ttlMs: number }) {
  let runs = 0;
  const inputs = { n: z.int(), size: z.int().default(0), fails: z.boolean().default(false) };
  const count = define({ name: "count", input: z.object(inputs), version, cache }, ({ input }) => {
    runs++;
    if (input.fails) throw new Error("no");
    // Of so many random digits nothing is packed.
    const pad = Array.from({ length: input.size }, () => Math.random().toString(36)[2]).join("");
    return { run: runs, pad };
  });
  return { count, runs: () => runs };
}

async function submit(service: Service, input: unknown, options?: unknown, task = "count") {
  return await service.post("/v1/tasks", { task, input, options });
}

const cache = { ttlMs: HOUR_MS };

Deno.test("a hit is a new task, COMPLETED Cached, with the result of the one that cachedFrom names", async () => {
  const { count, runs } = counted();
  await using service = await aService({ definitions: [count] });
  const first = await service.run("count", { n: 1 }, { cache });
  const { status, body } = await submit(service, { n: 1 }, { cache });
  assert.equal(status, 200, JSON.stringify(body));
  assert.notEqual(body.id, first.id);
  assert.deepEqual([body.state.type, body.state.name, body.done], ["COMPLETED", "Cached", true]);
  assert.deepEqual([body.result, body.cachedFrom, body.startedAt], [first.result, first.id, null]);
  assert.deepEqual((await service.task(body.id)).result, first.result);
  const other = await service.run("count", { n: 2 }, { cache });
  assert.equal(other.state.name, "Completed", "another input");
  assert.equal(
    (await service.run("count", { n: 1 })).state.name,
    "Completed",
    "it did not ask for the cache",
  );
  assert.equal(runs(), 3);
});

Deno.test("a result is given again until it is as old as either of the two submits says", async () => {
  const { count, runs } = counted();
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({ definitions: [count], clock, leaseMs: HOUR_MS, repairMs: HOUR_MS });
  await service.run("count", { n: 1 }, { cache });
  clock.jump(HOUR_MS / 2);
  const strict = await submit(service, { n: 1 }, { cache: { ttlMs: HOUR_MS / 3 } });
  assert.equal(strict.status, 202, "too old for this one");
  await service.ended(strict.body.id);
  await service.run("count", { n: 2 }, { cache });
  clock.jump(HOUR_MS + 1);
  const late = await submit(service, { n: 2 }, { cache: { ttlMs: 2 * HOUR_MS } });
  assert.equal(late.status, 202, "its own task said an hour");
  await service.ended(late.body.id);
  assert.equal(runs(), 4);
});

Deno.test("refresh takes none, and gives the new result to those that come later", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count] });
  await service.run("count", { n: 1 }, { cache });
  const second = await service.run("count", { n: 1 }, { cache: { ...cache, refresh: true } });
  assert.equal(second.result.run, 2);
  const third = (await submit(service, { n: 1 }, { cache })).body;
  assert.equal(third.cachedFrom, second.id);
});

Deno.test("a failure is not cached, and a key of the caller's stands in place of the input", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count] });
  await service.run("count", { n: 1, fails: true }, { cache });
  assert.equal((await submit(service, { n: 1, fails: true }, { cache })).status, 202);
  const first = await service.run("count", { n: 1 }, { cache: { ...cache, key: "a" } });
  const second = await submit(service, { n: 2 }, { cache: { ...cache, key: "a" } });
  assert.deepEqual([second.status, second.body.cachedFrom], [200, first.id]);
});

Deno.test("another version of a definition takes no result of this one", async () => {
  const [one, two] = [counted("1", cache), counted("2", cache)];
  await using folder = await Folder.with();
  const path = folder.at("errand.kv");
  await using before = await aService({ definitions: [one.count], path });
  await before.run("count", { n: 1 });
  assert.equal((await submit(before, { n: 1 })).status, 200, "the definition says it for all its tasks");
  const off = await submit(before, { n: 1 }, { cache: false });
  assert.equal(off.status, 202);
  await before.ended(off.body.id);
  await using after = await aService({ definitions: [two.count], path, running: false });
  assert.equal((await submit(after, { n: 1 })).status, 202);
});

Deno.test("a large result is not copied, and is there until the last task that has it is gone", async () => {
  const { count } = counted();
  const clock = new ShiftedClock(Date.now());
  await using service = await aService({
    definitions: [count],
    clock,
    leaseMs: 24 * HOUR_MS,
    repairMs: HOUR_MS,
  });
  const first = await service.run("count", { n: 1, size: LARGE }, { cache, retentionMs: HOUR_MS });
  const second = (await submit(service, { n: 1, size: LARGE }, { cache, retentionMs: 5 * HOUR_MS })).body;
  assert.deepEqual(second.result, first.result);
  const blobs = async () =>
    (await service.kv.list({ prefix: ["blob"] }, { limit: 100 })).map(({ key }) => key);
  const stored = await blobs();
  assert.ok(stored.length > 0 && stored.every(([, id]) => id === first.id), "no copy");
  const purged = async () => {
    const due = await service.kv.list({ prefix: ["due", "purge"] }, { limit: 100 });
    return due.every(({ key: [, , at] }) => (at as number) > clock.now());
  };
  clock.jump(4 * HOUR_MS);
  await eventually(purged);
  assert.deepEqual((await service.task(second.id)).result, first.result);
  assert.equal((await service.delete(`/v1/tasks/${first.id}`)).status, 204);
  await eventually(purged);
  assert.deepEqual((await service.task(second.id)).result, first.result, "its source was deleted on request");
  clock.jump(2 * HOUR_MS);
  assert.equal((await service.get(`/v1/tasks/${second.id}`)).status, 404);
  await eventually(async () => (await blobs()).length === 0, "nobody has it, and it is there");
});

Deno.test("hits in a batch and in a map count as done in their group", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count], running: true });
  await service.run("count", { n: 1 }, { cache });
  const one = { task: "count", input: { n: 1 }, options: { cache } };
  const batch = await service.post("/v1/tasks/batch", { tasks: [one, one], group: true });
  assert.deepEqual(batch.body.tasks.map((task: { state: { name: string } }) => task.state.name), [
    "Cached",
    "Cached",
  ]);
  const group = (await service.get(`/v1/groups/${batch.body.groupId}`)).body;
  assert.deepEqual([group.done, group.total], [2, 2]);
  const map = await service.post("/v1/map", {
    task: "count",
    inputs: [{ n: 1 }, { n: 7 }, { n: 1 }],
    options: { cache },
    maxConcurrent: 1,
  });
  const results = await service.get(`/v1/groups/${map.body.groupId}/results?wait=20`);
  assert.deepEqual(results.body.results.map(({ run }: { run: number }) => run), [1, 2, 1], results.text);
});

Deno.test("a repeat under an Idempotency-Key gets the same hit", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count] });
  await service.run("count", { n: 1 }, { cache });
  const call = () =>
    service.post("/v1/tasks", { task: "count", input: { n: 1 }, options: { cache } }, {
      headers: { "idempotency-key": "k" },
    });
  const [first, again] = [await call(), await call()];
  assert.deepEqual([again.status, again.body.id, again.body.state], [200, first.body.id, first.body.state]);
});

Deno.test("what is wrong with cache is said with a pointer and the rule", async () => {
  await using service = await aService({ running: false });
  const wrong: [unknown, string, RegExp][] = [
    [{ ttlMs: 0 }, "/options/cache/ttlMs", />=1/],
    [{}, "/options/cache/ttlMs", /required/],
    [{ ttlMs: 5, key: "" }, "/options/cache/key", /1 char/],
    [{ ttlMs: 5, fresh: true }, "/options/cache/fresh", /unknown field/],
  ];
  for (const [cache, pointer, rule] of wrong) {
    const { status, body } = await submit(service, { value: 1 }, { cache }, "echo");
    assert.deepEqual([status, body.errors[0].pointer], [422, pointer]);
    assert.match(body.errors[0].message, rule);
  }
});

Deno.test("a task without a cache has no cache key, and one with it has one until it is deleted", async () => {
  const { count } = counted();
  await using service = await aService({ definitions: [count] });
  await service.run("count", { n: 1 });
  const cached = () => service.kv.list({ prefix: [keys.cache("")[0]] }, { limit: 10 });
  assert.deepEqual(await cached(), []);
  const { id } = await service.run("count", { n: 1 }, { cache });
  assert.equal((await cached()).length, 1);
  await service.delete(`/v1/tasks/${id}`);
  assert.deepEqual(await cached(), []);
  assert.equal((await submit(service, { n: 1 }, { cache })).status, 202);
});
