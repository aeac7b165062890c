import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { REMOTE_LIMITS } from "../../../runtime/platform/kv.ts";
import { z } from "zod";
import { ANYBODY, callerWithin } from "../../../runtime/core/caller.ts";
import { type AnyDefinition, define } from "../../../runtime/core/define.ts";
import { Registry } from "../../../runtime/core/registry.ts";
import { stateOf, typeOf } from "../../../runtime/core/task.ts";
import { Store } from "../../../runtime/store/store.ts";
import { makeIds } from "../../../runtime/platform/ids.ts";
import { keys, onEachBackend } from "../../support/builders.ts";
import { START } from "../../support/manual_clock.ts";
import { other, Scheduling, work } from "../../support/scheduling.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EACH_MINUTE = [{ everyMs: MINUTE }];

const dues = async ({ bench: { kv } }: Scheduling) =>
  (await kv.list({ prefix: ["due"] }, { limit: 999 })).map(({ key }) => key.slice(1));

onEachBackend("a schedule fires at its time and not before, as a task like any other", async (path) => {
  await using world = await Scheduling.open({ path });
  const options = { tags: ["nightly"], priority: 3, metadata: { a: 1 }, retry: { maxAttempts: 2 } };
  const record = await world.put("report", { spec: EACH_MINUTE, input: { n: 7 }, options });
  assert.deepEqual(world.expected, [START + MINUTE]);
  assert.deepEqual(await dues(world), [["schedule", START + MINUTE, "report"]]);
  await world.advance(MINUTE - 1);
  assert.deepEqual(await world.tasks(), []);
  await world.advance(1);
  const [task, ...others] = await world.tasks();
  assert.deepEqual(others, []);
  assert.deepEqual(task.schedule, { name: "report", for: START + MINUTE });
  assert.deepEqual([task.task, task.input, task.tags, task.priority, task.maxAttempts, typeOf(task)], [
    "work",
    { json: '{"n":7}' },
    ["nightly"],
    3,
    2,
    "PENDING",
  ]);
  assert.ok(task.queued);
  assert.deepEqual(await dues(world), [["schedule", START + 2 * MINUTE, "report"]]);
  const after = await world.record("report");
  assert.deepEqual(after.last, { scheduledFor: START + MINUTE, taskId: task.id });
  assert.deepEqual([after.fired, after.skipped, record.fired], [1, 0, 0]);
});

Deno.test("what is not of a schedule says nothing of one: records of plain tasks do not grow", async () => {
  await using world = await Scheduling.open();
  const { submitter } = world.process();
  await submitter.submit({ batch: { submissions: [{ task: "work" }], pointerOf: (_, part) => part } });
  assert.equal("schedule" in (await world.tasks())[0], false);
});

Deno.test("a time has one task, however many processes fire it at once", async () => {
  await using world = await Scheduling.open();
  for (let n = 0; n < 20; n++) await world.put(`s${n}`, { spec: EACH_MINUTE, overlap: "allow-all" });
  const { kv, clock } = world.bench;
  const processes = Array.from({ length: 10 }, () => {
    return world.process(undefined, new Store({ kv, clock, ids: makeIds(clock) })).timers;
  });
  for (let minute = 1; minute <= 3; minute++) {
    clock.advance(MINUTE);
    await Promise.all(processes.map((timers) => world.fire(timers)));
    const tasks = await world.tasks();
    assert.equal(tasks.length, 20 * minute);
    const slots = new Set(tasks.map(({ schedule }) => `${schedule!.name} ${schedule!.for}`));
    assert.equal(slots.size, 20 * minute);
  }
});

Deno.test("a clock that is set back an hour fires no time again, and one set forward none early twice", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all" });
  await world.advance(MINUTE);
  await world.advance(MINUTE);
  world.bench.clock.jump(-HOUR);
  await world.fire();
  await world.advance(58 * MINUTE);
  assert.deepEqual(await world.minutes(START), [1, 2]);
  await world.advance(3 * MINUTE);
  assert.deepEqual(await world.minutes(START), [1, 2, 3]);
  // A schedule of the same name, made anew while the clock is behind.
  world.bench.clock.jump(-10 * MINUTE);
  await world.schedulesOf().remove("s");
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all" });
  for (let n = 0; n < 12; n++) await world.advance(MINUTE);
  assert.deepEqual(await world.minutes(START), [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
});

Deno.test("skip: a time at which a task of the schedule has not ended is passed over", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE });
  await world.advance(MINUTE);
  await world.advance(MINUTE);
  await world.advance(MINUTE);
  assert.deepEqual(await world.minutes(START), [1]);
  assert.equal((await world.record("s")).skipped, 2);
  await world.end((await world.tasks())[0].id);
  await world.advance(MINUTE);
  assert.deepEqual(await world.minutes(START), [1, 4]);
});

Deno.test("allow-all: each time has its task, whatever runs", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all" });
  for (let n = 0; n < 3; n++) await world.advance(MINUTE);
  assert.deepEqual((await world.tasks()).map(typeOf), ["PENDING", "PENDING", "PENDING"]);
  assert.deepEqual(await world.minutes(START), [1, 2, 3]);
});

Deno.test("buffer-one: one task runs, one waits for it, and the times beyond are passed over", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "buffer-one" });
  for (let n = 0; n < 4; n++) await world.advance(MINUTE);
  const tasks = await world.tasks();
  assert.deepEqual(tasks.map((task) => stateOf(task).name), ["Pending", "AwaitingDependencies"]);
  assert.deepEqual(tasks[1].deps?.upstreams, { json: JSON.stringify([tasks[0].id]) });
  assert.equal(tasks[1].deps?.allowFailure, true);
  assert.deepEqual(await world.minutes(START), [1, 2]);
});

Deno.test("buffer-all: each time has its task, and each waits for all before it, as one may be cancelled", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "buffer-all" });
  for (let n = 0; n < 4; n++) await world.advance(MINUTE);
  const tasks = await world.tasks();
  assert.deepEqual(tasks.map((task) => stateOf(task).name), [
    "Pending",
    "AwaitingDependencies",
    "AwaitingDependencies",
    "AwaitingDependencies",
  ]);
  assert.deepEqual(
    tasks.slice(1).map((task) => task.deps!.upstreams),
    [1, 2, 3].map((n) => ({ json: JSON.stringify(tasks.slice(0, n).map(({ id }) => id)) })),
  );
});

Deno.test("buffer-all: a time is one commit, however many wait and however few a commit can check", async () => {
  await using world = await Scheduling.open({ limits: REMOTE_LIMITS });
  await world.put("s", { spec: EACH_MINUTE, overlap: "buffer-all" });
  for (let n = 0; n < 12; n++) await world.advance(MINUTE);
  const tasks = await world.tasks();
  const ids = tasks.map(({ id }) => id);
  const upstreams = tasks.at(-1)!.deps!.upstreams;
  assert.deepEqual(upstreams, { json: JSON.stringify([ids[0], ...ids.slice(6, 11)]) });
  const keys = (await world.bench.all()).map(({ key }) => key[0]);
  assert.ok(!keys.includes("seal"), "no call is stored in several commits");
});

Deno.test("cancel-running: what runs is asked to stop, and the newest starts when that has ended", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "cancel-running" });
  await world.advance(MINUTE);
  const [first] = await world.tasks();
  await world.begin(first.id);
  await world.advance(MINUTE);
  const second = (await world.tasks())[1];
  assert.equal(typeOf(await world.bench.record(first.id)), "CANCELLING");
  assert.equal(stateOf(second).name, "AwaitingDependencies");
  assert.deepEqual(second.deps?.upstreams, { json: JSON.stringify([first.id]) });
  // It does not stop in time: the one that waits gives way, too.
  await world.advance(MINUTE);
  const third = (await world.tasks())[2];
  assert.equal(typeOf(await world.bench.record(second.id)), "CANCELLED");
  assert.deepEqual(third.deps?.upstreams, { json: JSON.stringify([first.id]) });
  // One that has not begun is cancelled at once.
  await world.end(first.id, "cancelled");
  await world.end(third.id, "cancelled");
  await world.advance(MINUTE);
  await world.advance(MINUTE);
  assert.deepEqual((await world.tasks()).slice(3).map((task) => stateOf(task).name), [
    "Cancelled",
    "Pending",
  ]);
});

Deno.test("times that nobody fired are made up within catchupMs, and older ones are left out", async () => {
  await using world = await Scheduling.open();
  await world.put("all", { spec: EACH_MINUTE, overlap: "allow-all", catchupMs: 5 * MINUTE });
  await world.put("skip", { spec: EACH_MINUTE, catchupMs: 5 * MINUTE });
  await world.advance(30 * MINUTE + 1);
  const made = (name: string) =>
    world.tasks().then((all) =>
      all.filter(({ schedule }) => schedule!.name === name).map(({ schedule }) =>
        (schedule!.for - START) / MINUTE
      )
    );
  assert.deepEqual(await made("all"), [26, 27, 28, 29, 30]);
  // The first of them runs, and the others would overlap.
  assert.deepEqual(await made("skip"), [26]);
  assert.deepEqual((await world.record("skip")).next?.at, START + 31 * MINUTE);
});

Deno.test("a schedule of single instants fires once for each, and then no more", async () => {
  await using world = await Scheduling.open();
  const at = (minutes: number) => ({ at: new Date(START + minutes * MINUTE).toISOString() });
  await world.put("s", { spec: [at(2), at(1)], overlap: "allow-all" });
  for (let n = 0; n < 4; n++) await world.advance(MINUTE);
  assert.deepEqual(await world.minutes(START), [1, 2]);
  assert.deepEqual(await dues(world), []);
  assert.equal((await world.record("s")).next, null);
});

Deno.test("remaining counts what is fired, and at none the schedule is over", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all", remaining: 2 });
  for (let n = 0; n < 4; n++) await world.advance(MINUTE);
  assert.deepEqual(await world.minutes(START), [1, 2]);
  assert.deepEqual(await dues(world), []);
  // The same once more gives it no more; another number does.
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all", remaining: 2 });
  await world.advance(MINUTE);
  assert.equal((await world.tasks()).length, 2);
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all", remaining: 1 });
  await world.advance(MINUTE);
  await world.advance(MINUTE);
  assert.equal((await world.tasks()).length, 3);
});

Deno.test("windowMs moves each time by less, always by the same, and the task is for the nominal time", async () => {
  await using world = await Scheduling.open();
  const names = Array.from({ length: 50 }, (_, n) => `s${n}`);
  for (const name of names) await world.put(name, { spec: [{ everyMs: HOUR }], windowMs: 10 * MINUTE });
  const moved = await Promise.all(
    names.map(async (name) => (await world.record(name)).dueAt! - START - HOUR),
  );
  assert.ok(moved.every((ms) => ms >= 0 && ms < 10 * MINUTE), String(moved));
  assert.ok(new Set(moved).size > 40 && Math.min(...moved) < 2 * MINUTE && Math.max(...moved) > 8 * MINUTE);
  await world.schedulesOf().remove("s0");
  assert.equal(
    (await world.put("s0", { spec: [{ everyMs: HOUR }], windowMs: 10 * MINUTE })).dueAt,
    START + HOUR + moved[0],
  );
  await world.advance(HOUR + moved[0] - 1);
  const fired = async () => (await world.tasks()).filter(({ schedule }) => schedule!.name === "s0");
  assert.equal((await fired()).length, 0);
  await world.advance(1);
  assert.deepEqual((await fired()).map(({ schedule }) => schedule!.for), [START + HOUR]);
});

Deno.test("a failed task pauses a schedule that says pauseOnFailure, a cancelled one does not", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, pauseOnFailure: true });
  await world.advance(MINUTE);
  await world.end((await world.tasks())[0].id, "cancelled");
  await world.advance(MINUTE);
  const failed = (await world.tasks())[1];
  await world.end(failed.id, "failed");
  // At once for those who look, and not only at the next time.
  const view = await world.schedulesOf().get("s");
  assert.deepEqual(view.paused, { note: `task ${failed.id} ended FAILED`, since: world.now, by: null });
  assert.deepEqual(view.upcoming, []);
  for (let n = 0; n < 3; n++) await world.advance(MINUTE);
  assert.equal((await world.tasks()).length, 2);
  assert.deepEqual(await dues(world).then((all) => all.filter(([kind]) => kind === "schedule")), []);
  await world.schedulesOf().resume("s");
  await world.advance(MINUTE);
  assert.equal((await world.tasks()).length, 3);
});

Deno.test("a schedule of a definition that this process lacks is left to one that has it", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE });
  await world.schedulesOf().put("t", { task: "other", spec: EACH_MINUTE });
  world.bench.clock.advance(MINUTE);
  const without = world.process(new Registry([other])).timers;
  const next = await world.fire(without);
  // It does not ask again and again.
  assert.equal(next, START + 2 * MINUTE);
  assert.deepEqual((await world.tasks()).map(({ task }) => task), ["other"]);
  await world.fire();
  assert.deepEqual((await world.tasks()).map(({ task }) => task).sort(), ["other", "work"]);
});

Deno.test("an input that its definition takes no more is told with the schedule, and its time is passed over", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: EACH_MINUTE, input: { n: 1 } });
  const strict = { ...work, input: other.input };
  world.bench.clock.advance(MINUTE);
  await world.fire(world.process(new Registry([strict, other])).timers);
  assert.deepEqual(await world.tasks(), []);
  const { fault, next } = await world.record("s");
  assert.match(fault!.message, /\/input\/n: unknown field/);
  assert.deepEqual([fault!.scheduledFor, next!.at], [START + MINUTE, START + 2 * MINUTE]);
  assert.equal(world.errors.length, 1);
});

Deno.test("a time at which no slot is free is passed over and told, if its tasks must not wait: no error of ours", async () => {
  await using world = await Scheduling.open();
  const options = { concurrency: { key: "k", limit: 0, onFull: "reject" as const } };
  await world.put("s", { spec: EACH_MINUTE, options });
  world.bench.clock.advance(MINUTE);
  await world.fire(world.process().timers);
  assert.deepEqual(await world.tasks(), []);
  const { fault, next, skipped } = await world.record("s");
  assert.match(fault!.message, /no slot of "k" is free/);
  assert.deepEqual([fault!.scheduledFor, next!.at, skipped], [START + MINUTE, START + 2 * MINUTE, 1]);
  assert.deepEqual(world.errors, []);
});

Deno.test("where too many tasks wait, a time waits too, and is fired when there is room", async () => {
  await using world = await Scheduling.open({ mostQueued: 1 });
  await world.put("a", { spec: EACH_MINUTE });
  await world.put("b", { spec: [{ everyMs: 2 * MINUTE }] });
  const { timers } = world.process();
  world.bench.clock.advance(MINUTE);
  await world.fire(timers);
  world.bench.clock.advance(MINUTE);
  assert.ok(await world.fire(timers));
  assert.deepEqual((await world.tasks()).map(({ schedule }) => schedule!.name), ["a"]);
  assert.equal((await world.record("b")).fault, null);
  await world.end((await world.tasks())[0].id);
  world.bench.clock.advance(1_000);
  await world.fire(timers);
  const last = (await world.tasks()).at(-1)!;
  assert.deepEqual(last.schedule, { name: "b", for: START + 2 * MINUTE });
});

/** Counts the reads of a database. */
function countingReads() {
  const reads: string[] = [];
  const wrap = (kv: Deno.Kv) =>
    new Proxy(kv, {
      get(target, name: keyof Deno.Kv) {
        if (name === "get" || name === "getMany" || name === "list") reads.push(name);
        const value = target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return { reads, wrap };
}

Deno.test("schedules that are not due cost one small read at each look, however many there are", async () => {
  const { reads, wrap } = countingReads();
  await using world = await Scheduling.open({ wrap });
  for (let n = 0; n < 300; n++) await world.put(`s${n}`, { spec: [{ everyMs: HOUR }] });
  const { timers } = world.process();
  reads.length = 0;
  assert.equal(await timers.tick(), START + HOUR);
  assert.equal(reads.length, 1);
});

Deno.test("many that are due at once share reads and commits, and none is left behind", async () => {
  let commits = 0;
  const { reads, wrap } = countingReads();
  await using world = await Scheduling.open({ wrap, onCommit: () => commits++ });
  const schedules = world.schedulesOf();
  await Promise.all(
    Array.from({ length: 1_200 }, (_, n) => schedules.put(`s${n}`, { task: "work", spec: EACH_MINUTE })),
  );
  for (const minute of [1, 2]) {
    commits = reads.length = 0;
    await world.advance(MINUTE);
    assert.equal((await world.tasks()).length, 1_200);
    // Two for a page of schedules, then also one for ten of their tasks, which still run.
    assert.ok(reads.length <= (minute - 1) * 1_200 / 10 + 20, `${reads.length} reads`);
    if (minute === 1) assert.ok(commits <= 1_200 / 50 + 1, `${commits} commits`);
  }
});

Deno.test("those that are due are found among others that are not, whatever their names and their instants", async () => {
  await using world = await Scheduling.open();
  const names = Array.from({ length: 80 }, (_, n) => [`s${n}`, `s${n}-b`]).flat();
  const due: [of: string, name: string][] = [];
  for (const [n, tenant] of ["acme", ""].entries()) {
    const schedules = world.schedulesOf(tenant === "" ? ANYBODY : callerWithin(tenant, "key"));
    await Promise.all(names.map((name, i) => {
      const isDue = i % 2 === n || i < 50;
      if (isDue) due.push([tenant, name]);
      // Windows part the instants.
      const options = isDue ? { spec: EACH_MINUTE, windowMs: i % 3 } : { spec: [{ everyMs: HOUR }] };
      return schedules.put(name, { task: "work", ...options });
    }));
    for (let i = 0; i < 80; i++) {
      await schedules.put(`s40-rests-${i}`, { task: "work", spec: [{ everyMs: HOUR }] });
    }
  }
  await world.advance(MINUTE + 3);
  const fired = (await world.tasks()).map(({ id, schedule }) => `${id.slice(37)}/${schedule!.name}`);
  assert.deepEqual(fired.toSorted(), due.map(([tenant, name]) => `${tenant}/${name}`).toSorted());
});

Deno.test("the tasks of a tenant's schedule are the tenant's, and names of tenants do not meet", async () => {
  await using world = await Scheduling.open();
  const [acme, globex] = ["acme", "globex"].map((tenant) => world.schedulesOf(callerWithin(tenant, "key")));
  await acme.put("s", { task: "work", spec: EACH_MINUTE });
  await globex.put("s", { task: "work", spec: EACH_MINUTE, input: { n: 2 } });
  await world.put("s", { spec: EACH_MINUTE, input: { n: 3 } });
  await world.advance(MINUTE);
  const tasks = await world.tasks();
  assert.deepEqual(
    tasks.map(({ id, input, caller }) => [id.slice(36), (input as { json: string }).json, caller]),
    [
      ["", '{"n":3}', undefined],
      ["~acme", "{}", "key"],
      ["~globex", '{"n":2}', "key"],
    ],
  );
  assert.equal(new Set(tasks.map(({ id }) => id.slice(0, 36))).size, 3);
  assert.deepEqual((await acme.list({ limit: 9 })).schedules.map(({ record }) => record.tenant), ["acme"]);
  assert.deepEqual((await world.schedulesOf(ANYBODY).list({ limit: 9 })).schedules.length, 1);
});

Deno.test("a timer that no schedule names is removed", async () => {
  await using world = await Scheduling.open();
  await world.put("s", { spec: [{ everyMs: HOUR }] });
  const strays = [keys.due("schedule", START - 1, "s"), keys.due("schedule", START - 1, "gone")];
  await world.bench.kv.writeBlind(strays.map((key) => ({ key, value: "work" })), 0);
  assert.equal(await world.fire(), START + HOUR);
  assert.deepEqual(await dues(world), [["schedule", START + HOUR, "s"]]);
});

Deno.test("what a definition says of its tasks holds for those of schedules: unique", async () => {
  await using world = await Scheduling.open();
  const fire = async (definition: AnyDefinition) => {
    world.bench.clock.advance(MINUTE);
    await world.fire(world.process(new Registry([definition])).timers);
  };
  const config = { input: z.object({ n: z.number().optional() }), name: "work" } as const;
  const unique = define({ ...config, unique: {} }, () => null);
  await world.put("s", { spec: EACH_MINUTE, overlap: "allow-all" });
  await fire(unique);
  await fire(unique);
  // The second time finds the task of the first one active, and has none of its own.
  assert.deepEqual(await world.minutes(START), [1]);
  const { next: third, last, skipped } = await world.record("s");
  assert.deepEqual([third!.at, last!.scheduledFor, skipped], [START + 3 * MINUTE, START + MINUTE, 1]);
  const rejecting = define({ ...config, unique: { onConflict: "reject" } }, () => null);
  await fire(rejecting);
  assert.deepEqual(await world.minutes(START), [1]);
  const { fault, next } = await world.record("s");
  assert.deepEqual([fault?.scheduledFor, next!.at], [START + 3 * MINUTE, START + 4 * MINUTE]);
});
