// The client's calls about schedules, with a service of their own.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { NotFoundError, UnknownDefinitionError, ValidationError } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";
import { eventually } from "../support/waiting.ts";

Deno.test("errand.schedules makes, tells, changes, pauses, triggers, backfills and deletes schedules", async () => {
  await using server = await aServer();
  const { schedules } = aClient(server.url);
  const config = { task: "add", input: { a: 1, b: 2 }, spec: [{ cron: "@yearly" }] } as const;
  const made = await schedules.put("yearly", { ...config, spec: [...config.spec] });
  assert.deepEqual([made.name, made.input, made.next.length], ["yearly", { a: 1, b: 2 }, 5]);
  assert.deepEqual((await schedules.patch("yearly", { overlap: "allow-all" })).overlap, "allow-all");
  assert.equal((await schedules.pause("yearly", "later")).paused?.note, "later");
  assert.equal((await schedules.resume("yearly")).paused, null);
  const future = await schedules.trigger<number>("yearly", { input: { a: 3, b: 4 } });
  assert.equal(await future.result(), 7);
  const filled = await schedules.backfill("yearly", {
    from: "2020-01-01T00:00:00Z",
    to: new Date("2022-01-01"),
  });
  assert.deepEqual(filled.map(({ scheduledFor }) => scheduledFor.slice(0, 4)), ["2020", "2021", "2022"]);
  assert.deepEqual(await Promise.all(filled.map(({ future }) => future.result())), [3, 3, 3]);
  await schedules.put("other", { ...config, spec: [{ at: "2999-01-01T00:00:00Z" }] });
  const names = [];
  for await (const { name } of schedules.list()) names.push(name);
  assert.deepEqual(names, ["other", "yearly"]);
  assert.deepEqual((await schedules.get("other")).next, ["2999-01-01T00:00:00.000Z"]);
  await schedules.delete("yearly");
  await assert.rejects(schedules.get("yearly"), (error: NotFoundError) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.kind, "schedule");
    return true;
  });
});

Deno.test("a schedule that fires names its task, which says so", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  await errand.schedules.put("s", { task: "add", input: { a: 1, b: 2 }, spec: [{ everyMs: 1_000 }] });
  const last = await eventually(
    async () => (await errand.schedules.get("s")).last ?? false,
    "it has not fired",
  );
  const future = errand.future<number>(last.taskId);
  assert.equal(await future.result(), 3);
  assert.deepEqual((await future.task()).schedule, { name: "s", scheduledFor: last.scheduledFor });
});

Deno.test("what is wrong with a schedule is a ValidationError that points at it, and preview stores nothing", async () => {
  await using server = await aServer();
  const { schedules } = aClient(server.url);
  const spec = [{ cron: "0 9 * * *", timezone: "Europe/Berlin" }];
  const times = await schedules.preview({ spec, startAt: "2030-01-01T00:00:00Z" }, { count: 2 });
  assert.deepEqual(times, ["2030-01-01T08:00:00.000Z", "2030-01-02T08:00:00.000Z"]);
  const wrong = schedules.put("s", { task: "add", input: { a: 1, b: 2 }, spec: [{ cron: "0 0 30 2 *" }] });
  await assert.rejects(wrong, (error: ValidationError) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual(error.errors.map(({ pointer }) => pointer), ["/spec/0"]);
    return true;
  });
  // deno-lint-ignore no-explicit-any -- the compiler refuses it
  await assert.rejects(schedules.put("s", { task: "ad" as any, spec }), UnknownDefinitionError);
  for await (const { name } of schedules.list()) assert.fail(name);
});
