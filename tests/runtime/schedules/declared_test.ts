import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { ConflictError } from "../../../runtime/core/errors.ts";
import { Registry } from "../../../runtime/core/registry.ts";
import type { DeclaredSchedule } from "../../../runtime/core/schedule_config.ts";
import { areDeclared, declarationsOf, declare } from "../../../runtime/schedules/declared.ts";
import { START } from "../../support/manual_clock.ts";
import { other, Scheduling } from "../../support/scheduling.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const EACH_MINUTE = [{ everyMs: MINUTE }];

function working(...schedules: DeclaredSchedule<{ n?: number }>[]): AnyDefinition {
  return define({ name: "work", input: z.object({ n: z.number().optional() }), schedules }, () => null);
}

/** A program with these definitions starts. */
async function start(world: Scheduling, ...definitions: AnyDefinition[]) {
  const registry = new Registry(definitions);
  const program = world.process(registry);
  const context = { commands: program.context, submitter: program.submitter, expect: () => {} };
  const log = { info: () => {}, error: (what: string) => void world.errors.push(what) };
  await declare(context, await declarationsOf(registry), log);
  return program;
}

const names = async (world: Scheduling) =>
  (await world.schedulesOf().list({ limit: 100 })).schedules.map(({ record }) => record.name);

Deno.test("a schedule that a definition declares is there when its program starts, and fires", async () => {
  await using world = await Scheduling.open();
  const { timers } = await start(
    world,
    working({ spec: EACH_MINUTE, input: { n: 1 } }, { name: "b", spec: EACH_MINUTE }),
  );
  assert.deepEqual(await names(world), ["b", "work"]);
  world.bench.clock.advance(MINUTE);
  await world.fire(timers);
  assert.deepEqual((await world.tasks()).map(({ schedule }) => schedule!.name).sort(), ["b", "work"]);
});

Deno.test("a deploy changes what the code says, and keeps where it stands", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ spec: EACH_MINUTE }));
  await world.advance(MINUTE);
  await world.schedulesOf().pause("work", "for now");
  const before = await world.record("work");
  await start(world, working({ spec: EACH_MINUTE, input: { n: 2 }, overlap: "allow-all" }));
  const after = await world.record("work");
  assert.deepEqual([after.input, after.overlap, after.declaredBy], ['{"n":2}', "allow-all", "work"]);
  assert.deepEqual([after.paused, after.last, after.fired], [before.paused, before.last, 1]);
});

Deno.test("a start with the same code writes nothing", async () => {
  await using world = await Scheduling.open();
  const definition = working({ spec: EACH_MINUTE });
  assert.equal(await areDeclared(world.bench.kv, [definition, other]), false);
  await start(world, definition, other);
  assert.equal(await areDeclared(world.bench.kv, [definition, other]), true);
  const before = await world.bench.all();
  await start(world, definition, other);
  assert.deepEqual(await world.bench.all(), before);
});

Deno.test("a schedule that the code drops is gone with the next start, and so are all of them", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ name: "a", spec: EACH_MINUTE }, { name: "b", spec: EACH_MINUTE }));
  await start(world, working({ name: "b", spec: EACH_MINUTE }));
  assert.deepEqual(await names(world), ["b"]);
  await start(world, working());
  assert.deepEqual(await names(world), []);
  assert.deepEqual(await world.bench.all(), []);
});

Deno.test("a program leaves the schedules of definitions that it lacks, and a day later nobody has them", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ spec: EACH_MINUTE }));
  const { timers } = await start(world, other);
  world.bench.clock.advance(MINUTE);
  await world.fire(timers);
  assert.deepEqual(await names(world), ["work"]);
  world.bench.clock.advance(DAY - 1);
  await world.fire(timers);
  assert.deepEqual(await names(world), ["work"]);
  world.bench.clock.advance(1);
  await world.fire(timers);
  assert.deepEqual(await names(world), []);
  // The code is back.
  await start(world, working({ spec: EACH_MINUTE }));
  assert.deepEqual(await names(world), ["work"]);
});

Deno.test("of two deploys that declare one name the one that has started last is right", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ spec: EACH_MINUTE, input: { n: 1 } }));
  await start(world, working({ spec: EACH_MINUTE, input: { n: 2 } }));
  assert.equal((await world.record("work")).input, '{"n":2}');
  await start(world, working({ spec: EACH_MINUTE, input: { n: 1 } }));
  assert.equal((await world.record("work")).input, '{"n":1}');
});

Deno.test("a declared schedule is changed in its code alone; it can be paused, triggered and backfilled", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ spec: EACH_MINUTE }));
  const schedules = world.schedulesOf();
  const isDeclared = (error: Error) =>
    error instanceof ConflictError && /declared in the code/.test(error.message);
  await assert.rejects(schedules.put("work", { task: "work", spec: EACH_MINUTE }), isDeclared);
  await assert.rejects(schedules.patch("work", { note: "x" }), isDeclared);
  await assert.rejects(schedules.remove("work"), isDeclared);
  assert.equal((await schedules.pause("work", "x")).paused?.note, "x");
  assert.equal((await schedules.trigger("work")).ids.length, 1);
  await world.advance(MINUTE);
  assert.equal(
    (await schedules.backfill("work", { from: START + MINUTE, to: START + MINUTE })).tasks.length,
    1,
  );
});

Deno.test("a schedule that a call has made stays, and the log says that the code's is not there", async () => {
  await using world = await Scheduling.open();
  await world.put("work", { spec: EACH_MINUTE, input: { n: 9 } });
  await start(world, working({ spec: EACH_MINUTE, input: { n: 1 } }));
  const { input, declaredBy } = await world.record("work");
  assert.deepEqual([input, declaredBy], ['{"n":9}', undefined]);
  assert.deepEqual(world.errors, ["the schedule work of the definition work is not declared"]);
  // Once that is gone, the next start finds the name free.
  await world.schedulesOf().remove("work");
  await start(world, working({ spec: EACH_MINUTE, input: { n: 1 } }));
  assert.equal((await world.record("work")).declaredBy, "work");
});

Deno.test("an instant that is over is no fault of the code, and fires no more", async () => {
  await using world = await Scheduling.open();
  await start(world, working({ spec: [{ at: new Date(START - 1).toISOString() }] }));
  assert.equal((await world.record("work")).next, null);
});

Deno.test("code that declares no schedule is refused at the start, with what is wrong", async () => {
  const wrong: [AnyDefinition[], RegExp][] = [
    [
      [working({ spec: [{ cron: "61 * * * *" }] })],
      /"work" of the definition "work": \/spec\/0\/cron must be a cron/,
    ],
    [[working({ spec: [{ everyMs: 1 }] })], /\/spec\/0\/everyMs .*>=1000/],
    [[working({ name: "-", spec: EACH_MINUTE })], /\/name must be 1 to 100/],
    // deno-lint-ignore no-explicit-any -- the compiler refuses it
    [[working({ spec: EACH_MINUTE, input: { n: "x" } as any })], /\/input\/n/],
    [[working({ spec: EACH_MINUTE }, { spec: EACH_MINUTE })], /"work" declares one of this name/],
    [
      [working({ name: "s", spec: EACH_MINUTE }), {
        ...other,
        schedules: [{ name: "s", spec: EACH_MINUTE }],
      }],
      /"other" declares one of this name/,
    ],
  ];
  for (const [definitions, message] of wrong) {
    await assert.rejects(declarationsOf(new Registry(definitions)), (error: Error) => {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
