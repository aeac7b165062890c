import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import type { LimitCounter } from "../../../runtime/store/limit_tally.ts";
import { keys } from "../../support/builders.ts";
import { aService, type Service } from "../../support/service.ts";

/** Counts how many of it run at once. */
function counting() {
  let running = 0;
  let most = 0;
  const definition = define(
    { name: "counted", input: z.object({ ms: z.number() }) },
    async ({ input, signal }): Promise<void> => {
      running++;
      most = Math.max(most, running);
      try {
        await new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, input.ms);
          signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        });
      } finally {
        running--;
      }
    },
  );
  return { definition, most: () => most };
}

async function counterOf({ kv }: Service, key: string): Promise<LimitCounter | null> {
  return (await kv.get<LimitCounter>(keys.limit(`\n${key}`))).value;
}

Deno.test("at most so many tasks with a key run at once, and all of them run", async () => {
  const { definition, most } = counting();
  await using service = await aService({ definitions: [definition] });
  const tasks = Array.from({ length: 40 }, () => ({
    task: "counted",
    input: { ms: 5 },
    options: { concurrency: { key: "openai", limit: 3 } },
  }));
  const { body } = await service.post("/v1/tasks/batch", { tasks });
  const states = body.tasks.map(({ state }: { state: { name: string } }) => state.name);
  assert.deepEqual(states.filter((name: string) => name === "AwaitingConcurrencySlot").length, 37);
  for (const { id } of body.tasks) assert.equal((await service.ended(id)).state.type, "COMPLETED");
  assert.equal(most(), 3);
  const counter = await counterOf(service, "openai");
  assert.deepEqual([counter?.held, counter?.waiting], [0, 0]);
});

Deno.test("a task that waits for a slot says of which limit", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  const options = { concurrency: { key: "k", limit: 1 } };
  const first = await service.submit("counted", { ms: 60_000 }, options);
  const second = await service.submit("counted", { ms: 0 }, options);
  assert.deepEqual([second.state.type, second.state.name], ["PENDING", "AwaitingConcurrencySlot"]);
  assert.equal(second.state.message, 'waits for a slot of "k": at most 1 at once');
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
  assert.equal((await service.ended(second.id)).state.type, "COMPLETED");
});

Deno.test("a task with several keys has a slot of all of them, or of none", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  const of = (...all: string[]) => ({ concurrency: all.map((key) => ({ key, limit: 1 })) });
  const first = await service.submit("counted", { ms: 60_000 }, of("a"));
  const both = await service.submit("counted", { ms: 0 }, of("b", "a"));
  assert.match(both.state.message, /"a"/);
  const other = await service.run("counted", { ms: 0 }, of("b"));
  assert.equal(other.state.type, "COMPLETED");
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
  assert.equal((await service.ended(both.id)).state.type, "COMPLETED");
});

Deno.test("a limit of 0 holds all", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  const held = await service.submit("counted", { ms: 0 }, { concurrency: { key: "k", limit: 0 } });
  assert.equal(held.state.name, "AwaitingConcurrencySlot");
  await service.post(`/v1/tasks/${held.id}/cancel`, {});
  assert.deepEqual((await counterOf(service, "k"))?.waiting, 0);
});

Deno.test("onFull: reject refuses the submit, and stores nothing", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  const options = { concurrency: { key: "k", limit: 1, onFull: "reject" } };
  const first = await service.submit("counted", { ms: 60_000 }, options);
  const refused = await service.post("/v1/tasks", { task: "counted", input: { ms: 0 }, options });
  assert.deepEqual([refused.status, refused.body.type.split("/").at(-1)], [409, "limit-full"]);
  assert.deepEqual(await counterOf(service, "k"), { held: 1, waiting: 0, said: 1 });
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
  await service.ended(first.id);
  assert.equal((await service.run("counted", { ms: 0 }, options)).state.type, "COMPLETED");
});

Deno.test("onFull: cancel-new ends the new task CANCELLED", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  const options = { concurrency: { key: "k", limit: 1, onFull: "cancel-new" } };
  const first = await service.submit("counted", { ms: 60_000 }, options);
  const second = await service.run("counted", { ms: 0 }, options);
  assert.deepEqual([second.state.type, second.state.message], ["CANCELLED", 'the limit "k" was full']);
  await service.post(`/v1/tasks/${first.id}/cancel`, {});
});

Deno.test("onFull: cancel-running asks the oldest one to stop, and the new one starts after its end", async () => {
  const { definition, most } = counting();
  await using service = await aService({ definitions: [definition] });
  const options = { concurrency: { key: "k", limit: 1, onFull: "cancel-running" } };
  const first = await service.submit("counted", { ms: 60_000 }, options);
  const second = await service.run("counted", { ms: 0 }, options);
  assert.equal(second.state.type, "COMPLETED");
  const stopped = await service.ended(first.id);
  assert.deepEqual([stopped.state.type, stopped.state.message], [
    "CANCELLED",
    `its slot of "k" goes to task ${second.id}`,
  ]);
  assert.equal(most(), 1);
});

Deno.test("a limit counts a task while it is ready or runs, and not between two attempts", async () => {
  let failures = 0;
  const flaky = define({ name: "flaky", input: z.object({}) }, () => {
    if (failures++ === 0) throw new Error("not yet");
  });
  await using service = await aService({ definitions: [flaky] });
  const options = {
    concurrency: { key: "k", limit: 1 },
    retry: { maxAttempts: 2, delayMs: 60_000, jitter: false },
  };
  const { id } = await service.submit("flaky", {}, options);
  await service.until(id, "SCHEDULED");
  assert.deepEqual((await counterOf(service, "k"))?.held, 0);
  await service.post(`/v1/tasks/${id}/cancel`, {});
});

Deno.test("a rate whose places lie between two milliseconds holds as any other", async () => {
  const { definition } = counting();
  await using service = await aService({ definitions: [definition] });
  for (let n = 0; n < 3; n++) {
    const options = { rateLimit: { key: "thirds", limit: 3, periodMs: 100 } };
    assert.equal((await service.run("counted", { ms: 0 }, options)).state.type, "COMPLETED");
  }
});

Deno.test("a definition computes the key from the input", async () => {
  const keyed = define({
    name: "keyed",
    input: z.object({ user: z.string().toLowerCase() }),
    concurrency: { key: ({ input }) => `user/${input.user}`, limit: 0 },
  }, () => {});
  await using service = await aService({ definitions: [keyed] });
  const task = await service.submit("keyed", { user: "ANN" });
  assert.match(task.state.message, /"user\/ann"/);
  await service.post(`/v1/tasks/${task.id}/cancel`, {});
});
