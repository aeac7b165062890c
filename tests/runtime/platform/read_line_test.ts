// Many callers read very much at once: the database is never sent more than a few reads, and the engine's go
// first.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { DeadlineError, UnavailableError } from "../../../runtime/core/errors.ts";
import { type Kv, KvPort } from "../../../runtime/platform/kv.ts";
import { ReadLine } from "../../../runtime/platform/read_line.ts";
import { ManualClock } from "../../support/manual_clock.ts";

interface Held {
  keys: readonly Deno.KvKey[];
  answer: () => Promise<void>;
  fail: (error: Error) => Promise<void>;
}

/** A database that answers when it is told to. */
function heldKv(): { kv: KvPort; held: Held[] } {
  const held: Held[] = [];
  const handle = {
    getMany: (keys: readonly Deno.KvKey[]) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const settled = promise.then(() => {}, () => {});
      held.push({
        keys,
        answer: () => (resolve(keys.map((key) => ({ key, value: key[1], versionstamp: "1" }))), settled),
        fail: (error) => (reject(error), settled),
      });
      return promise;
    },
    get: (key: Deno.KvKey) => Promise.resolve({ key, value: "at once", versionstamp: "1" }),
  } as unknown as Kv;
  return { kv: new KvPort(handle, handle, undefined, 1, new ManualClock()), held };
}

const keysOf = (name: string, count: number) => Array.from({ length: count }, (_, i) => [name, i]);
const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

Deno.test("300 callers that read 1,000 records each have 32 reads under way, and all get their answers in order", async () => {
  const { kv, held } = heldKv();
  const calls = Array.from({ length: 300 }, (_, i) => kv.getMany(keysOf(`caller ${i}`, 1_000), "caller"));
  let most = 0;
  let answered = 0;
  while (answered < 30_000) {
    most = Math.max(most, held.length);
    const some = held.splice(0);
    answered += some.length;
    await Promise.all(some.map(({ answer }) => answer()));
    await settle();
  }
  assert.equal(most, 32);
  for (const found of await Promise.all(calls)) {
    assert.deepEqual(found.map(({ value }) => value), Array.from({ length: 1_000 }, (_, i) => i));
  }
});

Deno.test("a read of the engine goes before all that wait for callers, and what is read alone does not wait at all", async () => {
  const { kv, held } = heldKv();
  const callers = [1, 2].map((i) => kv.getMany(keysOf(`caller ${i}`, 1_000), "caller"));
  assert.equal(held.length, 32);
  const engine = kv.getMany(keysOf("engine", 20));
  assert.equal((await kv.get(["beat"])).value, "at once");
  assert.equal(held.length, 32);
  await Promise.all(held.splice(0, 2).map(({ answer }) => answer()));
  await settle();
  assert.deepEqual(held.slice(-2).map(({ keys }) => keys[0][0]), ["engine", "engine"]);
  await Promise.all(held.splice(-2).map(({ answer }) => answer()));
  assert.equal((await engine).length, 20);
  for (let left = 198; left > 0;) {
    const some = held.splice(0);
    left -= some.length;
    await Promise.all(some.map(({ answer }) => answer()));
    await settle();
  }
  await Promise.all(callers);
});

Deno.test("callers take turns: one with few records does not wait for all of one with many", async () => {
  const line = new ReadLine(new ManualClock(), 5_000, 1);
  const order: string[] = [];
  const read = (name: string) => () => Promise.resolve(void order.push(name));
  const many = line.all(Array.from({ length: 50 }, () => read("many")), "caller");
  const few = line.all([read("few"), read("few")], "caller");
  await few;
  assert.ok(order.length <= 10, order.join());
  await many;
});

Deno.test("callers get a place also while the engine always reads", async () => {
  const line = new ReadLine(new ManualClock(), 5_000, 1);
  let reads = 0;
  let isOver = false;
  const engine = async () => {
    reads++;
    while (!isOver) await line.all([() => Promise.resolve(reads++)], "engine");
  };
  const engines = [engine(), engine(), engine(), engine(), engine(), engine()];
  await line.all([() => Promise.resolve()], "caller");
  isOver = true;
  await Promise.all(engines);
  assert.ok(reads < 50, String(reads));
});

Deno.test("a call of which one read fails begins no more, and makes room", async () => {
  const { kv, held } = heldKv();
  const failing = kv.getMany(keysOf("a", 1_000), "caller");
  const other = kv.getMany(keysOf("b", 10), "caller");
  // The database answers others meanwhile.
  await held[1].answer();
  const failed = assert.rejects(failing, UnavailableError);
  await held[0].fail(new Error("disk I/O error"));
  await failed;
  await settle();
  assert.deepEqual(held.slice(32).map(({ keys }) => keys[0][0]).slice(-1), ["b"]);
  await Promise.all(held.slice(2).map(({ answer }) => answer()));
  assert.equal((await other).length, 10);
});

Deno.test("while the database is silent nobody waits for the deadlines of all before them", async () => {
  const clock = new ManualClock();
  const line = new ReadLine(clock, 5_000, 2);
  const late = Promise.withResolvers<never>();
  const calls = Array.from({ length: 10 }, () => line.all([() => late.promise], "caller"));
  const over = calls.map((call) => assert.rejects(call, DeadlineError));
  clock.advance(5_000);
  late.reject(new DeadlineError("no answer"));
  await Promise.all(over);
});
