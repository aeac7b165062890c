// Aborts of very many waits at once, and waits that are longer than a timer of the platform.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Client } from "../../../client/mod.ts";
import { asCompleted } from "../../../client/futures/as_completed.ts";
import { after, onAbort } from "../../../client/transport/deadline.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Timers that the test fires, with the platform's limit: a longer one fires at once. */
function withTimers(): Disposable & { passed: number; fire(): void; waiting: number } {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Map<number, { call: () => void; ms: number }>();
  let count = 0;
  globalThis.setTimeout = ((call: () => void, ms: number) => {
    timers.set(++count, { call, ms: ms > 2 ** 31 - 1 ? 1 : ms });
    return count;
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: number) => void timers.delete(timer)) as unknown as typeof clearTimeout;
  return {
    passed: 0,
    get waiting() {
      return timers.size;
    },
    fire() {
      const [[timer, { call, ms }]] = timers;
      timers.delete(timer);
      this.passed += ms;
      call();
    },
    [Symbol.dispose]: () => void Object.assign(globalThis, { setTimeout, clearTimeout }),
  };
}

Deno.test("a wait of 60 days is over after 60 days", () => {
  using timers = withTimers();
  const told: number[] = [];
  after(60 * DAY_MS, () => told.push(timers.passed));
  while (timers.waiting > 0) timers.fire();
  assert.deepEqual(told, [60 * DAY_MS]);
});

Deno.test("a wait of 60 days is stopped at any time", () => {
  using timers = withTimers();
  const stop = after(60 * DAY_MS, () => assert.fail("it was stopped"));
  timers.fire();
  assert.equal(timers.waiting, 1);
  stop();
  assert.equal(timers.waiting, 0);
});

Deno.test("the service gets no deadline of a stream that is longer than the longest it takes", async () => {
  const asked: unknown[] = [];
  const errand = new Client({
    url: "http://127.0.0.1:1",
    retry: { forMs: 0 },
    fetch: (_, init) => {
      asked.push(JSON.parse(String(init!.body)).timeoutSeconds);
      return Promise.reject(new TypeError("no"));
    },
  });
  const future = errand.future("01999999-9999-7999-8999-999999999999");
  for (const days of [30, 31]) {
    await assert.rejects(Array.fromAsync(asCompleted([future], { timeoutMs: days * DAY_MS })));
  }
  assert.equal(asked.length, 2);
  assert.ok((asked[0] as number) > 29 * DAY_MS / 1_000);
  assert.equal(asked[1], undefined);
});

Deno.test("an abort is told to each that has not stopped listening, once", () => {
  const abort = new AbortController();
  const told: string[] = [];
  const [stop] = ["a", "b", "c"].map((name) => onAbort(abort.signal, () => told.push(name)));
  stop();
  onAbort(undefined, () => told.push("nobody"))();
  const twice = () => told.push("twice");
  onAbort(abort.signal, twice)();
  onAbort(abort.signal, twice);
  abort.abort();
  abort.abort();
  assert.deepEqual(told, ["b", "c", "twice"]);
});

Deno.test("who listens to an abort may stop another one that does", () => {
  const abort = new AbortController();
  const told: string[] = [];
  onAbort(abort.signal, () => {
    told.push("first");
    stop();
  });
  const stop = onAbort(abort.signal, () => told.push("second"));
  abort.abort();
  assert.deepEqual(told, ["first"]);
});

Deno.test("thousands listen to one signal by one listener: more of them would take seconds to be added", () => {
  const { signal } = new AbortController();
  let listeners = 0;
  signal.addEventListener = () => void listeners++;
  const stops = Array.from({ length: 5_000 }, () => onAbort(signal, () => {}));
  stops.forEach((stop) => stop());
  assert.equal(listeners, 1);
});
