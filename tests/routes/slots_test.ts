// How many functions run at once, whatever they wait for.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import { runInline } from "../../runtime/worker/runners/inline.ts";
import { aService, type Body, type Service } from "../support/service.ts";
import { pause } from "../support/waiting.ts";

/** Long enough for others to begin meanwhile, if they may. */
const AT_WORK_MS = 3;

/** What a parent does with its children. */
const WAITS = ["for all of them", "for one after the other", "not at all, and leaves them behind"] as const;

/** Definitions that count how many of them are at work at once. */
function counted(thread?: string) {
  let now = 0;
  const counts = { most: 0, parents: 0 };
  const work = async () => {
    counts.most = Math.max(counts.most, ++now);
    await pause(AT_WORK_MS);
    now--;
  };
  const busy = define({ name: "busy", input: z.object({ n: z.int() }), thread }, async ({ input }) => {
    await work();
    return input.n;
  });
  const parent = define(
    { name: "parent", input: z.object({ children: z.int(), waits: z.enum(WAITS) }), thread },
    async ({ input, submit }) => {
      const submitted = Array.from({ length: input.children }, (_, n) => submit(busy, { n }));
      const results = (await Promise.all(submitted)).map((child) => child.result());
      if (input.waits === "for all of them") await Promise.all(results);
      if (input.waits === "for one after the other") { for (const result of results) await result; }
      if (input.waits !== "not at all, and leaves them behind") await work();
      counts.parents++;
    },
  );
  return { definitions: [busy, parent] as AnyDefinition[], counts };
}

async function allEnded(service: Service): Promise<Body[]> {
  const ids: string[] = [];
  for (const task of ["parent", "busy"]) {
    ids.push(...(await service.get(`/v1/tasks?task=${task}&limit=100`)).body.tasks.map(({ id }: Body) => id));
  }
  return await Promise.all(ids.map((id) => service.ended(id)));
}

for (const thread of [undefined, import.meta.url]) {
  const where = thread ? "worker threads" : "the main thread";
  for (const waits of WAITS) {
    Deno.test(`at most CONCURRENCY functions run on ${where} if parents wait ${waits}`, async () => {
      for (const concurrency of [1, 2]) {
        const { definitions, counts } = counted(thread);
        const options = { definitions, concurrency, threads: 8, runOnThread: runInline };
        await using service = await aService(options);
        const tasks = Array.from({ length: 3 }, () => ({ task: "parent", input: { children: 6, waits } }));
        const { body } = await service.post("/v1/tasks/batch", { tasks });
        for (const { id } of body.tasks) await service.ended(id);
        const ended = await allEnded(service);
        assert.equal(ended.length, 21);
        assert.ok(ended.every(({ state }) => state.type === "COMPLETED"));
        assert.deepEqual([counts.most, counts.parents], [concurrency, 3]);
      }
    });
  }
}

Deno.test("a function that asks for a child's result before it awaits it keeps its slot until then", async () => {
  let began = 0;
  const child = define({ name: "child", input: z.object({}) }, () => {
    began++;
  });
  const early = define({ name: "early", input: z.object({}) }, async ({ submit }) => {
    const result = (await submit(child, {})).result();
    await pause(AT_WORK_MS);
    const before = began;
    await result;
    return [before, began];
  });
  await using service = await aService({ definitions: [child, early] as AnyDefinition[], concurrency: 1 });
  assert.deepEqual((await service.run("early")).result, [0, 1]);
});

Deno.test("a child that fails is no uncaught error if its parent never awaits the result", async () => {
  const child = define({ name: "child", input: z.object({}) }, () => {
    throw new Error("nobody hears this");
  });
  const parent = define({ name: "parent", input: z.object({}) }, async ({ submit }) => {
    const { id, result } = await submit(child, {});
    result();
    return id;
  });
  await using service = await aService({ definitions: [child, parent] as AnyDefinition[] });
  const { result: id } = await service.run("parent");
  assert.equal((await service.ended(id)).state.type, "FAILED");
});
