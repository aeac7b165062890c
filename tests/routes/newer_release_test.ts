import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { z } from "zod";
import { define } from "../../runtime/core/define.ts";
import { rewrittenByNewer } from "../support/newer_release.ts";
import { aDatabase } from "../support/server_process.ts";
import { aService, assertProblem, type Body } from "../support/service.ts";
import { ShiftedClock } from "../support/shifted_clock.ts";
import { eventually } from "../support/waiting.ts";

const SAYS =
  /^task \S+ was written by Errand 0\.9\.3 \(record version \d+\); this is Errand \S+, .*: run Errand 0\.9\.3/;

Deno.test("calls about a task of a newer release are 503 with the remedy; all others are answered", async () => {
  await using service = await aService({ mayLogErrors: true });
  const done = await service.run("add", { a: 1, b: 2 }, { tags: ["newer"] });
  const other = await service.run("add", { a: 1, b: 2 });
  await rewrittenByNewer(service, done.id);
  const self = `/v1/tasks/${done.id}`;
  for (
    const path of [
      self,
      `${self}/result`,
      `${self}/events`,
      "/v1/tasks?tag=newer",
      `/v1/as-completed?id=${done.id}`,
    ]
  ) {
    const answer = await service.get(path);
    const { detail } = assertProblem(answer, 503, "unavailable");
    assert.match(detail, SAYS);
    assert.equal(answer.headers.get("retry-after"), "2");
  }
  for (const path of [`${self}/cancel`, `${self}/retry`]) {
    assertProblem(await service.post(path, {}), 503, "unavailable");
  }
  assertProblem(await service.delete(self), 503, "unavailable");
  const input = { value: { $task: done.id } };
  assertProblem(await service.post("/v1/tasks", { task: "echo", input }), 503, "unavailable");
  assert.equal((await service.task(other.id)).result, 3);
  assert.equal((await service.run("echo", { value: 1 })).result, 1);
});

Deno.test("a task that takes the result of such a one goes back into the queue, and is not claimed here again", async () => {
  await using database = await aDatabase();
  const path = `${database.path}.kv`;
  await Deno.mkdir(dirname(path), { recursive: true });
  let upstream: Body, dependent: Body;
  {
    await using service = await aService({ path, mayLogErrors: true });
    upstream = await service.run("add", { a: 1, b: 2 });
    const gate = await service.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 });
    const input = { value: { $task: upstream.id } };
    dependent = await service.submit("echo", input, { waitFor: [gate.id] });
    await rewrittenByNewer(service, upstream.id);
  }
  const clock = new ShiftedClock(Date.now() + 120_000);
  await using service = await aService({ path, clock, mayLogErrors: true });
  await eventually(async () => (await service.task(dependent.id)).history.length === 4);
  const { history, attempt } = await service.task(dependent.id);
  assert.deepEqual(history.map(({ name }: Body) => name), [
    "AwaitingDependencies",
    "Pending",
    "Running",
    "Pending",
  ]);
  assert.equal(history[3].message, "handed back: only a newer release can go on with it");
  assert.equal(attempt, 0);
  await service.run("add", { a: 1, b: 2 });
  assert.equal((await service.task(dependent.id)).history.length, 4);
  const said = service.errors.filter((text) => text.includes("newer release"));
  assert.equal(said.length, 1, service.errors.join("; "));
  assert.ok(said[0].includes(upstream.id));
});

Deno.test("an outcome of a task that a newer release has changed meanwhile is not written, and not tried for ever", async () => {
  const gate = Promise.withResolvers<number>();
  const gated = define({ name: "gated", input: z.unknown() }, () => gate.promise);
  await using service = await aService({ definitions: [gated], mayLogErrors: true });
  const { id } = await service.submit("gated");
  await service.until(id, "RUNNING");
  await rewrittenByNewer(service, id);
  gate.resolve(1);
  const said = () => service.errors.filter((text) => text.includes(`the outcome of task ${id} could not be`));
  await eventually(() => said().length > 0);
  assert.match(said()[0], /NewerRecordError/);
  await service.run("sleep", { ms: 300 });
  assert.equal(said().length, 1);
});
