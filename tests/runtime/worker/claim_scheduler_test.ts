import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ClaimScheduler } from "../../../runtime/worker/claim_scheduler.ts";
import type { ClaimResult } from "../../../runtime/worker/shard_states.ts";
import { shardOf } from "../../../runtime/platform/shard.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { aBench } from "../../support/builders.ts";
import { eventually, turn } from "../../support/waiting.ts";

const SHARDS = 4;
const LIMITS = { ...EMBEDDED_LIMITS, checks: 10, flights: 3 };

interface Claiming {
  shard: number;
  limit: number;
  threads: number;
  end: (result: { more: boolean; thread?: boolean; beaten?: boolean }) => void;
  fail: (error: Error) => void;
}

/** Claims that the test answers, over a queue that holds something in these shards. */
async function someClaims(
  { filled = [0, 1, 2, 3], own = [0, 1, 2, 3], free = 100, threads = 0, shards = SHARDS } = {},
) {
  const bench = await aBench({ shards, limits: LIMITS });
  for (const shard of filled) {
    let id = bench.ids.id();
    while (shardOf(id, shards) !== shard) id = bench.ids.id();
    await bench.submit({ id });
  }
  const lists = { count: 0 };
  const { list } = bench.kv;
  bench.kv.list = (selector, options) => {
    lists.count++;
    return list.call(bench.kv, selector, options) as never;
  };
  const made: Claiming[] = [];
  const errors: unknown[] = [];
  let beaten = 0;
  const slots = { free, threads };
  const reserved = { inline: 0, thread: 0 };
  const claims: ClaimScheduler = new ClaimScheduler(bench.store, {
    slots: {
      free: (kind) => (kind === "inline" ? slots.free : slots.threads) - reserved[kind],
      take({ inline, thread }) {
        reserved.inline += inline;
        reserved.thread += thread;
      },
      give({ inline, thread }) {
        reserved.inline -= inline;
        reserved.thread -= thread;
      },
    },
    own: () => new Set(own),
    onBeaten: () => beaten++,
    onError: (error) => errors.push(error),
    claim: (shard, { inline: limit, thread: threads }) => {
      return new Promise<ClaimResult>((resolve, reject) => {
        const hints = { skips: {}, isStale: false };
        const end: Claiming["end"] = ({ more, thread, beaten }) =>
          resolve({ more: { inline: more, thread }, beaten, hints });
        made.push({ shard, limit, threads, end, fail: reject });
      });
    },
  });
  return {
    bench,
    claims,
    made,
    errors,
    slots,
    lists,
    beaten: () => beaten,
    reserved: () => reserved.inline,
    /** Ends all that are under way. */
    endAll: async (result: { more: boolean }) => {
      for (const { end } of made) end(result);
      await turn();
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

const shardsOf = (made: Claiming[]) => made.map(({ shard }) => shard).sort();

Deno.test("one look finds the shards that hold something, and only these are claimed from", async () => {
  await using setup = await someClaims({ filled: [1, 3] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 2);
  await turn();
  assert.deepEqual(shardsOf(setup.made), [1, 3]);
  assert.equal(setup.lists.count, 1);
  await setup.endAll({ more: false });
  assert.equal(setup.claims.more("inline"), false);
  assert.equal(setup.made.length, 2);
});

Deno.test("an empty queue costs one read a ring", async () => {
  await using setup = await someClaims({ filled: [] });
  assert.equal(setup.claims.more("inline"), true, "at the start nobody knows");
  for (let rings = 1; rings <= 3; rings++) {
    setup.claims.ring();
    await eventually(() => setup.lists.count === rings);
    await eventually(() => !setup.claims.more("inline"));
  }
  assert.deepEqual(setup.made, []);
});

Deno.test("claims beside the first one each have slots for a full commit, and are no more than may fly", async () => {
  await using setup = await someClaims({ free: 25 });
  setup.claims.ring();
  await eventually(() => setup.made.length === 2);
  await turn();
  assert.deepEqual(setup.made.map(({ limit }) => limit), [10, 10], "five slots are not worth a third one");
  setup.slots.free = 100;
  setup.claims.go();
  await turn();
  assert.equal(setup.made.length, 3, "three may be under way");
  setup.made[0].end({ more: true });
  await turn();
  assert.equal(setup.made.length, 4);
  assert.equal(new Set(shardsOf(setup.made)).size, 4, "the one that waited longest comes next");
});

Deno.test("no two claims of one shard are under way at once, and what it left is claimed after that", async () => {
  await using setup = await someClaims({ filled: [2] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  setup.claims.ring();
  await turn();
  await turn();
  assert.equal(setup.made.length, 1);
  setup.made[0].end({ more: true });
  await eventually(() => setup.made.length === 2);
  assert.deepEqual(shardsOf(setup.made), [2, 2]);
});

Deno.test("others' shards are left to them for a moment, and then helped with", async () => {
  await using setup = await someClaims({ filled: [0, 3], own: [0] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  assert.deepEqual(shardsOf(setup.made), [0]);
  setup.made[0].end({ more: false });
  await turn();
  assert.equal(setup.made.length, 1);
  setup.bench.clock.advance(100);
  await eventually(() => setup.made.length === 2);
  assert.equal(setup.made[1].shard, 3);
});

Deno.test("while its own shards are claimed from, a worker does not help elsewhere", async () => {
  await using setup = await someClaims({ filled: [0, 3], own: [0] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  setup.bench.clock.advance(1_000);
  setup.claims.go();
  await turn();
  assert.deepEqual(shardsOf(setup.made), [0]);
});

Deno.test("busy with its own shards, it still claims elsewhere now and then", async () => {
  await using setup = await someClaims({ filled: [0, 3], own: [0], free: 10 });
  setup.claims.ring();
  for (let n = 0; n < 1_000; n++) {
    await eventually(() => setup.made.length > n);
    setup.made[n].end({ more: true });
  }
  const elsewhere = setup.made.filter(({ shard }) => shard === 3).length;
  assert.ok(elsewhere > 2 && elsewhere < 60, `${elsewhere} of 1000`);
});

Deno.test("a ring while no slot is free is followed when one is", async () => {
  await using setup = await someClaims({ filled: [1] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  await setup.endAll({ more: false });
  assert.equal(setup.claims.more("inline"), false);
  setup.slots.free = 0;
  setup.claims.ring();
  await turn();
  assert.deepEqual([setup.made.length, setup.lists.count], [1, 1]);
  assert.equal(setup.claims.more("inline"), true, "what has rung came before any new task");
  setup.slots.free = 1;
  setup.claims.go();
  await eventually(() => setup.made.length === 2);
  assert.equal(setup.made[1].limit, 1);
});

Deno.test("slots that come free one after the other are filled by one claim, a full commit's worth at once", async () => {
  await using setup = await someClaims({ filled: [1], free: 0 });
  const { slots, claims, made, bench } = setup;
  claims.ring();
  await turn();
  for (slots.free = 1; slots.free < 5; slots.free++) {
    claims.refill();
    bench.clock.advance(0.5);
    await turn();
  }
  assert.equal(made.length, 0);
  bench.clock.advance(3);
  await eventually(() => made.length === 1);
  assert.equal(made[0].limit, 5);
  made[0].end({ more: true });
  await eventually(() => made.length === 2);
  slots.free = 30;
  claims.refill();
  await turn();
  assert.equal(made.length, 2, "one shard, one claim");
  made[1].end({ more: true });
  await eventually(() => made.length === 3);
  assert.equal(made[2].limit, 10);
});

Deno.test("a claim that fails is logged, and the next ring tries again", async () => {
  await using setup = await someClaims({ filled: [1] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  setup.made[0].fail(new Error("the database is away"));
  await eventually(() => setup.errors.length === 1);
  await turn();
  assert.equal(setup.made.length, 1);
  setup.claims.ring();
  await eventually(() => setup.made.length === 2);
  assert.equal(setup.reserved(), 10, "the slots of the failed one are free again");
});

Deno.test("claims and those that another worker was faster with are counted", async () => {
  await using setup = await someClaims({ filled: [1] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  setup.made[0].end({ more: true, beaten: true });
  await eventually(() => setup.made.length === 2);
  setup.made[1].end({ more: false });
  await eventually(() => setup.claims.counts.made === 2);
  assert.deepEqual([setup.claims.counts.beaten, setup.beaten()], [1, 1]);
});

Deno.test("stop() waits for the claims under way, and begins none", async () => {
  await using setup = await someClaims({ filled: [1] });
  setup.claims.ring();
  await eventually(() => setup.made.length === 1);
  let stopped = false;
  const stopping = setup.claims.stop().then(() => stopped = true);
  await turn();
  assert.equal(stopped, false);
  setup.made[0].end({ more: true });
  await stopping;
  setup.claims.ring();
  await turn();
  assert.equal(setup.made.length, 1);
});

const ofBoth = (made: Claiming[]) => made.map(({ limit, threads }) => [limit, threads]);

Deno.test("a claim is for the kinds that have a free slot, and for those that may wait in the shard", async () => {
  await using setup = await someClaims({ filled: [0], shards: 1, free: 5, threads: 2 });
  const { claims, made, slots } = setup;
  claims.ring();
  await eventually(() => made.length === 1);
  made[0].end({ more: false, thread: true });
  await eventually(() => made.length === 2);
  slots.threads = 0;
  made[1].end({ more: false, thread: true });
  await turn();
  assert.deepEqual(ofBoth(made), [[5, 2], [0, 2]], "nothing more for the main thread, and no thread is free");
  assert.deepEqual([claims.more("inline"), claims.more("thread")], [false, true]);
  slots.threads = 1;
  claims.refill();
  setup.bench.clock.advance(3);
  await eventually(() => made.length === 3);
  assert.deepEqual(ofBoth(made)[2], [0, 1]);
});

Deno.test("a ring while all threads are busy is followed for the main thread now, for threads when one is free", async () => {
  await using setup = await someClaims({ filled: [0], shards: 1, free: 5 });
  const { claims, made, slots } = setup;
  claims.ring();
  await eventually(() => made.length === 1);
  made[0].end({ more: false, thread: false });
  await turn();
  assert.deepEqual([claims.more("inline"), claims.more("thread")], [false, false]);
  claims.ring();
  await eventually(() => made.length === 2);
  assert.equal(claims.more("thread"), true, "nobody has looked for tasks that need a thread");
  made[1].end({ more: false });
  await turn();
  assert.deepEqual([claims.more("inline"), claims.more("thread"), made.length], [false, true, 2]);
  slots.threads = 1;
  claims.refill();
  setup.bench.clock.advance(3);
  await eventually(() => made.length === 3);
  assert.deepEqual(ofBoth(made), [[5, 0], [5, 0], [0, 1]]);
});

Deno.test("a task that has to wait for a thread makes nobody look through the queue, until one is free", async () => {
  await using setup = await someClaims({ filled: [0], shards: 1, free: 5 });
  const { claims, made, slots } = setup;
  claims.ring();
  await eventually(() => made.length === 1);
  made[0].end({ more: false, thread: false });
  await turn();
  claims.ring("thread");
  await turn();
  assert.deepEqual([made.length, claims.more("inline"), claims.more("thread")], [1, false, true]);
  slots.threads = 1;
  claims.refill();
  setup.bench.clock.advance(3);
  await eventually(() => made.length === 2);
  assert.equal(made[1].threads, 1);
});
