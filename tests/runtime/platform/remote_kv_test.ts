import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { RemoteKv } from "../../../runtime/platform/remote_kv.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { eventually, turn } from "../../support/waiting.ts";

interface Call {
  name: string;
  answer: (value: unknown) => void;
  fail: (error: Error) => void;
}

/** A client whose calls the test answers. */
class Client {
  readonly calls: Call[] = [];
  isClosed = false;

  #call(name: string): Promise<unknown> {
    return new Promise((answer, fail) => this.calls.push({ name, answer, fail }));
  }

  get = (key: Deno.KvKey) => this.#call(`get ${key.join("/")}`);
  list = (): AsyncIterable<unknown> => {
    const answer = this.#call("list") as Promise<unknown[]>;
    return {
      async *[Symbol.asyncIterator]() {
        yield* await answer;
      },
    };
  };
  atomic = () => {
    const atomic = {
      check: () => atomic,
      set: () => atomic,
      delete: () => atomic,
      commit: () => this.#call("commit"),
    };
    return atomic;
  };
  watches = 0;
  watch = () => {
    this.watches++;
    return new ReadableStream();
  };
  close = () => this.isClosed = true;
}

function setUp() {
  const clock = new ManualClock();
  const clients = [new Client()];
  const state = { isAway: false };
  const open = () => {
    if (state.isAway) return Promise.reject(new Error("nobody answers"));
    clients.push(new Client());
    return Promise.resolve(clients[clients.length - 1] as unknown as Deno.Kv);
  };
  const kv = new RemoteKv([clients[0] as unknown as Deno.Kv], open, clock);
  return { kv, clock, clients, state, calls: (at = 0) => clients[at].calls };
}

const names = (calls: Call[]) => calls.map(({ name }) => name);

Deno.test("the client has no more than 64 calls in hand, and those in line come in turn", async () => {
  const { kv, calls } = setUp();
  const reads = Array.from({ length: 70 }, (_, i) => kv.get([i]));
  await turn();
  assert.equal(calls().length, 64);
  calls()[5].answer("five");
  assert.equal(await reads[5], "five" as never);
  await turn();
  assert.deepEqual(names(calls().slice(64)), ["get 64"]);
  calls()[6].fail(new Error("no"));
  await assert.rejects(reads[6], /no/);
  await turn();
  assert.deepEqual(names(calls().slice(65)), ["get 65"]);
  for (const { answer } of calls()) answer(null);
  await turn();
  for (const { answer } of calls()) answer(null);
  await Promise.all(reads.filter((_, i) => i !== 6));
});

Deno.test("a call that finds no place in time never reaches the client", async () => {
  const { kv, clock, calls } = setUp();
  const reads = Array.from({ length: 64 }, (_, i) => kv.get([i]));
  const late = kv.get(["late"]);
  await turn();
  clock.advance(5_000);
  await assert.rejects(late, /64 calls under way for too long/);
  for (const { answer } of calls()) answer(null);
  await Promise.all(reads);
  await turn();
  assert.equal(calls().length, 64);
});

Deno.test("a list is one call", async () => {
  const { kv, calls } = setUp();
  const listed = Array.fromAsync(kv.list({ prefix: [] }));
  await turn();
  assert.deepEqual(names(calls()), ["list"]);
  calls()[0].answer(["a", "b"]);
  assert.deepEqual(await listed, ["a", "b"] as never);
});

Deno.test("a handle that has gone silent is replaced, and the next calls are answered", async () => {
  const { kv, clock, clients, calls } = setUp();
  const first = kv.get(["a"]);
  first.catch(() => {});
  await turn();
  clock.advance(10_001);
  const second = kv.get(["b"]);
  second.catch(() => {});
  await eventually(() => clients.length === 2 && clients[0].isClosed);
  const third = kv.get(["c"]);
  await turn();
  assert.deepEqual(names(calls(1)), ["get c"]);
  calls(1)[0].answer("here");
  assert.equal(await third, "here" as never);
  // What the old one still does is told to those who wait for it.
  calls(0)[0].answer("late");
  assert.equal(await first, "late" as never);
});

Deno.test("who waits for a place on a handle that has gone silent is answered by the next one", async () => {
  const { kv, clock, clients, calls } = setUp();
  const hung = Array.from({ length: 64 }, (_, i) => kv.get([i]));
  await turn();
  clock.advance(9_000);
  const inLine = kv.get(["in line"]);
  await turn();
  clock.advance(1_001);
  const next = kv.get(["next"]);
  await eventually(() => clients.length === 2 && calls(1).length === 2);
  assert.deepEqual(names(calls(1)).sort(), ["get in line", "get next"]);
  for (const client of clients) for (const { answer } of client.calls) answer("done");
  assert.deepEqual([await inLine, await next], ["done", "done"] as never);
  await Promise.all(hung);
});

Deno.test("calls and watches go to the connection with the least in hand, of equals to each in its turn", async () => {
  const clock = new ManualClock();
  const clients = [new Client(), new Client(), new Client()];
  const handles = clients.map((client) => client as unknown as Deno.Kv);
  const kv = new RemoteKv(handles, () => Promise.reject(new Error("not here")), clock);
  const reads = Array.from({ length: 5 }, (_, i) => kv.get([i]));
  await turn();
  assert.deepEqual(clients.map(({ calls }) => calls.length).sort(), [1, 2, 2]);
  const least = clients.find(({ calls }) => calls.length === 1)!;
  kv.watch([["a"]]);
  assert.deepEqual(
    clients.map((client) => client.watches),
    clients.map((client) => Number(client === least)),
  );
  for (const { calls } of clients) for (const { answer } of calls) answer(null);
  await Promise.all(reads);
  for (let i = 0; i < 3; i++) kv.watch([["a"]]);
  assert.equal(clients.every(({ watches }) => watches > 0), true);
});

Deno.test("a handle that answers now and then, or has nothing in hand, is left alone", async () => {
  const { kv, clock, clients, calls } = setUp();
  const hung = kv.get(["hung"]);
  for (let i = 1; i <= 5; i++) {
    clock.advance(6_000);
    const read = kv.get([i]);
    await turn();
    calls()[i].answer(null);
    await read;
  }
  calls()[0].answer(null);
  await hung;
  clock.advance(60_000);
  const last = kv.get(["last"]);
  await turn();
  assert.equal(clients.length, 1);
  calls().at(-1)!.answer(null);
  await last;
});

Deno.test("while the server is away another handle is asked for again, not at every call", async () => {
  const { kv, clock, clients, state } = setUp();
  state.isAway = true;
  const reads = [kv.get(["a"])];
  await turn();
  clock.advance(11_000);
  for (let i = 0; i < 5; i++) reads.push(kv.get([i]));
  await turn();
  assert.equal(clients.length, 1);
  state.isAway = false;
  reads.push(kv.get(["too soon"]));
  await turn();
  assert.equal(clients.length, 1);
  clock.advance(500);
  await turn();
  reads.push(kv.get(["again"]));
  await eventually(() => clients.length === 2);
  for (const client of clients) for (const { answer } of client.calls) answer(null);
  await Promise.all(reads);
});

Deno.test("after close() no handle is opened", async () => {
  const { kv, clock, clients, calls } = setUp();
  const read = kv.get(["a"]);
  await turn();
  clock.advance(11_000);
  await kv.close();
  const next = kv.get(["b"]);
  await turn();
  assert.deepEqual([clients.length, clients[0].isClosed], [1, true]);
  for (const { answer } of calls()) answer(null);
  await Promise.all([read, next]);
});

Deno.test("a close ends the pause after a handle that could not be opened, and waits for one that is being opened", async () => {
  const clock = new ManualClock();
  const [old, fresh] = [new Client(), new Client()];
  const opening = [Promise.withResolvers<Deno.Kv>(), Promise.withResolvers<Deno.Kv>()];
  let opened = 0;
  const kv = new RemoteKv([old as unknown as Deno.Kv], () => opening[opened++].promise, clock);
  const reads = [kv.get(["a"])];
  const readInSilence = async () => {
    await turn();
    clock.advance(11_000);
    reads.push(kv.get(["b"]));
    await turn();
  };
  await readInSilence();
  opening[0].reject(new Error("nobody answers"));
  await turn();
  clock.advance(500);
  await turn();
  await readInSilence();
  const order: string[] = [];
  const closed = kv.close().then(() => order.push("closed"));
  for (let turns = 0; turns < 10; turns++) await turn();
  order.push("opened");
  opening[1].resolve(fresh as unknown as Deno.Kv);
  await closed;
  assert.deepEqual(order, ["opened", "closed"]);
  assert.deepEqual([old.isClosed, fresh.isClosed, clock.timers], [true, true, 0]);
  for (const { answer } of old.calls) answer(null);
  await Promise.all(reads);
});

Deno.test("a commit is over once the read ahead of it is", async () => {
  const { kv, calls } = setUp();
  const order: string[] = [];
  const commit = kv.atomic().set(["a"], new Uint8Array(4_000)).commit().then(() => order.push("commit"));
  await turn();
  const [ahead, itself] = calls();
  assert.deepEqual([ahead.name, itself.name], ["get errand/never/0", "commit"]);
  itself.answer({ ok: true });
  for (let turns = 0; turns < 10; turns++) await turn();
  order.push("read");
  ahead.fail(new Error("away"));
  await commit;
  assert.deepEqual(order, ["read", "commit"]);
});

Deno.test("a commit of more than a kilobyte has a small read ahead of it, unless there is other traffic", async () => {
  const { kv, calls } = setUp();
  const commit = (bytes: number) => {
    const done = kv.atomic().set(["a"], new Uint8Array(bytes)).commit();
    return done;
  };
  const answerAll = async () => {
    await turn();
    const said = names(calls().splice(0).map((call) => (call.answer(null), call)));
    await turn();
    return said;
  };
  const small = commit(100);
  assert.deepEqual(await answerAll(), ["commit"]);
  const larger = commit(4_000);
  assert.deepEqual(await answerAll(), ["get errand/never/0", "commit"]);
  const large = commit(70_000);
  assert.deepEqual(await answerAll(), ["commit"]);
  const read = kv.get(["b"]);
  const beside = commit(4_000);
  assert.deepEqual(await answerAll(), ["get b", "commit"]);
  await Promise.all([small, larger, large, read, beside]);
});
