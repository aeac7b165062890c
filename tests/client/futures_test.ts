// Futures under conditions that a single call does not show: ended twice, listed twice, left early, waited
// for long.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  asCompleted,
  AsCompletedTimeoutError,
  CancelledError,
  Client,
  ConnectionError,
  gather,
  TaskError,
  type TaskFuture,
  TaskFutures,
  wait,
} from "../../client/mod.ts";
import { UNKNOWN_ID } from "../support/service.ts";
import { aDatabase, type Server } from "../support/server_process.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { lastingPorts } from "../support/ports.ts";
import { run } from "../support/program.ts";
import { eventually, pause } from "../support/waiting.ts";

async function withServer(test: (errand: Errand, server: Server) => Promise<void>): Promise<void> {
  await using server = await aServer();
  await test(aClient(server.url), server);
}

Deno.test("a future is nothing that an await looks into, and neither is a list of them", () =>
  withServer(async (errand) => {
    const submit = async () => await errand.submit("sleep", { ms: 60_000 });
    const future = await submit();
    assert.ok(!("then" in future) && !("then" in new TaskFutures([future], null)));
    assert.equal(await future.cancel(), true);
  }));

Deno.test("an id is a UUID, in either case", () =>
  withServer(async (errand) => {
    for (const id of ["", "nope", "../tasks", `${UNKNOWN_ID}?wait=1`]) {
      assert.throws(
        () => errand.future(id),
        new RegExp(`must be a UUID; it is ${JSON.stringify(id)}`.replace("?", "\\?")),
      );
    }
    const { id } = await errand.submit("add", { a: 1, b: 2 });
    const again = errand.future(id.toUpperCase());
    assert.equal(await again.result(), 3);
    assert.deepEqual((await wait([again])).done, [again]);
  }));

Deno.test("after a retry a future gives the new end, whoever has asked before", () =>
  withServer(async (errand) => {
    const future = await errand.submit("fail", { message: "first", untilAttempt: 2 });
    const { id } = future;
    await assert.rejects(future.result(), TaskError);
    const [other, asked] = [errand.future<number>(id), errand.future<number>(id)];
    assert.equal((await other.exception())?.message, "first");
    const called: string[] = [];
    await future.retry();
    future.addDoneCallback(async (done) => called.push((await done.state()).type));
    assert.equal(await future.result(), 2);
    assert.equal(await asked.result(), 2);
    // It has seen an end, and keeps it until it is itself told of another one.
    assert.equal((await other.exception())?.message, "first");
    await eventually(() => called.length === 1);
    assert.deepEqual(called, ["COMPLETED"]);
    await assert.rejects(future.retry(), { name: "ConflictError" });
  }));

Deno.test("an answer from before a retry does not bring the old end back", () =>
  withServer(async (_, server) => {
    const held = Promise.withResolvers<void>();
    let toHold = 0;
    // One request for the task is answered when all is over.
    const slowly: typeof fetch = async (input, init) => {
      const isOne = init?.method === "GET" && toHold > 0;
      if (isOne) toHold--;
      const response = await fetch(input, init);
      if (isOne) await held.promise;
      return response;
    };
    const errand = aClient(server.url, { fetch: slowly });
    const { id } = await errand.submit("fail", { message: "first", untilAttempt: 2 });
    await errand.future(id).wait();
    const future = errand.future<number>(id);
    toHold = 1;
    const before = future.state();
    await future.retry();
    held.resolve();
    assert.equal((await before).type, "FAILED");
    assert.equal(await future.result(), 2);
    assert.equal((await future.state()).type, "COMPLETED");
  }));

Deno.test("a stream that is late does not tell an end that was before a retry", async () => {
  await using server = await aServer();
  let streams = 0;
  let isOver = false;
  // The first stream arrives half a second late, as over a bad line.
  const slowly: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(input).endsWith("/as-completed") || streams++ > 0) return response;
    const late = new TransformStream({
      async transform(chunk, controller) {
        await pause(500);
        controller.enqueue(chunk);
      },
      flush: () => void (isOver = true),
    });
    return new Response(response.body!.pipeThrough(late), response);
  };
  const errand = aClient(server.url, { fetch: slowly });
  const [future, beside] = await errand.map("sleep", [{ ms: 60_000 }, { ms: 60_000 }]);
  const leave = new AbortController();
  const [left, kept] = [future.result({ signal: leave.signal }), beside.result()];
  await pause(50);
  leave.abort(new Error("left"));
  await assert.rejects(left, { message: "left" });
  await future.cancel();
  await assert.rejects(future.result(), CancelledError);
  await future.retry({ input: { ms: 1_000, value: "second" } });
  assert.equal(await future.result(), "second");
  await beside.cancel();
  await assert.rejects(kept, CancelledError);
  await eventually(() => isOver);
  await pause(50);
});

Deno.test("a map under a key of its caller's can be repeated", () =>
  withServer(async (errand) => {
    const inputs = Array.from({ length: 1_500 }, (_, i) => ({ a: i, b: 0 }));
    const first = await errand.map("add", inputs, { idempotencyKey: "nightly" });
    const again = await errand.map("add", inputs, { idempotencyKey: "nightly" });
    assert.deepEqual(again.map(({ id }) => id), first.map(({ id }) => id));
    assert.equal(again.groupId, first.groupId);
    assert.deepEqual(await gather(first), inputs.map(({ a }) => a));
  }));

Deno.test("one wrong input among many, and nothing of the map is submitted", () =>
  withServer(async (errand, server) => {
    const inputs: unknown[] = Array.from({ length: 1_500 }, (_, i) => ({ a: i, b: 0 }));
    inputs[1_234] = { a: "no number", b: 0 };
    await assert.rejects(errand.map("add", inputs as { a: number; b: number }[]), {
      name: "ValidationError",
      message: /inputs\/1234\/a/,
    });
    assert.deepEqual((await server.fetch("/v1/tasks")).body.tasks, []);
  }));

Deno.test("a map over nothing is a group that is done", () =>
  withServer(async (errand, server) => {
    const none = await errand.map("add", { a: [], b: 1 });
    assert.deepEqual([none.length, await none.results()], [0, []]);
    assert.deepEqual((await server.fetch("/v1/tasks")).body.tasks, []);
    const { total, done } = await errand.group(none.groupId!).counts();
    assert.deepEqual([total, done, await errand.group(none.groupId!).results()], [0, 0, []]);
  }));

Deno.test("a deadline does not count the time of those who look at what came", () =>
  withServer(async (errand) => {
    const futures = await errand.map(
      "echo",
      Array.from({ length: 60 }, () => ({ value: "x".repeat(100_000) })),
    );
    await futures.wait();
    let seen = 0;
    for await (const _ of asCompleted(futures, { timeoutMs: 0 })) if (++seen === 1) await pause(2_500);
    assert.equal(seen, 60);
  }));

Deno.test("an abort between two futures that were known before ends the iteration", () =>
  withServer(async (errand) => {
    const known = await errand.submit("add", { a: 1, b: 2 });
    await known.result();
    const pending = await errand.submit("sleep", { ms: 60_000 });
    const abort = new AbortController();
    await assert.rejects(async () => {
      for await (const _ of asCompleted([known, pending], { signal: abort.signal })) {
        abort.abort(new Error("enough"));
      }
    }, { message: "enough" });
    await pending.cancel();
  }));

Deno.test("futures of one task count once, and all of them know its end", () =>
  withServer(async (errand) => {
    const one = await errand.submit("add", { a: 1, b: 2 });
    const twin = errand.future<number>(one.id);
    assert.deepEqual(await Array.fromAsync(asCompleted([one, twin, one])), [one]);
    assert.deepEqual(await wait([one, twin]), { done: [one], notDone: [] });
    function* listed() {
      yield* [one, twin, one];
    }
    assert.deepEqual(await gather(listed()), [3, 3, 3]);
  }));

Deno.test("futures of two services are waited for together", async () => {
  await using one = await aServer();
  await using other = await aServer();
  const id = crypto.randomUUID();
  const submit = (server: Server, a: number) => aClient(server.url).submit("add", { a, b: 0 }, { id });
  const futures = [await submit(one, 1), await submit(other, 2)];
  assert.deepEqual(await gather(futures), [1, 2]);
  assert.equal((await wait(futures)).done.length, 2);
});

/** What a call gives when it has as much time as it needs here. With less: false, or nothing came. */
async function inTimeEnough<T>(call: (timeoutMs: number) => Promise<T | false>): Promise<T> {
  let timeoutMs = 100;
  return await eventually(async () => {
    timeoutMs *= 2;
    return await call(timeoutMs).catch((error) => {
      if (error instanceof ConnectionError) return false;
      throw error;
    });
  });
}

Deno.test("more than a thousand futures are one list like any other", () =>
  withServer(async (errand) => {
    const futures = await errand.map("sleep", Array.from({ length: 2_300 }, (_, i) => ({ ms: 0, value: i })));
    const slow = await errand.submit("sleep", { ms: 60_000 });
    const all: TaskFuture[] = [...futures, slow];
    const fresh = () => all.map(({ id }) => errand.future(id));
    assert.equal((await wait(fresh(), { returnWhen: "FIRST_COMPLETED" })).done.length > 0, true);
    await futures.results();
    const waited = await inTimeEnough((timeoutMs) => wait(fresh(), { timeoutMs }));
    assert.deepEqual([waited.done.length, waited.notDone.map(({ id }) => id)], [2_300, [slow.id]]);
    await inTimeEnough(async (timeoutMs) => {
      const seen = new Set<string>();
      try {
        for await (const { id } of asCompleted(fresh(), { timeoutMs })) seen.add(id);
      } catch (error) {
        if (!(error instanceof AsCompletedTimeoutError)) throw error;
        assert.equal(error.message, `${2_301 - seen.size} (of 2301) futures unfinished`);
      }
      return seen.size === 2_300;
    });
    await slow.cancel();
    assert.equal((await wait(fresh(), { returnWhen: "FIRST_EXCEPTION" })).done.length, 2_301);
  }));

Deno.test("the first failure among results ends the wait for the others", async () => {
  await using server = await aServer();
  await using proxy = new HttpProxy(server.url);
  const errand = aClient(proxy.url);
  const [failed, slow] = [
    await errand.submit("fail", { message: "no" }),
    await errand.submit("sleep", { ms: 60_000 }),
  ];
  await assert.rejects(new TaskFutures<unknown>([failed, slow], null).results(), { message: "no" });
  await eventually(() => proxy.streams === 0, () => `${proxy.streams} streams are open`);
  assert.equal(await slow.done(), false);
  await slow.cancel();
});

Deno.test("what hinders a clean-up does not hide why it was done", () =>
  withServer(async (errand) => {
    const futures = await errand.map("fail", [{ message: "a" }, { message: "b" }, { message: "c" }]);
    await futures.wait();
    await errand.future(futures[2].id).forget();
    await assert.rejects(Array.fromAsync(futures.inOrder()), { name: "TaskError", message: "a" });
    const abort = new AbortController();
    const pending = await errand.submit("sleep", { ms: 60_000 });
    const gathered = gather([pending], { signal: abort.signal, cancelOnAbort: true });
    abort.abort(new Error("enough"));
    await assert.rejects(gathered, { message: "enough" });
    await assert.rejects(pending.result(), CancelledError);
  }));

Deno.test("a cancel leaves alone what has started, keeps a result, and takes many by a filter", () =>
  withServer(async (errand) => {
    const tags = ["many"];
    const running = await errand.submit("windUp", {}, { tags });
    await eventually(() => running.running());
    const later = await errand.submit("add", { a: 1, b: 2 }, { delayMs: 60_000, tags });
    assert.equal(await running.cancel("not you", { onlyWaiting: true }), false);
    const filter = { tag: "many" };
    const counts = { cancelled: 0, requested: 0, tooLate: 0, notFound: 0 };
    const waiting = await errand.cancelTasks({ filter }, "no more", { onlyWaiting: true });
    assert.deepEqual(waiting, { ...counts, cancelled: 1, tooLate: 1 });
    assert.equal((await later.state()).message, "no more");
    const asked = await errand.cancelTasks({ ids: [running.id] }, "enough", { keepResult: true });
    assert.deepEqual(asked, { ...counts, requested: 1 });
    await assert.rejects(running.result(), (error) => {
      return error instanceof CancelledError && error.result === "wound up by a CancelledError";
    });
  }));

Deno.test("leaving inOrder() cancels what has not ended", () =>
  withServer(async (errand) => {
    const futures = await errand.map("sleep", [{ ms: 0, value: 1 }, { ms: 60_000 }, { ms: 60_000 }]);
    for await (const value of futures.inOrder()) {
      assert.equal(value, 1);
      break;
    }
    const states = await Promise.all(futures.map(async (future) => {
      await future.wait();
      return (await future.state()).type;
    }));
    assert.deepEqual(states, ["COMPLETED", "CANCELLED", "CANCELLED"]);
  }));

Deno.test("callbacks outlast an outage that is longer than the retries", async () => {
  await using database = await aDatabase();
  const [port] = lastingPorts(1);
  const env = { KV_PATH: database.path, LEASE_MS: "2000", PORT: String(port) };
  let server = await aServer(env);
  try {
    const errand = aClient(server.url, { retry: { forMs: 100, delayMs: 20, maxDelayMs: 50 } });
    const future = await errand.submit("sleep", { ms: 200, value: "slept" });
    const called: unknown[] = [];
    future.addDoneCallback(async (done) => called.push(await done.result()));
    await server.end("SIGKILL");
    await pause(500);
    server = await aServer(env);
    await eventually(() => called.length > 0);
    assert.deepEqual(called, ["slept"]);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

Deno.test("a callback on a task that is not there is told to the log, and one can be removed", () =>
  withServer(async (_, server) => {
    const logged: string[] = [];
    const errand = aClient(server.url, { log: (message, error) => void logged.push(`${message}: ${error}`) });
    errand.future(UNKNOWN_ID).addDoneCallback(() => {});
    await eventually(() => logged.length === 1);
    assert.match(logged[0], new RegExp(`callbacks of task ${UNKNOWN_ID} were not called: NotFoundError`));
    const pending = await errand.submit("sleep", { ms: 60_000 });
    const callback = () => void logged.push("called");
    pending.addDoneCallback(callback);
    pending.addDoneCallback(callback);
    assert.deepEqual([pending.removeDoneCallback(callback), pending.removeDoneCallback(callback)], [2, 0]);
    await pending.cancel();
    await pending.wait();
    assert.equal(logged.length, 1);
  }));

Deno.test("a token and further headers go with every call", async () => {
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ headers }) => {
    seen.push(`${headers.get("authorization")} ${headers.get("x-tenant")}`);
    return Response.json({ type: "/problems/unauthorized", title: "t", detail: "no such key" }, {
      status: 401,
      headers: { "content-type": "application/problem+json" },
    });
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}/below/`);
  const errand = new Client({ url, token: "secret", headers: { "x-tenant": "7" } });
  await assert.rejects(errand.submit("add"), {
    name: "UnauthorizedError",
    message: "no such key",
    status: 401,
  });
  await assert.rejects(errand.future(UNKNOWN_ID).result(), { name: "UnauthorizedError" });
  await server.shutdown();
  assert.deepEqual(seen, ["Bearer secret 7", "Bearer secret 7"]);
  assert.throws(() => new Client({ url, token: "two\nlines" }), TypeError);
});

Deno.test("a program that was told what it wanted ends, whatever else still runs", () =>
  withServer(async (_, server) => {
    const program = `
      import { asCompleted, Client } from "${new URL("../../client/mod.ts", import.meta.url)}";
      const errand = new Client({ url: "${server.url}" });
      const futures = await errand.map("sleep", [{ ms: 0 }, { ms: 60_000 }]);
      for await (const future of asCompleted(futures)) break;
      await futures.results({ timeoutMs: 50 }).catch((error) => console.log(error.name));
      await futures[1].cancel();`;
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const { stdout } = await run({ args: ["eval", "-c", config, program] });
    assert.equal(stdout, "AsCompletedTimeoutError\n");
  }));
