import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { claim } from "../../../runtime/worker/claim.ts";
import { groupWrite } from "../../../runtime/store/group_counters.ts";
import { keys, prefixes } from "../../../runtime/platform/keys.ts";
import { EMBEDDED_LIMITS, REMOTE_LIMITS } from "../../../runtime/platform/kv.ts";
import { Store } from "../../../runtime/store/store.ts";
import { UnavailableError } from "../../../runtime/core/errors.ts";
import { type Entry, isTerminal, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { cancelled, claimed, settled, submitted } from "../../../runtime/core/transitions.ts";
import { aBench, aDraft, asStored, type Bench, onEachBackend, taskOf, upTo } from "../../support/builders.ts";
import { FaultyKv, MISHAPS } from "../../support/faulty_kv.ts";

const lease = { worker: "w", token: "t" };

function step(bench: Bench, entry: Entry, next: (record: TaskRecord, now: number) => TaskRecord) {
  return bench.store.commit("settle", [{ before: entry, next: next(entry.record, bench.clock.now()) }]);
}

const cancel = (record: TaskRecord, now: number) => cancelled(record, now, null);

Deno.test("a submit and an end of one moment share a commit on a file, and have one each on a server", async () => {
  for (const [limits, expected] of [[EMBEDDED_LIMITS, 1], [REMOTE_LIMITS, 2]] as const) {
    await using bench = await aBench({ limits });
    const [entry] = await bench.submit({});
    const { commit } = bench.kv;
    let commits = 0;
    bench.kv.commit = (...args) => {
      commits++;
      return commit.apply(bench.kv, args);
    };
    await Promise.all([bench.submit({}), step(bench, entry, cancel)]);
    assert.equal(commits, expected);
  }
});

onEachBackend("commit() stores what it returns, each write one rev higher", async (path) => {
  await using bench = await aBench({ path });
  const [entry] = await bench.submit({ tags: ["a"] });
  assert.equal(entry.record.rev, 1);
  const [after] = (await step(bench, entry, cancel))!;
  assert.equal(after.record.rev, 2);
  assert.deepEqual(await bench.store.read(entry.record.id), { ...after, record: asStored(after.record) });
  assert.notEqual(after.record.op, entry.record.op);
});

onEachBackend("commit() from an old version is a conflict and writes nothing", async (path) => {
  await using bench = await aBench({ path });
  const [entry] = await bench.submit({});
  const [after] = (await step(bench, entry, cancel))!;
  const before = await bench.all();
  assert.equal(await step(bench, entry, cancel), null);
  assert.deepEqual(await bench.all(), before);
  assert.deepEqual(await bench.store.read(entry.record.id), { ...after, record: asStored(after.record) });
});

onEachBackend("a conflict of one unit does not hurt those that share its commit", async (path) => {
  await using bench = await aBench({ path });
  const entries = await bench.submit({}, {}, {});
  await step(bench, entries[1], cancel);
  const outcomes = await Promise.all(entries.map((entry) => step(bench, entry, cancel)));
  assert.deepEqual(outcomes.map((applied) => applied !== null), [true, false, true]);
  for (const { record } of entries) assert.equal(typeOf(await bench.record(record.id)), "CANCELLED");
});

onEachBackend("changes of one unit are applied together or not at all", async (path) => {
  await using bench = await aBench({ path });
  const [one, other] = await bench.submit({}, {});
  await step(bench, other, cancel);
  const changes = [one, other].map((before) => ({ before, next: cancel(before.record, 1) }));
  assert.equal(await bench.store.commit("settle", changes), null);
  assert.equal(typeOf(await bench.record(one.record.id)), "PENDING");
});

Deno.test("a further check that does not hold is a conflict", async () => {
  await using bench = await aBench();
  const [entry] = await bench.submit({});
  const checks = [{ key: keys.idem("k"), versionstamp: "00000000000000000001" }];
  const change = { before: entry, next: cancel(entry.record, 1) };
  assert.equal(await bench.store.commit("settle", [change], { checks }), null);
  assert.equal(typeOf(await bench.record(entry.record.id)), "PENDING");
});

Deno.test("an id that is taken is a conflict, also for a fresh submit of others beside it", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({});
  const next = submitted(aDraft({ id }), bench.clock.now());
  const [taken, fresh] = await Promise.all([
    bench.store.commit("submit", [{ before: null, next }]),
    bench.submit({}),
  ]);
  assert.equal(taken, null);
  assert.equal(typeOf(await bench.record(fresh[0].record.id)), "PENDING");
});

for (const mishap of MISHAPS) {
  onEachBackend(`a submit whose commit is ${mishap} is stored exactly once`, async (path) => {
    const faulty = new FaultyKv();
    await using bench = await aBench({ path, wrap: faulty.wrap });
    faulty.next.push(mishap);
    const entries = await bench.clock.run(bench.submit({}, {}, {}));
    const stored = await bench.kv.list({ prefix: prefixes.task }, { limit: 9 });
    assert.deepEqual(stored.map(({ key }) => key[1]), entries.map(({ record }) => record.id));
    for (const entry of entries) {
      assert.deepEqual(await bench.store.read(entry.record.id), entry);
      assert.equal(entry.record.rev, 1);
    }
    await requireSound(bench);
  });

  onEachBackend(
    `units of a commit that is ${mishap} come out right beside one that conflicts`,
    async (path) => {
      const faulty = new FaultyKv();
      await using bench = await aBench({ path, wrap: faulty.wrap });
      const entries = await bench.submit({}, {}, {}, {});
      await step(bench, entries[2], cancel);
      // The commit with the conflict fails by itself; the next one is the ambiguous one.
      const seen: string[] = [];
      bench.store.subscribe({ applied: ({ record }) => void seen.push(record.id) });
      const steps = Promise.all(entries.map((entry) => step(bench, entry, cancel)));
      faulty.next.push("lost, throws", mishap);
      const outcomes = await bench.clock.run(steps);
      assert.deepEqual(outcomes.map((applied) => applied !== null), [true, true, false, true]);
      for (const { record } of entries) assert.equal((await bench.record(record.id)).rev, 2);
      const told = entries.filter((_, i) => i !== 2).map(({ record }) => record.id);
      assert.deepEqual(seen.sort(), told.sort(), "each change is told once");
      await requireSound(bench);
    },
  );

  onEachBackend(`a group counts each end once when a commit is ${mishap}`, async (path) => {
    const faulty = new FaultyKv();
    await using bench = await aBench({ path, wrap: faulty.wrap });
    await aGroup(bench, "g", 3);
    const entries = await bench.submit(...Array(3).fill({ groups: ["g"] }));
    faulty.next.push(mishap, mishap);
    await bench.clock.run(Promise.all(entries.map((entry) => step(bench, entry, cancel))));
    await requireSound(bench);
  });
}

Deno.test("a submit that was applied, and whose task was claimed before it was read back, is no conflict", async () => {
  const faulty = new FaultyKv();
  await using bench = await aBench({ wrap: faulty.wrap });
  const other = new Store({ kv: bench.kv, clock: bench.clock, ids: bench.ids });
  const next = submitted(aDraft({ id: bench.ids.id() }), bench.clock.now());
  faulty.next.push("applied, throws");
  faulty.meanwhile = () => claim(other, { worker: "w", shard: 0, ...upTo(1) });
  const submit = bench.store.commit("submit", [{ before: null, next }], { fresh: true });
  assert.notEqual(await bench.clock.run(submit), null);
  assert.equal(typeOf(await bench.record(next.id)), "RUNNING");
});

Deno.test("an end that was applied, and whose record got a group before it was read back, is no conflict", async () => {
  const faulty = new FaultyKv();
  await using bench = await aBench({ wrap: faulty.wrap });
  const other = new Store({ kv: bench.kv, clock: bench.clock, ids: bench.ids });
  const [pending] = await bench.submit({});
  const [running] = (await step(bench, pending, (record, now) => claimed(record, now, lease)))!;
  await aGroup(bench, "g", 1);
  faulty.next.push("applied, throws");
  faulty.meanwhile = () =>
    other.update(
      "settle",
      pending.record.id,
      ({ record }) => ({ next: { ...record as TaskRecord, groups: ["g"] } }),
    );
  const outcome = { kind: "completed", result: { json: "1" } } as const;
  const settle = step(bench, running as Entry, (record, now) => settled(record, now, outcome, () => 0));
  assert.notEqual(
    await bench.clock.run(settle),
    null,
    "a caller that is told so removes the result's chunks",
  );
});

Deno.test("a commit that fails for 10 s is given up, and the next one is tried anew", async () => {
  const faulty = new FaultyKv();
  await using bench = await aBench({ wrap: faulty.wrap });
  faulty.next.push(...Array(10_000).fill("lost, throws"));
  const before = bench.clock.monotonic();
  await assert.rejects(bench.clock.run(bench.submit({})), UnavailableError);
  const tookMs = bench.clock.monotonic() - before;
  assert.ok(tookMs > 10_000 && tookMs < 11_000, `it took ${tookMs} ms`);
  faulty.next.length = 0;
  await bench.submit({});
});

Deno.test("update() computes the step anew after each conflict", async () => {
  await using bench = await aBench();
  const [entry] = await bench.submit({});
  await step(bench, entry, (record) => ({ ...record, tags: ["other's"] }));
  const seen: string[][] = [];
  const after = await bench.store.update("settle", entry.record.id, ({ record }) => {
    seen.push((record as TaskRecord).tags);
    return { next: cancel(record as TaskRecord, bench.clock.now()) };
  }, entry);
  assert.deepEqual(seen, [[], ["other's"]]);
  assert.deepEqual(taskOf(after).tags, ["other's"]);
});

Deno.test("update() gives null if the step declines, and undefined if there is no task", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({});
  assert.equal(await bench.store.update("settle", id, () => null), null);
  assert.equal(await bench.store.update("settle", aDraft().id, () => null), undefined);
});

Deno.test("read() sees no task whose retention is over, peekMany() does", async () => {
  await using bench = await aBench();
  const [entry] = await bench.submit({ retentionMs: 1_000 });
  const { id } = entry.record;
  await step(bench, entry, cancel);
  bench.clock.advance(999);
  assert.ok(await bench.store.read(id));
  bench.clock.advance(1);
  assert.equal(await bench.store.read(id), null);
  assert.ok((await bench.store.peekMany([id]))[0]);
});

Deno.test("a record that KV would not take is refused before it is in a commit", async () => {
  await using bench = await aBench();
  const large = { json: JSON.stringify("x".repeat(70_000)) };
  const next = submitted(aDraft({ input: large }), bench.clock.now());
  assert.throws(() => bench.store.commit("submit", [{ before: null, next }]), RangeError);
  await bench.submit({});
});

Deno.test("pack() splits changes into runs that each fit a commit, in order", async () => {
  await using bench = await aBench();
  const input = { json: JSON.stringify("ä".repeat(6_000)) };
  const changes = Array.from(
    { length: 300 },
    () => ({ before: null, next: submitted(aDraft({ input }), 1) }),
  );
  for (const fresh of [true, false]) {
    const packs = await bench.store.pack(changes, { fresh });
    assert.deepEqual(packs.flat(), changes);
    assert.ok(packs.length > 1);
  }
  for (const pack of await bench.store.pack(changes)) assert.ok(await bench.store.commit("submit", pack));
});

Deno.test("states that leave the record go on in the event log, none missing", async () => {
  await using bench = await aBench();
  let [entry] = await bench.submit({});
  for (let i = 0; i < 140; i++) {
    [entry] = await step(
      bench,
      entry,
      (record, now) =>
        i % 2 ? settled(record, now, { kind: "released" }, () => 0) : claimed(record, now, lease),
    ) as Entry[];
  }
  const spilled = await bench.kv.list({ prefix: prefixes.events(entry.record.id) }, { limit: 999 });
  const seqs = [...spilled.map(({ key }) => key[2]), ...entry.record.history.map(({ seq }) => seq)];
  assert.deepEqual(seqs, Array.from({ length: 141 }, (_, i) => i + 1));
  assert.equal(entry.record.hasEvents, true);
});

Deno.test("what a commit adds for a doorbell goes with commits that make tasks ready, and no others", async () => {
  let rings = 0;
  await using bench = await aBench({ onCommit: () => void rings++ });
  const [entry] = await bench.submit({});
  assert.equal(rings, 1);
  await step(bench, entry, cancel);
  await bench.submit({ runAt: bench.clock.now() + 5 });
  assert.equal(rings, 1);
});

async function aGroup(bench: Bench, id: string, total: number): Promise<void> {
  const group = { id, total, log: 0, ended: {}, createdAt: bench.clock.now() };
  await bench.kv.writeBlind([groupWrite(group)], bench.clock.now());
}

/** Ends are counted and logged as the records have them. */
async function requireSound({ kv, store }: Bench): Promise<void> {
  const records = (await store.readNewest({ prefix: prefixes.task }, 999)).map(({ entry }) => taskOf(entry));
  for (const group of new Set(records.flatMap(({ groups }) => groups))) {
    const { value } = await kv.get<{ log: number; ended: Record<string, number> }>(keys.group(group));
    const ended = records.filter((record) => record.groups.includes(group) && isTerminal(record));
    const counts: Record<string, number> = {};
    for (const record of ended) counts[typeOf(record)] = (counts[typeOf(record)] ?? 0) + 1;
    assert.deepEqual({ ...value!.ended }, counts);
    const log = await kv.list({ prefix: prefixes.groupDone(group) }, { limit: 999 });
    assert.deepEqual(log.map(({ key }) => key[3]), Array.from({ length: value!.log }, (_, i) => i + 1));
    assert.deepEqual(log.map(({ key }) => key[4]).sort(), ended.map(({ id }) => id).sort());
  }
}

for (const isApplied of [false, true]) {
  const when = isApplied ? "just before it is decided on" : "later";
  Deno.test(`units of a commit without an answer, which is applied ${when}, come out as they are told`, async () => {
    const faulty = new FaultyKv();
    await using bench = await aBench({ wrap: faulty.wrap });
    const { store, kv, ids, clock } = bench;
    const other = ["other's"];
    const task = () => submitted(aDraft({ id: ids.id() }), clock.now());
    const [one, two] = [task(), task()];
    faulty.next.push("late");
    faulty.meanwhile = () => kv.writer.atomic().set(other, 1).commit();
    const getMany = kv.getMany;
    let reads = 0;
    kv.getMany = async (...args) => {
      const found = await getMany.apply(kv, args);
      if (++reads === 1 && isApplied) {
        await kv.writer.atomic().delete(other).commit();
        assert.ok((await faulty.late[0]()).ok);
      }
      return found as never;
    };
    const commit = (next: TaskRecord, checks: Deno.AtomicCheck[] = []) =>
      store.commit("submit", [{ before: null, next }], { fresh: true, checks });
    const both = Promise.all([commit(one, [{ key: other, versionstamp: null }]), commit(two)]);
    const [first, second] = await bench.clock.run(both);
    assert.notEqual(second, null);
    assert.equal(first !== null, isApplied);
    if (isApplied) return assert.equal(typeOf(await bench.record(one.id)), "PENDING");
    await step(bench, second![0] as Entry, cancel);
    await kv.writer.atomic().delete(other).commit();
    assert.equal((await faulty.late[0]()).ok, false);
    assert.equal((await bench.record(two.id)).rev, 2);
    assert.equal(await store.read(one.id), null, "to readers there is no such task");
    // Its call may make it after all, also when KV has removed what stands in its place.
    await kv.writer.atomic().delete(keys.task(one.id)).commit();
    assert.notEqual(await bench.clock.run(commit(one)), null);
    assert.equal((await bench.record(one.id)).rev, 1);
  });
}
