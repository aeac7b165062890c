// The client over connections that break, in front of a real service: nothing is lost, nothing comes twice,
// and connections that are not needed are closed.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  asCompleted,
  AsCompletedTimeoutError,
  ConnectionError,
  ForgottenError,
  gather,
  NotFoundError,
  type TaskEvent,
  type TaskFuture,
  TimeoutError,
  wait,
} from "../../client/mod.ts";
import { UNKNOWN_ID } from "../support/service.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { eventually, pause } from "../support/waiting.ts";

const LONG_MS = 60_000;
const GATE = "the one of this test";
/** A browser has six connections to a host in all. */
const MOST_STREAMS = 6;
// Streams that are joined are aborted, and Deno's fetch may close their sockets some 100 ms later: tests that
// join many allow for twice as many.

interface Behind {
  /** Through the proxy. */
  errand: Errand;
  /** Past it: for what a test only prepares. */
  direct: Errand;
  proxy: HttpProxy;
}

async function behindAProxy(test: (behind: Behind) => Promise<void>): Promise<void> {
  await using server = await aServer({ CONCURRENCY: "1000" });
  await using proxy = new HttpProxy(server.url);
  await test({ errand: aClient(proxy.url), direct: aClient(server.url), proxy });
}

/** Futures through the proxy of tasks that were submitted past it. */
async function sleepers(
  { errand, direct }: Behind,
  inputs: { ms: number; value?: unknown }[],
): Promise<TaskFuture<unknown>[]> {
  return [...await direct.map("sleep", inputs)].map(({ id }) => errand.future(id));
}

/** Futures through the proxy of tasks that run until they are released. */
async function held({ errand, direct }: Behind, values: unknown[]): Promise<TaskFuture<unknown>[]> {
  const inputs = values.map((value) => ({ gate: GATE, value }));
  return [...await direct.map("hold", inputs)].map(({ id }) => errand.future(id));
}

async function released({ direct }: Behind): Promise<void> {
  await direct.submit("release", { gate: GATE });
}

function times<T>(count: number, each: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => each(i));
}

async function noStreams({ proxy }: Behind): Promise<void> {
  await eventually(() => proxy.streams === 0, () => `${proxy.streams} streams are open`);
}

// What is left is closed

Deno.test("leaving a loop over asCompleted closes its connection", () =>
  behindAProxy(async (behind) => {
    const futures = await sleepers(behind, [{ ms: 0 }, { ms: LONG_MS }, { ms: LONG_MS }]);
    for await (const future of asCompleted(futures)) {
      assert.equal(future.id, futures[0].id);
      assert.equal(behind.proxy.streams, 1);
      break;
    }
    await noStreams(behind);
    assert.deepEqual(behind.proxy.requests, ["POST /v1/as-completed"]);
  }));

Deno.test("an error thrown in a loop over asCompleted closes its connection", () =>
  behindAProxy(async (behind) => {
    const futures = await sleepers(behind, [{ ms: 0 }, { ms: LONG_MS }]);
    await assert.rejects(async () => {
      for await (const _ of asCompleted(futures)) throw new RangeError("enough");
    }, RangeError);
    await noStreams(behind);
  }));

Deno.test("leaving a loop over events closes its connection", () =>
  behindAProxy(async (behind) => {
    const { id } = await behind.direct.submit("countdown", { from: 1_000, stepMs: 50 });
    const seen: TaskEvent[] = [];
    for await (const event of behind.errand.future(id).events()) {
      seen.push(event);
      assert.equal(behind.proxy.streams, 1);
      if (seen.length === 5) break;
    }
    assert.deepEqual(seen.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
    await noStreams(behind);
  }));

Deno.test("a result's timeout, abort and end each close what nobody reads any more", () =>
  behindAProxy(async (behind) => {
    const [long, short] = await sleepers(behind, [{ ms: LONG_MS }, { ms: 300, value: "x" }]);
    await assert.rejects(long.result({ timeoutMs: 100 }), TimeoutError);
    await noStreams(behind);

    const abort = new AbortController();
    const aborted = assert.rejects(long.result({ signal: abort.signal }), { message: "enough" });
    await eventually(() => behind.proxy.streams === 1);
    abort.abort(new Error("enough"));
    await aborted;
    await noStreams(behind);

    assert.equal(await short.result(), "x");
    await noStreams(behind);
  }));

Deno.test("removing the only callback of a future closes its connection", () =>
  behindAProxy(async (behind) => {
    const [future] = await sleepers(behind, [{ ms: LONG_MS }]);
    const callback = () => {};
    future.addDoneCallback(callback);
    await eventually(() => behind.proxy.streams === 1);
    assert.equal(future.removeDoneCallback(callback), 1);
    await noStreams(behind);
  }));

Deno.test("a gather and an asCompleted that run out of time leave no connection behind", () =>
  behindAProxy(async (behind) => {
    const futures = await sleepers(behind, times(5, (i) => ({ ms: i < 2 ? 0 : LONG_MS })));
    await wait(futures.slice(0, 2));
    const late = { name: "AsCompletedTimeoutError", message: "3 (of 5) futures unfinished" };
    await assert.rejects(gather(futures, { timeoutMs: 200 }), late);
    await assert.rejects(Array.fromAsync(asCompleted(futures, { timeoutMs: 200 })), AsCompletedTimeoutError);
    await noStreams(behind);
  }));

Deno.test("streams that ended by themselves leave their connections to be used again", () =>
  behindAProxy(async (behind) => {
    const { errand, proxy } = behind;
    for (let i = 0; i < 10; i++) {
      const future = await errand.submit("add", { a: i, b: 1 });
      assert.equal(await future.result(), i + 1);
    }
    await noStreams(behind);
    assert.ok(proxy.total <= 4, `${proxy.total} connections for ${proxy.requests.length} requests`);
  }));

// Cuts

Deno.test("asCompleted over 100 tasks gives each once, however often its stream is cut", () =>
  behindAProxy(async (behind) => {
    const { direct, proxy } = behind;
    const errand = aClient(proxy.url, { retry: { delayMs: 10 } });
    // In the middle of an event, mostly.
    proxy.streamBytes = 10_000;
    const inputs = times(100, (i) => ({ ms: 5 * ((i * 37) % 100), value: i }));
    const futures = [...await direct.map("sleep", inputs)].map(({ id }) => errand.future(id));
    const values: unknown[] = [];
    for await (const future of asCompleted(futures)) values.push(await future.result());
    assert.deepEqual(values.toSorted((a, b) => Number(a) - Number(b)), inputs.map(({ value }) => value));
    assert.ok(proxy.requests.length >= 5, `${proxy.requests.length} streams`);
  }));

Deno.test("events of a countdown come from 1 on without gap or repeat, however often they are cut", () =>
  behindAProxy(async ({ direct, proxy }) => {
    const errand = aClient(proxy.url, { retry: { delayMs: 10 } });
    proxy.streamBytes = 2_000;
    const { id } = await direct.submit("countdown", { from: 40, stepMs: 10 });
    const seen = await Array.fromAsync(errand.future(id).events());
    assert.deepEqual(seen.map(({ seq }) => seq), seen.map((_, i) => i + 1));
    assert.equal(seen.at(-1)!.event, "result");
    // As they come over one connection.
    assert.deepEqual(seen, await Array.fromAsync(direct.future(id).events()));
    const chunks = seen.flatMap((event) => event.event === "chunk" ? [event.data.chunk] : []);
    assert.deepEqual(chunks, times(40, (i) => 40 - i));
    assert.ok(proxy.requests.length >= 5, `${proxy.requests.length} streams`);
  }));

Deno.test("results of 200 futures are all right, however often their streams are cut", () =>
  behindAProxy(async ({ direct, proxy }) => {
    const errand = aClient(proxy.url, { retry: { delayMs: 10 } });
    proxy.streamBytes = 20_000;
    const inputs = times(200, (i) => ({ ms: 3 * ((i * 37) % 200), value: i }));
    const futures = [...await direct.map("sleep", inputs)].map(({ id }) => errand.future(id));
    const results = await Promise.all(futures.map((future) => future.result()));
    assert.deepEqual(results, inputs.map(({ value }) => value));
    assert.ok(proxy.requests.length >= 5, `${proxy.requests.length} streams`);
  }));

Deno.test("the stream of a large map goes on behind its cuts: each value once, none missing", () =>
  behindAProxy(async ({ errand, proxy }) => {
    proxy.streamBytes = 200_000;
    const futures = await errand.map("add", { a: times(2_000, (i) => i), b: 0 });
    assert.deepEqual(await futures.results({ timeoutMs: 60_000 }), times(2_000, (i) => i));
    assert.ok(proxy.requests.length > 3, `${proxy.requests.length} requests`);
    assert.deepEqual(new Set(proxy.requests), new Set(["POST /v1/map", "POST /v1/as-completed"]));
    assert.equal(proxy.mostStreams, 1);
  }));

Deno.test("a submit, a map and a run whose answers are lost come to one task each", () =>
  behindAProxy(async ({ errand, proxy }) => {
    proxy.loseAnswers(/^POST \/v1\/tasks$/, 5);
    const tags = ["lost"];
    const futures = await Promise.all(times(10, (i) => errand.submit("add", { a: i, b: 1 }, { tags })));
    proxy.loseAnswers(/^POST \/v1\/map$/, 2);
    futures.push(...await errand.map("add", { a: [10, 11] }, { b: 1 }, { tags }));
    proxy.loseAnswers(/^POST \/v1\/flows$/, 2);
    const flow = await errand.run(errand.sig("add", { a: 12, b: 1 }), { tags });
    futures.push(flow.future("0"));
    assert.equal(proxy.requests.length, (10 + 5) + (1 + 2) + (1 + 2));
    assert.deepEqual(await gather(futures), times(13, (i) => i + 1));
    const { tasks } = await (await fetch(`${proxy.url}/v1/tasks?tag=lost&limit=100`)).json();
    assert.equal(tasks.length, 13);
  }));

Deno.test("a retry whose answer is lost runs the task once more, and not twice", () =>
  behindAProxy(async ({ errand, proxy }) => {
    const future = await errand.submit("fail", { message: "no" });
    const [first] = await gather([future], { returnExceptions: true });
    assert.ok(first instanceof Error);
    proxy.loseAnswers(/\/retry$/);
    await future.retry();
    await assert.rejects(future.result(), { name: "TaskError", message: "no" });
    await pause(100);
    const { history } = await errand.future(future.id).task();
    assert.equal(history.filter(({ type }) => type === "PENDING" || type === "SCHEDULED").length, 2);
  }));

Deno.test("a cancel and a forget whose answers are lost have worked", () =>
  behindAProxy(async (behind) => {
    const { proxy } = behind;
    const [future] = await sleepers(behind, [{ ms: LONG_MS }]);
    proxy.loseAnswers(/\/cancel$/);
    assert.equal(await future.cancel("enough"), true);
    await assert.rejects(future.result(), { name: "CancelledError", reason: "enough" });
    proxy.loseAnswers(/^DELETE /);
    await future.forget();
    await assert.rejects(future.task(), ForgottenError);
    assert.equal(proxy.requests.filter((request) => /\/cancel$|^DELETE/.test(request)).length, 4);
  }));

Deno.test("a wait whose connection is cut goes on waiting", () =>
  behindAProxy(async (behind) => {
    const { proxy } = behind;
    const futures = await held(behind, [1, 2]);
    const waiting = wait(futures);
    await eventually(() => proxy.requests.length === 1);
    proxy.cut();
    await eventually(() => proxy.requests.length === 2);
    await released(behind);
    const { done, notDone } = await waiting;
    assert.deepEqual(done.map(({ id }) => id), futures.map(({ id }) => id));
    assert.deepEqual(notDone, []);
  }));

// Nobody there for a while

Deno.test("a result outlives a time in which nothing connects", () =>
  behindAProxy(async (behind) => {
    const { proxy } = behind;
    const [future] = await held(behind, ["there"]);
    const result = future.result();
    await eventually(() => proxy.streams === 1);
    proxy.refuse();
    proxy.cut();
    await eventually(() => proxy.refused >= 2);
    await released(behind);
    proxy.accept();
    assert.equal(await result, "there");
  }));

Deno.test("events and asCompleted outlive a time in which nothing connects", () =>
  behindAProxy(async (behind) => {
    const { direct, errand, proxy } = behind;
    const { id } = await direct.submit("hold", { gate: GATE, emits: 5 });
    const events = Array.fromAsync(errand.future(id).events());
    const completed = Array.fromAsync(asCompleted([errand.future(id)]));
    await eventually(() => proxy.streams === 2);
    proxy.refuse();
    proxy.cut();
    await eventually(() => proxy.refused >= 2);
    await released(behind);
    proxy.accept();
    assert.deepEqual((await events).map(({ seq }) => seq), (await events).map((_, i) => i + 1));
    assert.equal((await events).at(-1)!.event, "result");
    assert.deepEqual((await completed).map((future) => future.id), [id]);
  }));

Deno.test("a result says that nothing connects when the time for retries is over, and works again later", () =>
  behindAProxy(async (behind) => {
    const { proxy } = behind;
    const [{ id }] = await sleepers(behind, [{ ms: 0, value: "there" }]);
    const future = aClient(proxy.url, { retry: { forMs: 200, delayMs: 20 } }).future(id);
    proxy.refuse();
    await assert.rejects(future.result(), ConnectionError);
    await assert.rejects(future.task(), ConnectionError);
    await assert.rejects(Array.fromAsync(future.events()), ConnectionError);
    proxy.accept();
    assert.equal(await future.result(), "there");
  }));

Deno.test("where nothing goes through any more a result's timeout is kept, and a later one is right", () =>
  behindAProxy(async (behind) => {
    const { proxy } = behind;
    const futures = await sleepers(behind, times(20, (i) => ({ ms: 100, value: i })));
    proxy.stall();
    const timeouts = futures.map((future) => assert.rejects(future.result({ timeoutMs: 200 }), TimeoutError));
    await Promise.all(timeouts);
    proxy.resume();
    assert.deepEqual(await gather(futures), times(20, (i) => i));
  }));

// Few connections

Deno.test("1,000 results that are asked for in one turn take a few streams", () =>
  behindAProxy(async (behind) => {
    const inputs = times(1_000, (i) => ({ ms: 400, value: i }));
    const futures = await sleepers(behind, inputs);
    const results = await Promise.all(futures.map((future) => future.result()));
    assert.deepEqual(results, inputs.map(({ value }) => value));
    const { mostStreams, total, requests } = behind.proxy;
    assert.ok(mostStreams <= MOST_STREAMS, `${mostStreams} streams`);
    assert.ok(total <= 2 * MOST_STREAMS, `${total} connections`);
    assert.ok(requests.length <= 2 * MOST_STREAMS, `${requests.length} requests`);
    await noStreams(behind);
  }));

Deno.test("results that are asked for one by one, milliseconds apart, take a few streams", () =>
  behindAProxy(async (behind) => {
    const values = times(300, (i) => i);
    const futures = await held(behind, values);
    const results: Promise<unknown>[] = [];
    for (const future of futures) {
      results.push(future.result());
      await pause(3);
    }
    await released(behind);
    assert.deepEqual(await Promise.all(results), values);
    const { mostStreams, requests } = behind.proxy;
    assert.ok(mostStreams <= 2 * MOST_STREAMS, `${mostStreams} streams`);
    assert.ok(requests.length < 200, `${requests.length} requests`);
    await noStreams(behind);
  }));

Deno.test("1,000 results that are asked for in many turns take a few streams, and each is right", () =>
  behindAProxy(async (behind) => {
    const inputs = times(1_000, (i) => ({ ms: (i * 37) % 1_000, value: i }));
    const futures = await sleepers(behind, inputs);
    const results: Promise<unknown>[] = [];
    for (let from = 0; from < futures.length; from += 10) {
      results.push(...futures.slice(from, from + 10).map((future) => future.result()));
      await pause(5);
    }
    assert.deepEqual(await Promise.all(results), inputs.map(({ value }) => value));
    const { mostStreams } = behind.proxy;
    assert.ok(mostStreams <= 2 * MOST_STREAMS, `${mostStreams} streams`);
    await noStreams(behind);
  }));

Deno.test("300 results that are not there in time are TimeoutErrors after few requests", () =>
  behindAProxy(async (behind) => {
    const futures = await sleepers(behind, times(300, () => ({ ms: LONG_MS })));
    const outcomes = await Promise.allSettled(futures.map((future) => future.result({ timeoutMs: 200 })));
    for (const [i, outcome] of outcomes.entries()) {
      assert.ok(outcome.status === "rejected");
      assert.ok(outcome.reason instanceof TimeoutError, String(outcome.reason));
      assert.ok(outcome.reason.message.includes(futures[i].id), outcome.reason.message);
    }
    const { requests } = behind.proxy;
    assert.ok(requests.length <= 30, `${requests.length} requests: ${[...new Set(requests)]}`);
    await noStreams(behind);
  }));

Deno.test("300 results that must be there now are looked for in few requests", () =>
  behindAProxy(async (behind) => {
    const futures = await sleepers(behind, times(300, (i) => ({ ms: i < 3 ? 0 : LONG_MS, value: i })));
    await wait(futures.slice(0, 3));
    const outcomes = await Promise.allSettled(futures.map((future) => future.result({ timeoutMs: 0 })));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      times(300, (i) => i < 3 ? "fulfilled" : "rejected"),
    );
    const { requests } = behind.proxy;
    assert.ok(requests.length <= 30, `${requests.length} requests: ${[...new Set(requests)]}`);
  }));

// Some that are not there

Deno.test("an unknown and a forgotten id among 200 good ones take nobody with them", () =>
  behindAProxy(async (behind) => {
    const { direct, errand } = behind;
    const forgotten = await direct.submit("add", { a: 1, b: 2 });
    await forgotten.result();
    await forgotten.forget();
    const inputs = times(200, (i) => ({ ms: i % 2 === 0 ? 0 : 300, value: i }));
    const futures = await sleepers(behind, inputs);
    futures.splice(50, 0, errand.future(UNKNOWN_ID));
    futures.splice(150, 0, errand.future(forgotten.id));
    const outcomes = await Promise.allSettled(futures.map((future) => future.result()));
    const [gone] = outcomes.splice(150, 1);
    const [unknown] = outcomes.splice(50, 1);
    assert.ok(unknown.status === "rejected" && unknown.reason instanceof NotFoundError);
    assert.ok(gone.status === "rejected" && gone.reason instanceof ForgottenError);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === "fulfilled" ? outcome.value : String(outcome.reason)),
      inputs.map(({ value }) => value),
    );
    await noStreams(behind);
  }));

Deno.test("200 unknown ids among 200 good ones are each a NotFoundError", () =>
  behindAProxy(async (behind) => {
    const inputs = times(200, (i) => ({ ms: 0, value: i }));
    const good = await sleepers(behind, inputs);
    const bad = times(200, () => behind.errand.future(crypto.randomUUID()));
    const mixed = good.flatMap((future, i) => [future, bad[i]]);
    const outcomes = await Promise.allSettled(mixed.map((future) => future.result()));
    for (const [i, outcome] of outcomes.entries()) {
      if (i % 2 === 0) assert.ok(outcome.status === "fulfilled" && outcome.value === i / 2);
      else assert.ok(outcome.status === "rejected" && outcome.reason instanceof NotFoundError, `at ${i}`);
    }
  }));

Deno.test("an unknown id whose explanation is cut is a NotFoundError all the same", () =>
  behindAProxy(async (behind) => {
    const { errand, proxy } = behind;
    const [future] = await sleepers(behind, [{ ms: 200, value: "good" }]);
    proxy.loseAnswers(/^GET /, 2);
    const [bad, good] = await Promise.allSettled([errand.future(UNKNOWN_ID).result(), future.result()]);
    assert.ok(bad.status === "rejected" && bad.reason instanceof NotFoundError, JSON.stringify(bad));
    assert.deepEqual(good, { status: "fulfilled", value: "good" });
    assert.equal(proxy.requests.filter((request) => request.startsWith("GET")).length, 3);
  }));
