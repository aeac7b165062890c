import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { UNCOUNTED } from "../../../runtime/core/usage.ts";
import { QueueLimit } from "../../../runtime/commands/queue_limit.ts";
import { Submitter } from "../../../runtime/commands/submit.ts";
import { define } from "../../../runtime/core/define.ts";
import { Registry } from "../../../runtime/core/registry.ts";
import { callerWithin } from "../../../runtime/core/caller.ts";
import type { StateType } from "../../../runtime/core/states.ts";
import { type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { becameReady, cancelled, retried, settled } from "../../../runtime/core/transitions.ts";
import { list, type ListQuery, scan } from "../../../runtime/queries/list.ts";
import { askLimits } from "../../../runtime/queues/concurrency.ts";
import type { ReadyBlock } from "../../../runtime/store/ready_queue.ts";
import { claim } from "../../../runtime/worker/claim.ts";
import { aBench, type Bench, keys, upTo } from "../../support/builders.ts";
import { composing } from "../../support/composing.ts";
import { Random } from "../../support/random.ts";

type Move = "fails" | "fails for good" | "completes" | "is handed back" | "is cancelled" | "goes on";

const ACTIVE: StateType[] = ["PENDING", "SCHEDULED", "RUNNING"];
const WORKER = "w";

/** The ids of all pages, in their order. */
async function listed(bench: Bench, query: Partial<ListQuery>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(bench.store, { limit: 3, ...query, cursor });
    ids.push(...page.entries.map(({ record }) => record.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

/** Takes the task one step further, as its driver would. */
async function move(bench: Bench, id: string, how: Move): Promise<void> {
  const { store, clock } = bench;
  const step = async (next: (record: TaskRecord) => TaskRecord) => {
    await store.update("settle", id, ({ record }) => ({ next: next(record as TaskRecord) }));
  };
  const now = clock.now();
  const record = await bench.record(id);
  switch (typeOf(record)) {
    case "PENDING":
      if (how === "is cancelled") return await step((record) => cancelled(record, now, null));
      await claim(store, { worker: WORKER, shard: 0, ...upTo(1, (task) => task === record.task) });
      return;
    case "SCHEDULED":
      if (how === "is cancelled") return await step((record) => cancelled(record, now, null));
      return await step((record) => becameReady(record, now));
    case "RUNNING": {
      const error = { name: "Error", message: "no", retryable: how !== "fails for good" };
      await step((record) => {
        if (how === "completes") {
          return settled(record, now, { kind: "completed", result: { json: "1" } }, Math.random);
        }
        if (how === "is handed back") return settled(record, now, { kind: "released" }, Math.random);
        return settled(record, now, { kind: "failed", error }, Math.random);
      });
      for (const { key, value } of await bench.all()) {
        if (key[0] === "lease" && (value as string[]).includes(id)) await bench.kv.writeBlind([{ key }], 0);
      }
      return;
    }
    case "FAILED":
    case "CANCELLED":
      return await step((record) => retried(record, now, record.input));
  }
}

/** Does `work` after each read of keys. */
function afterEachList(bench: Bench, work: () => Promise<void>): void {
  const { kv } = bench;
  const { list } = kv;
  let isMoving = false;
  kv.list = async <T>(...args: Parameters<typeof list>) => {
    const found = await list.apply(kv, args);
    if (!isMoving) {
      isMoving = true;
      await work();
      isMoving = false;
    }
    return found as Deno.KvEntry<T>[];
  };
}

const loops = { maxAttempts: 1_000, retry: { delayMs: 0, factor: 1, maxDelayMs: 0, jitter: false } };

Deno.test("a list has a task that goes through its states as fast as the list reads them", async () => {
  for (const steps of [1, 2]) {
    for (const before of [0, 1, 2, 3, 4]) {
      for (const how of ["fails", "is handed back"] as const) {
        for (const query of [{ task: "work" }, { states: ACTIVE }, { task: "work", states: ACTIVE }]) {
          await using bench = await aBench();
          const [{ record: { id } }] = await bench.submit(loops);
          for (let n = 0; n < before; n++) await move(bench, id, how);
          afterEachList(bench, async () => {
            for (let n = 0; n < steps; n++) await move(bench, id, how);
          });
          const what = `${JSON.stringify(query)}, ${before} steps before, ${steps} for each read`;
          assert.deepEqual(await listed(bench, query), [id], what);
        }
      }
    }
  }
});

Deno.test("a list has a task that its limits take out of its queue while the list is read", async () => {
  const limited = { limits: [{ key: "k", limit: 1 }] };
  for (const query of [{ task: "work" }, { states: ACTIVE }, { states: ["PENDING" as const] }]) {
    for (let at = 1; at <= 12; at++) {
      await using bench = await aBench();
      const [ready, waiting] = await bench.submit(limited, limited);
      let reads = 0;
      afterEachList(bench, async () => {
        if (++reads !== at) return;
        await askLimits(bench.store, ready);
        assert.ok((await bench.record(ready.record.id)).parked, "behind the one that waits");
        for (const { key, value } of await bench.all()) {
          const isItsBlock = key[0] === "ready" && (value as ReadyBlock).ids.includes(ready.record.id);
          if (isItsBlock) await bench.kv.writeBlind([{ key }], 0);
        }
      });
      const ids = [waiting, ready].map(({ record }) => record.id);
      assert.deepEqual(await listed(bench, query), ids, `${JSON.stringify(query)}, behind read ${at}`);
    }
  }
});

const QUERIES: Partial<ListQuery>[] = [
  {},
  { task: "work" },
  { states: ACTIVE },
  { states: ["PENDING", "SCHEDULED"] },
  { states: ["FAILED", "CANCELLED"] },
  { states: ["PENDING", "FAILED"] },
  { task: "work", states: ["RUNNING", "FAILED"] },
  { task: "work", states: ["PENDING"] },
  { states: ["RUNNING"] },
  { tag: "t", states: ACTIVE },
];

Deno.test("each task that fits a list all the time is in it once, whatever happens meanwhile", async () => {
  const moves: Move[] = ["fails", "fails for good", "completes", "is handed back", "is cancelled", "goes on"];
  let shown = 0;
  for (let seed = 1; seed <= 5; seed++) {
    for (const query of QUERIES) {
      const random = new Random(seed);
      await using bench = await aBench();
      const entries = await bench.submit(...Array.from({ length: 9 }, (_, i) => ({
        ...loops,
        task: i % 3 === 0 ? "other" : "work",
        tags: i % 2 === 0 ? ["t"] : [],
        runAt: bench.clock.now() + (i % 4 === 0 ? 60_000 : 0),
      })));
      const ids = entries.map(({ record }) => record.id);
      const fits = (record: TaskRecord) =>
        (!query.states || query.states.includes(typeOf(record))) &&
        (!query.task || record.task === query.task) && (!query.tag || record.tags.includes(query.tag));
      for (let n = 0; n < 20; n++) await move(bench, random.pick(ids), random.pick(moves));
      const always = new Set(ids);
      const look = async () => {
        for (const id of ids) if (!fits(await bench.record(id))) always.delete(id);
      };
      await look();
      afterEachList(bench, async () => {
        for (let n = 0; n < 3; n++) {
          await move(bench, random.pick(ids), random.pick(moves));
          await look();
        }
      });
      const found = await listed(bench, query);
      const what = `seed ${seed}, ${JSON.stringify(query)}`;
      assert.equal(new Set(found).size, found.length, `${what}: twice`);
      assert.deepEqual([...always].filter((id) => !found.includes(id)), [], `${what}: missing`);
      shown += always.size;
    }
  }
  assert.ok(shown > 80, `${shown} fitted all the time`);
});

Deno.test("what a task that went back needs for lists goes with its end, or with the task", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit(loops);
  const again = async () => (await bench.all()).filter(({ key }) => key[1] === "again").length;
  const found: number[] = [];
  for (
    const how of [
      "goes on",
      "fails",
      "goes on",
      "goes on",
      "fails for good",
      "goes on",
      "goes on",
      "completes",
    ] as const
  ) {
    await move(bench, id, how);
    found.push(await again());
  }
  assert.deepEqual(found, [0, 1, 1, 1, 0, 1, 1, 0]);
});

Deno.test("a list has the tasks that wait for a slot of their group, however many groups there are", async () => {
  await using bench = await composing();
  // Older ones, whose tasks have all had their turn.
  for (let from = 0; from < 1_200; from += 100) {
    await bench.kv.writeBlind(
      Array.from({ length: 100 }, () => ({
        key: keys.concurrencyLimit(bench.ids.id()),
        value: { max: 1, admitted: 1, cursor: bench.ids.id() },
      })),
      0,
    );
  }
  const tasks = await bench.call([{}, {}, {}, {}], { group: true, maxConcurrent: 1 });
  const newestFirst = tasks.map(({ id }) => id).reverse();
  assert.deepEqual(await listed(bench, { states: ["PENDING"] }), newestFirst);
  assert.deepEqual(await listed(bench, { task: "work" }), newestFirst);
});

Deno.test("a list has the tasks of a definition that wait for a slot among those of others", async () => {
  await using bench = await aBench();
  const context = {
    store: bench.store,
    values: bench.values,
    registry: new Registry(["a", "b"].map((name) => define({ name, input: z.unknown() }, () => null))),
    maxInputBytes: 1_000,
  };
  const submitter = new Submitter(context, new QueueLimit(bench.store, 100, UNCOUNTED));
  const submissions = ["a", "b", "a", "b"].map((task) => ({ task }));
  const { ids } = await submitter.submit({
    batch: { submissions, pointerOf: () => "" },
    group: true,
    maxConcurrent: 1,
  });
  assert.deepEqual(await listed(bench, { task: "b" }), [ids[3], ids[1]]);
});

Deno.test("a group whose tasks have all had their turn costs a list no read of its own", async () => {
  await using bench = await composing();
  const reads = async () => {
    let count = 0;
    const { list: read } = bench.kv;
    bench.kv.list = (...args) => {
      count++;
      return read.apply(bench.kv, args) as never;
    };
    await listed(bench, { states: ["PENDING"], limit: 100 });
    bench.kv.list = read;
    return count;
  };
  const before = await reads();
  for (let n = 0; n < 3; n++) await bench.call([{}, {}], { group: true, maxConcurrent: 2 });
  assert.equal(await reads(), before);
});

Deno.test("a list has the tasks of a large call that only wait for the rest of it", async () => {
  await using bench = await composing();
  const tasks = await bench.call(Array.from({ length: 450 }, () => ({})), { atomic: true });
  const states = new Set(await Promise.all(tasks.map(({ id }) => bench.state(id))));
  assert.deepEqual([...states], ["AwaitingDependencies"]);
  const newestFirst = tasks.map(({ id }) => id).reverse();
  assert.deepEqual(await listed(bench, { states: ["PENDING"], limit: 100 }), newestFirst);
  assert.deepEqual(await listed(bench, { task: "work", limit: 100 }), newestFirst);
  await bench.follow();
  assert.deepEqual(await listed(bench, { states: ["PENDING"], limit: 100 }), newestFirst);
});

Deno.test("a list has a tenant's tasks that are to start later, however many of others start before them", async () => {
  await using bench = await aBench();
  const { kv, clock } = bench;
  const others = Array.from({ length: 10_100 }, (_, n) => ({
    key: keys.due("start", clock.now() + 1, `${n}~other`),
    value: { task: "work", groups: [] },
  }));
  for (let at = 0; at < others.length; at += 500) await kv.writeBlind(others.slice(at, at + 500), 0);
  const id = `${bench.ids.id()}~acme`;
  await bench.submit({ id, runAt: clock.now() + 60_000 });
  const caller = callerWithin("acme");
  for (const query of [{}, { task: "work" }]) {
    assert.deepEqual(await listed(bench, { states: ["SCHEDULED"], caller, ...query }), [id]);
  }
});

Deno.test("a look for all that waits goes through no others, though more wait than a page could sort", async () => {
  await using bench = await aBench();
  const { kv, clock } = bench;
  const others = Array.from({ length: 10_100 }, (_, n) => ({
    key: keys.due("start", clock.now() + 1, `${n}~other`),
    value: { task: "work", groups: [] },
  }));
  for (let at = 0; at < others.length; at += 500) await kv.writeBlind(others.slice(at, at + 500), 0);
  const later = { runAt: clock.now() + 60_000 };
  const scheduled = await bench.submit(...Array.from({ length: 450 }, () => later));
  await bench.submit(...Array.from({ length: 50 }, () => ({})));
  const { list: read } = kv;
  const looked = new Set<unknown>();
  kv.list = async (selector, ...rest) => {
    looked.add(("prefix" in selector ? selector.prefix : selector.start)[0]);
    return await read.call(kv, selector, ...rest) as never;
  };
  const found: string[] = [];
  for await (const { entries } of scan(bench.store, { states: ["SCHEDULED"] })) {
    found.push(...entries.map(({ record }) => record.id));
  }
  assert.deepEqual(found, scheduled.map(({ record }) => record.id).reverse());
  assert.ok(!looked.has("task"), [...looked].join());
});

Deno.test("a page ends when its time is over, and goes on from its cursor; a count says that it is not all", async () => {
  await using bench = await aBench();
  for (let n = 0; n < 13; n++) await bench.submit(...Array.from({ length: 50 }, () => ({})));
  // Each read of records takes longer than a page may.
  const { kv, clock } = bench;
  const { list: read } = kv;
  kv.list = async <T>(...args: Parameters<typeof read>) => {
    const found = await read.apply(kv, args);
    clock.advance(1_000);
    return found as Deno.KvEntry<T>[];
  };
  const rare = { q: "nothing says this", limit: 10 };
  for (const query of [rare, { ...rare, q: undefined, finishedAfter: 1 }, { ...rare, task: "work" }]) {
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await list(bench.store, { ...query, cursor, counts: true });
      assert.deepEqual(page.entries, []);
      assert.equal(page.count!.exact, page.nextCursor === null && pages === 0);
      cursor = page.nextCursor ?? undefined;
      pages++;
    } while (cursor !== undefined);
    assert.ok(pages > 1, `${pages} pages`);
  }
});

Deno.test("a first page is counted by the same look: no record is read twice for it", async () => {
  await using bench = await aBench();
  await bench.submit(...Array.from({ length: 30 }, () => ({})));
  const { list: read } = bench.kv;
  for (const [query, expected] of [[{ limit: 5 }, 30], [{ limit: 5, q: "nothing says this" }, 0]] as const) {
    let reads = 0;
    bench.kv.list = async (...args) => {
      reads++;
      return await read.apply(bench.kv, args) as never;
    };
    await list(bench.store, query);
    const alone = reads;
    reads = 0;
    const { entries, nextCursor, count } = await list(bench.store, { ...query, counts: true });
    bench.kv.list = read;
    assert.equal(reads, alone);
    assert.deepEqual(count, { value: expected, exact: true });
    assert.deepEqual([entries.length, nextCursor === null], [Math.min(5, expected), expected === 0]);
    if (nextCursor !== null) assert.equal(nextCursor, entries[4].record.id);
  }
});

Deno.test("a count by tag or by failed ends reads keys alone, and counts what a look at the records counts", async () => {
  await using bench = await aBench();
  await bench.submit(...Array.from({ length: 30 }, (_, i) => ({ tags: i % 3 === 0 ? ["t"] : [] })));
  const { entries } = await list(bench.store, { limit: 12 });
  for (const { record } of entries) await move(bench, record.id, "is cancelled");
  let records = 0;
  const { getMany } = bench.kv;
  bench.kv.getMany = (keys, ...rest) => {
    records += keys.length;
    return getMany.call(bench.kv, keys, ...rest) as never;
  };
  const cases: [Partial<ListQuery>, number][] = [[{ tag: "t" }, 10], [
    { states: ["CANCELLED", "FAILED"] },
    12,
  ]];
  for (const [query, many] of cases) {
    records = 0;
    const { count } = await list(bench.store, { ...query, limit: 1, counts: true });
    assert.deepEqual(count, { value: many, exact: true });
    assert.ok(records <= many, `${records} records were read`);
    const looked = await list(bench.store, { ...query, limit: 1, counts: true, createdAfter: 0 });
    assert.deepEqual(looked.count, count);
  }
});
