import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Kv } from "../../../../runtime/platform/kv.ts";
import { QueueBell } from "../../../../runtime/platform/doorbells/queue.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { turn } from "../../../support/waiting.ts";

/** A queue whose messages arrive when the test says so. */
function aBell() {
  const clock = new ManualClock();
  const sent: number[] = [];
  let listener: (message: unknown) => void = () => {};
  let message: unknown;
  const enqueue = (value: unknown) => {
    message = value;
    sent.push(clock.monotonic());
  };
  const kv = {
    enqueue: (value: unknown) => Promise.resolve(enqueue(value)),
    listenQueue: (fn: (message: unknown) => void) => {
      listener = fn;
      return new Promise<void>(() => {});
    },
  } as unknown as Kv;
  const atomic = { enqueue } as unknown as Deno.AtomicOperation;
  const bell = new QueueBell(kv, clock);
  let rings = 0;
  bell.start(() => rings++);
  return {
    bell,
    clock,
    sent,
    commit: () => bell.onCommit(atomic),
    arrive: (value: unknown = message) => listener(value),
    rings: () => rings,
  };
}

Deno.test("a commit carries a message, and its arrival rings", () => {
  const { sent, commit, arrive, rings } = aBell();
  commit();
  assert.deepEqual(sent, [0]);
  assert.equal(rings(), 0);
  arrive();
  assert.equal(rings(), 1);
});

Deno.test("messages of others do not ring", () => {
  const { commit, arrive, rings } = aBell();
  commit();
  arrive("something else");
  assert.equal(rings(), 0);
});

Deno.test("at most one message in 50 ms, however many commits; one that is owed follows by itself", () => {
  const { clock, sent, commit, arrive } = aBell();
  for (let ms = 0; ms < 49; ms++) {
    commit();
    arrive();
    clock.advance(1);
  }
  assert.deepEqual(sent, [0]);
  clock.advance(1);
  assert.deepEqual(sent, [0, 50]);
  arrive();
  clock.advance(1_000);
  assert.deepEqual(sent, [0, 50], "nothing is owed any more");
});

Deno.test("no second message while one is undelivered; it goes out once that has arrived", () => {
  const { clock, sent, commit, arrive } = aBell();
  commit();
  clock.advance(60);
  commit();
  assert.deepEqual(sent, [0]);
  arrive();
  clock.advance(0);
  assert.deepEqual(sent, [0, 60]);
});

Deno.test("a message that does not come back is sent again, later each time, at most every 10 s", () => {
  const { clock, sent, commit } = aBell();
  commit();
  clock.advance(60_000);
  const waits = sent.slice(1).map((at, i) => at - sent[i]);
  assert.deepEqual(waits.slice(0, 7), [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
  assert.ok(waits.slice(7).every((wait) => wait === 10_000));
});

Deno.test("an arrival makes the next loss be noticed early again", () => {
  const { clock, sent, commit, arrive } = aBell();
  commit();
  clock.advance(5_000);
  arrive();
  clock.advance(100);
  commit();
  const at = sent.at(-1)!;
  assert.equal(at, clock.monotonic());
  clock.advance(250);
  assert.equal(sent.at(-1), at + 250);
});

Deno.test("a message that cannot be sent is no error, and is tried again", async () => {
  const clock = new ManualClock();
  let tries = 0;
  const kv = {
    enqueue: () => Promise.reject(new Error(`try ${++tries}`)),
    listenQueue: () => Promise.reject(new Error("closed")),
  } as unknown as Kv;
  const bell = new QueueBell(kv, clock);
  bell.start(() => {});
  bell.onCommit({ enqueue: () => {} } as unknown as Deno.AtomicOperation);
  clock.advance(800);
  await turn();
  assert.equal(tries, 2);
  bell.stop();
});

Deno.test("after stop() nothing is sent and nothing rings", () => {
  const { bell, clock, sent, commit, arrive, rings } = aBell();
  commit();
  bell.stop();
  clock.advance(60_000);
  arrive();
  assert.equal(clock.timers, 0);
  assert.deepEqual(sent, [0]);
  assert.equal(rings(), 0);
});
