import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { aService, type Service } from "../../support/service.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";

const HOUR_MS = 60 * 60 * 1000;
const debounce = { key: "a", delayMs: HOUR_MS };

async function submit(service: Service, n: number, options: unknown = { debounce }, task = "save") {
  return await service.post("/v1/tasks", { task, input: { n }, options });
}

function saving() {
  const saved: number[] = [];
  const save = define({ name: "save", input: z.object({ n: z.int() }) }, ({ input }) => {
    saved.push(input.n);
    return input.n;
  });
  return { save, saved };
}

/** Nothing is leased while the clock jumps. */
async function aJumpingService(save: ReturnType<typeof saving>["save"]) {
  const clock = new ShiftedClock(Date.now());
  return {
    clock,
    service: await aService({ definitions: [save], clock, leaseMs: 24 * HOUR_MS, repairMs: HOUR_MS }),
  };
}

Deno.test("submits that come soon after each other are one task, which starts after the last one with its input", async () => {
  const { save, saved } = saving();
  const { clock, service } = await aJumpingService(save);
  await using _ = service;
  const first = await submit(service, 1);
  assert.deepEqual([first.status, first.body.state.name], [202, "Scheduled"]);
  for (const n of [2, 3]) {
    clock.jump(HOUR_MS / 2);
    const next = await submit(service, n);
    assert.deepEqual([next.status, next.body.id, next.body.input.n], [200, first.body.id, n]);
    assert.equal(next.headers.get("errand-deduplicated"), "true");
    const inMs = Date.parse(next.body.runAt) - clock.now();
    assert.ok(inMs > HOUR_MS - 60_000 && inMs <= HOUR_MS, `moved to in ${inMs} ms`);
  }
  assert.deepEqual(saved, []);
  clock.jump(HOUR_MS);
  assert.equal((await service.ended(first.body.id)).result, 3);
  const after = await submit(service, 4);
  assert.equal(after.status, 202, "it has started: the next one is another task");
  assert.deepEqual(saved, [3]);
});

Deno.test('input: "first" keeps the first input', async () => {
  const { save } = saving();
  await using service = await aService({ definitions: [save], running: false });
  const first = await submit(service, 1, { debounce: { ...debounce, input: "first" } });
  const second = await submit(service, 2, { debounce: { ...debounce, input: "first" } });
  assert.deepEqual([second.body.id, second.body.input.n], [first.body.id, 1]);
});

Deno.test("submits put a task off for maxDelayMs at most, and for ten times delayMs if nothing is said", async () => {
  const { save, saved } = saving();
  const { clock, service } = await aJumpingService(save);
  await using _ = service;
  for (const [key, maxDelayMs, times] of [["bounded", 2 * HOUR_MS, 2], ["plain", undefined, 10]] as const) {
    const options = { debounce: { key, delayMs: HOUR_MS, maxDelayMs } };
    const first = (await submit(service, 0, options)).body;
    const latest = Date.parse(first.createdAt) + times * HOUR_MS;
    let { id, runAt } = first;
    for (let n = 1; Date.parse(runAt) < latest; n++) {
      assert.ok(n < 30, `put off to ${runAt}`);
      clock.jump(HOUR_MS * 0.8);
      ({ id, runAt } = (await submit(service, n, options)).body);
      assert.equal(id, first.id);
    }
    assert.equal(Date.parse(runAt), latest);
    clock.jump(HOUR_MS);
    await service.ended(first.id);
  }
  assert.equal(saved.length, 2);
});

Deno.test("a task that waits for a slot is moved back, and one that has started never is", async () => {
  const gate = Promise.withResolvers<void>();
  const save = define({ name: "save", input: z.object({ n: z.int() }) }, async ({ input }) => {
    if (input.n < 0) await gate.promise;
    return input.n;
  });
  await using service = await aService({ definitions: [save], concurrency: 1 });
  const holding = (await submit(service, -1, {})).body;
  await service.until(holding.id, "RUNNING");
  const short = { key: "a", delayMs: 1 };
  const first = (await submit(service, 1, { debounce: short })).body;
  const ready = await service.until(first.id, "PENDING");
  assert.equal(ready.state.name, "Pending");
  const moved =
    (await submit(service, 2, { debounce: { ...short, delayMs: HOUR_MS, maxDelayMs: 2 * HOUR_MS } })).body;
  assert.deepEqual([moved.id, moved.state.name], [first.id, "Scheduled"]);
  await submit(service, -2, { debounce: { ...short, delayMs: 1 } });
  gate.resolve();
  await service.ended(holding.id);
  assert.equal((await service.ended(first.id)).result, -2, "moved to an earlier time, too");
});

Deno.test("a repeat under an Idempotency-Key does not move the task", async () => {
  const { save } = saving();
  const { clock, service } = await aJumpingService(save);
  await using _ = service;
  const call = () =>
    service.post("/v1/tasks", { task: "save", input: { n: 1 }, options: { debounce } }, {
      headers: { "idempotency-key": "k" },
    });
  const first = (await call()).body;
  clock.jump(HOUR_MS / 2);
  const again = await call();
  assert.deepEqual([again.body.id, again.body.runAt, again.body.state.name], [
    first.id,
    first.runAt,
    "Scheduled",
  ]);
  assert.equal((await service.task(first.id)).runAt, first.runAt);
});

Deno.test("50 debounced submits at the same instant are one task with the input of one of them", async () => {
  const { save } = saving();
  await using service = await aService({ definitions: [save], running: false });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => submit(service, n)));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(49).fill(200), 202]);
});

Deno.test("a definition debounces all of its tasks by a function of the input", async () => {
  const save = define({
    name: "save",
    input: z.object({ n: z.int() }),
    debounce: { key: ({ input }) => `${input.n % 2}`, delayMs: HOUR_MS },
  }, () => {});
  await using service = await aService({ definitions: [save], running: false });
  const ids = [];
  for (const n of [1, 2, 3]) ids.push((await submit(service, n, {})).body.id);
  assert.equal(ids[0], ids[2]);
  assert.notEqual(ids[0], ids[1]);
  assert.equal((await submit(service, 1, { debounce: false })).body.state.name, "Pending");
});

Deno.test("what is wrong with debounce is said with a pointer and the rule", async () => {
  const { save } = saving();
  await using service = await aService({ definitions: [save], running: false });
  const wrong: [object, string, RegExp][] = [
    [{ debounce: { key: "a" } }, "/options/debounce/delayMs", /required/],
    [{ debounce: { delayMs: 5 } }, "/options/debounce/key", /required/],
    [{ debounce: { key: "a", delayMs: 0 } }, "/options/debounce/delayMs", />=1/],
    [{ debounce: { key: "a", delayMs: 5, maxDelayMs: 4 } }, "/options/debounce/maxDelayMs", /not be below/],
    [{ debounce: { key: "a", delayMs: 5, input: "all" } }, "/options/debounce/input", /last/],
    [{ debounce: { key: "a", delayMs: 5 }, delayMs: 5 }, "/options/delayMs", /not together/],
    [{ debounce: { key: "a", delayMs: 5 }, unique: {} }, "/options/debounce", /not together/],
  ];
  for (const [options, pointer, rule] of wrong) {
    const { status, body } = await submit(service, 1, options);
    assert.deepEqual([status, body.errors[0].pointer], [422, pointer], JSON.stringify(options));
    assert.match(body.errors[0].message, rule);
  }
  assert.throws(
    () => define({ name: "x", input: z.object({}), debounce: { key: "a", delayMs: 0 } }, () => {}),
    {
      name: "TypeError",
      message: /Cannot define "x": debounce.delayMs/,
    },
  );
});
