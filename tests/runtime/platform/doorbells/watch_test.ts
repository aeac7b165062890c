import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { makeIds } from "../../../../runtime/platform/ids.ts";
import { KvPort } from "../../../../runtime/platform/kv.ts";
import { WatchBell } from "../../../../runtime/platform/doorbells/watch.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { eventually, turn } from "../../../support/waiting.ts";

type Look = Deno.KvEntryMaybe<unknown>[];

/** A watch that tells what the test says, over a database that is there or away. */
async function aBell() {
  const clock = new ManualClock();
  const kv = await Deno.openKv(":memory:");
  const writes: number[] = [];
  let isAway = false;
  let reads = 0;
  const seen = new Proxy(kv, {
    get(target, name) {
      // deno-lint-ignore no-explicit-any
      const value = (target as any)[name];
      if (name === "atomic") {
        return () => {
          writes.push(clock.monotonic());
          if (isAway) throw new TypeError("the database is away");
          return target.atomic();
        };
      }
      if (name === "getMany") return (keys: Deno.KvKey[]) => target.getMany(keys).finally(() => reads++);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const watches: ReadableStreamDefaultController<Look>[] = [];
  let ended = 0;
  let refusals = 0;
  const watched = {
    watch: () => {
      if (refusals > 0) {
        refusals--;
        throw new TypeError("no watch");
      }
      return new ReadableStream<Look>({
        start: (controller) => void watches.push(controller),
        cancel: () => void ended++,
      });
    },
  } as unknown as Pick<Deno.Kv, "watch">;
  const bell = new WatchBell(new KvPort(seen, seen, undefined, 1, clock), watched, clock, makeIds(clock));
  const rung: string[] = [];
  const start = async () => {
    bell.start(() => rung.push("ready"), () => rung.push("ended"));
    await turn();
  };
  const keys = [["bell", "ready"], ["bell", "ended"]];
  return {
    bell,
    clock,
    writes,
    rung,
    start,
    watches,
    ended: () => ended,
    away: (yes: boolean) => isAway = yes,
    refuse: (times: number) => refusals = times,
    set: (news: string) => kv.set(["bell", news], crypto.randomUUID()),
    commit: async () => {
      const atomic = kv.atomic();
      bell.onCommit(atomic);
      await atomic.commit();
    },
    /** The newest watch tells how the keys are now. */
    tell: async () => {
      watches.at(-1)!.enqueue(await kv.getMany(keys));
      await turn();
    },
    /** A second passes, and with it a read of the keys. */
    second: async () => {
      const before = reads;
      clock.advance(1_000);
      await eventually(() => reads > before);
      await turn();
    },
    [Symbol.asyncDispose]: async () => {
      await bell.stop();
      await kv.close();
    },
  };
}

Deno.test("what the watch tells rings, and each bell for itself", async () => {
  await using it = await aBell();
  await it.start();
  await it.tell();
  assert.deepEqual(it.rung, []);
  await it.commit();
  await it.tell();
  await it.tell();
  assert.deepEqual(it.rung, ["ready"]);
  await it.set("ended");
  await it.tell();
  assert.deepEqual(it.rung, ["ready", "ended"]);
});

Deno.test("a watch that tells nothing is made up for by a read each second, and is made anew", async () => {
  await using it = await aBell();
  await it.start();
  await it.commit();
  await it.second();
  assert.deepEqual(it.rung, ["ready"]);
  // It may be about to tell.
  assert.deepEqual([it.watches.length, it.ended()], [1, 0]);
  await it.set("ended");
  await it.second();
  assert.deepEqual(it.rung, ["ready", "ended"]);
  await eventually(() => it.watches.length === 2);
  assert.equal(it.ended(), 1);
  // The new one tells the same once more.
  await it.tell();
  assert.deepEqual(it.rung, ["ready", "ended"]);
});

Deno.test("a watch that tells in time is left alone, for a minute", async () => {
  await using it = await aBell();
  await it.start();
  for (let seconds = 0; seconds < 59; seconds++) {
    await it.set("ready");
    await it.tell();
    await it.second();
  }
  assert.equal(it.watches.length, 1);
  assert.equal(it.rung.length, 59);
  await it.second();
  await eventually(() => it.watches.length === 2);
  assert.equal(it.ended(), 1);
});

Deno.test("a watch that is cut or cannot be made is tried again a second later", async () => {
  await using it = await aBell();
  await it.start();
  it.refuse(2);
  it.watches[0].error(new TypeError("cut"));
  await turn();
  for (let seconds = 0; seconds < 2; seconds++) await it.second();
  assert.equal(it.watches.length, 1);
  await it.second();
  await eventually(() => it.watches.length === 2);
  await it.set("ready");
  await it.tell();
  assert.deepEqual(it.rung, ["ready"]);
});

Deno.test("at most one bell in 50 ms travels with a commit; one that is owed follows by itself", async () => {
  await using it = await aBell();
  await it.start();
  for (let commits = 0; commits < 5; commits++) await it.commit();
  assert.deepEqual(it.writes, []);
  it.clock.advance(49);
  assert.deepEqual(it.writes, []);
  it.clock.advance(1);
  assert.deepEqual(it.writes, [50]);
});

Deno.test("a bell that could not be set is owed until it is", async () => {
  await using it = await aBell();
  await it.start();
  it.away(true);
  it.bell.onEnd();
  it.clock.advance(0);
  await eventually(() => it.clock.timers > 2);
  it.away(false);
  it.clock.advance(50);
  assert.deepEqual(it.writes, [0, 50]);
  await it.second();
  assert.deepEqual(it.rung, ["ended"]);
});

Deno.test("it stops at once, whatever the watch does", async () => {
  const it = await aBell();
  await it.start();
  it.bell.onEnd();
  await it[Symbol.asyncDispose]();
  assert.equal(it.ended(), 1);
  assert.equal(it.clock.timers, 0);
});
