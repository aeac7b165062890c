// Tasks that wait for a worker thread, and the others beside them.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { AnyDefinition } from "../../runtime/core/define.ts";
import { runInline } from "../../runtime/worker/runners/inline.ts";
import { Gates } from "../support/gates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { aService, type Body, type ServiceOptions } from "../support/service.ts";
import { eventually, turn } from "../support/waiting.ts";

/** A service in which tasks of "crunch" need one of two threads, and end when the test says so. */
async function aCruncher(options: ServiceOptions = {}) {
  const gates = new Gates();
  const crunch: AnyDefinition = { ...gates.definition, name: "crunch", thread: import.meta.url };
  const service = await aService({ definitions: [crunch], threads: 2, runOnThread: runInline, ...options });
  return {
    gates,
    service,
    submit: async (count: number, options?: unknown): Promise<string[]> => {
      const tasks = Array.from({ length: count }, () => ({ task: "crunch", input: null, options }));
      return (await service.post("/v1/tasks/batch", { tasks })).body.tasks.map(({ id }: Body) => id);
    },
    of: async (state: string): Promise<Body[]> => {
      return (await service.get(`/v1/tasks?task=crunch&state=${state}&limit=100`)).body.tasks;
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a task waits for a thread as PENDING, and a larger priority gets the next one", async () => {
  await using setup = await aCruncher();
  const { gates, service, submit, of } = setup;
  const low = await submit(40, { priority: -10 });
  await eventually(async () => (await of("RUNNING")).length === 2);
  const [high] = await submit(1, { priority: 10 });
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual([(await of("RUNNING")).length, (await of("PENDING")).length], [2, 39]);
  assert.ok((await of("PENDING")).every(({ startedAt }) => startedAt === null));
  const before = (await service.task(low[0])).startedAt;
  gates.open(low[0]);
  await service.until(high, "RUNNING");
  const running = (await of("RUNNING")).map(({ id }) => id).sort();
  assert.deepEqual(running, [low[1], high].sort());
  assert.equal((await service.task(low[0])).startedAt, before);
  for (const id of [...low, high]) gates.open(id);
  for (const id of [...low, high]) assert.equal((await service.ended(id)).state.type, "COMPLETED");
});

for (const concurrency of [1, 200]) {
  Deno.test(`work of the main thread never waits behind tasks for threads, with ${concurrency} slots`, async () => {
    await using setup = await aCruncher({ concurrency });
    const { gates, service, submit, of } = setup;
    const ids = await submit(460);
    await eventually(async () => (await of("RUNNING")).length === Math.min(2, concurrency));
    // One begins in the commit that stores it, one is claimed, and one has to be found behind all of them.
    assert.equal((await service.run("add", { a: 1, b: 2 })).result, 3);
    assert.equal((await service.run("add", { a: 1, b: 2 }, { ttlMs: 3_600_000 })).result, 3);
    assert.equal((await service.run("add", { a: 1, b: 2 }, { priority: -10, delayMs: 1 })).result, 3);
    assert.equal((await of("COMPLETED")).length, 0);
    for (const id of ids) gates.open(id);
    for (const id of ids) await service.ended(id);
  });
}

Deno.test("ttlMs ends tasks that wait for a thread for too long", async () => {
  const clock = new ManualClock();
  await using setup = await aCruncher({ clock, repairMs: 1e9, sweepMs: 1e9 });
  const { gates, submit, of } = setup;
  const ids = await submit(20, { ttlMs: 1_000 });
  await eventually(async () => (await of("RUNNING")).length === 2);
  clock.advance(1_000);
  await eventually(async () => (await of("CANCELLED")).length === 18);
  assert.ok((await of("CANCELLED")).every(({ state }) => state.name === "Expired"));
  for (const id of ids) gates.open(id);
  await eventually(async () => (await of("COMPLETED")).length === 2);
});

Deno.test("only tasks that have a thread are under a lease: a crash counts against no other", async () => {
  await using setup = await aCruncher();
  const { gates, service, submit, of } = setup;
  const ids = await submit(20, { maxCrashes: 1 });
  for (const [i, id] of ids.entries()) {
    await eventually(async () => (await of("RUNNING")).length === Math.min(2, ids.length - i));
    const leased: string[] = [];
    for await (const { value } of (service.kv.writer as Deno.Kv).list<string[]>({ prefix: ["lease"] })) {
      leased.push(...value);
    }
    const unended = (await Promise.all(leased.map((id) => service.task(id)))).filter(({ finishedAt }) =>
      !finishedAt
    );
    assert.ok(unended.length <= 2, `${unended.length} are under a lease`);
    gates.open(id);
    await service.ended(id);
  }
});
