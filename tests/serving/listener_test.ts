// Every connection is counted, timed and cut, on real sockets and with a clock that the test moves.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { connectionServer } from "../../serving/deno_internals.ts";
import { Listener, type ListenerOptions } from "../../serving/listener.ts";
import { Caller } from "../support/caller.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { eventually } from "../support/waiting.ts";

interface Fixture extends AsyncDisposable {
  listener: Listener;
  clock: ManualClock;
  callers: (count?: number) => Promise<Caller[]>;
  /** Ends the streams of /stream. */
  endStreams: () => void;
  errors: string[];
}

function aListener(options: Partial<ListenerOptions> = {}): Fixture {
  const clock = new ManualClock();
  const errors: string[] = [];
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const callers: Caller[] = [];
  const listener = new Listener({
    hostname: "127.0.0.1",
    port: 0,
    most: 100,
    serveConnection: connectionServer()!,
    clock,
    log: { info: () => {}, error: (message) => errors.push(message) },
    handler: (request, connection) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/cut") connection.close();
      if (pathname === "/cut-soon") connection.closeSoon();
      if (pathname !== "/stream") return new Response("hello");
      let cut = () => {};
      return new Response(
        new ReadableStream({
          cancel: () => cut(),
          start(controller) {
            cut = () => void streams.delete(controller);
            streams.add(controller);
            controller.enqueue(new TextEncoder().encode("begun"));
          },
        }),
      );
    },
    ...options,
  });
  return {
    listener,
    clock,
    errors,
    callers: async (count = 1) => {
      const made = await Promise.all(Array.from({ length: count }, () => Caller.to(listener)));
      callers.push(...made);
      return made;
    },
    endStreams: () => {
      for (const stream of streams) stream.close();
      streams.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const stream of streams) stream.close();
      streams.clear();
      await Promise.all(callers.map((caller) => caller.close()));
      await listener.shutdown();
    },
  };
}

const pass = (clock: ManualClock, seconds: number) => {
  for (let i = 0; i < seconds; i++) clock.advance(1_000);
};

Deno.test("the running Deno lets connections be served one by one", () => {
  assert.equal(typeof connectionServer(), "function");
});

Deno.test("a connection that sends no whole head is cut after 20 s, byte by byte or not at all", async () => {
  await using fixture = aListener();
  const { listener, clock } = fixture;
  const [silent, slow, quick] = await fixture.callers(3);
  await quick.get("/");
  await quick.says(/hello/);
  await eventually(() => listener.connections === 3);
  for (const byte of "GET / HTTP/1.1\r\n") {
    await slow.send(byte);
    pass(clock, 1);
  }
  assert.equal(silent.isOpen, true);
  pass(clock, 6);
  await silent.isCut();
  await slow.isCut();
  await quick.get("/");
  await quick.says(/hello/);
});

Deno.test("a connection is cut when it has been idle for five minutes, and not while an answer is sent on it", async () => {
  await using fixture = aListener();
  const { clock } = fixture;
  const [idle] = await fixture.callers();
  for (let i = 0; i < 3; i++) {
    await idle.get("/");
    await idle.says(/hello/);
    pass(clock, 200);
  }
  const [busy] = await fixture.callers();
  await busy.get("/stream");
  await busy.says(/begun/);
  pass(clock, 120);
  await idle.isCut();
  assert.equal(busy.isOpen, true);
  fixture.endStreams();
  await busy.says(/0\r\n\r\n$/);
  await busy.get("/");
  await busy.says(/hello/);
  pass(clock, 302);
  await busy.isCut();
});

Deno.test("whoever sends requests and reads no answers is answered only what the system keeps, and is cut", async () => {
  const sent = 2_000;
  const answer = "x".repeat(64_000);
  let answered = 0;
  await using fixture = aListener({
    handler: () => {
      answered++;
      return new Response(answer);
    },
  });
  const { listener, clock } = fixture;
  const { hostname, port } = listener.address;
  using unread = await Deno.connect({ hostname, port });
  await unread.write(new TextEncoder().encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(sent)));
  await eventually(() => answered > 0);
  await eventually(() => {
    pass(clock, 60);
    return listener.connections === 0;
  });
  assert.ok(answered < sent, "it was answered for as long as it asked");
});

Deno.test("where the place is full, whoever has said nothing goes first, then whoever is idle for longest", async () => {
  await using fixture = aListener({ most: 3 });
  const { listener, clock } = fixture;
  const [first] = await fixture.callers();
  await first.get("/");
  await first.says(/hello/);
  pass(clock, 1);
  const [second] = await fixture.callers();
  await second.get("/");
  await second.says(/hello/);
  const [silent] = await fixture.callers();
  await eventually(() => listener.connections === 3);
  const [newer] = await fixture.callers();
  await silent.isCut();
  await newer.get("/");
  await newer.says(/hello/);
  const [newest] = await fixture.callers();
  await first.isCut();
  await newest.get("/");
  await newest.says(/hello/);
  assert.equal(second.isOpen, true);
});

Deno.test("beyond the most connections that are in use a new one is told 503 and closed, and the log says so once", async () => {
  await using fixture = aListener({ most: 2 });
  const { listener } = fixture;
  for (const stream of await fixture.callers(2)) {
    await stream.get("/stream");
    await stream.says(/begun/);
  }
  for (let i = 0; i < 3; i++) {
    const [refused] = await fixture.callers();
    await refused.says(/^HTTP\/1\.1 503 [^]*connection: close[^]*retry-after: 2[^]*MAX_CONNECTIONS/);
    await refused.isCut();
  }
  assert.equal(listener.connections, 2);
  assert.deepEqual(fixture.errors, ["2 connections are open, and more are refused (MAX_CONNECTIONS)"]);
  fixture.endStreams();
  await eventually(async () => {
    const [caller] = await fixture.callers();
    await caller.get("/");
    return await caller.says(/hello|503/).then(() => true);
  });
});

Deno.test("a connection can be cut with all that is sent on it", async () => {
  await using fixture = aListener();
  const { listener } = fixture;
  const [caller] = await fixture.callers();
  await caller.get("/stream");
  await caller.says(/begun/);
  const [cut] = await fixture.callers();
  await cut.get("/cut");
  await cut.isCut();
  await eventually(() => listener.connections === 1);
  assert.equal(caller.isOpen, true);
});

Deno.test("an answer that is broken off with its connection writes nothing to the log", async () => {
  let cut = () => {};
  await using fixture = aListener({
    handler: (_, connection) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("begun"));
            cut = () => {
              connection.close();
              controller.error(new Error("the reader takes nothing"));
            };
          },
        }),
      ),
  });
  const [caller] = await fixture.callers();
  await caller.get("/");
  await caller.says(/begun/);
  cut();
  await caller.isCut();
  await eventually(() => fixture.listener.connections === 0);
  assert.deepEqual(fixture.errors, []);
});

Deno.test("a connection that is to be cut soon gets its answer, and is cut two seconds later", async () => {
  await using fixture = aListener();
  const [caller] = await fixture.callers();
  await caller.get("/cut-soon");
  await caller.says(/hello/);
  pass(fixture.clock, 2);
  await caller.get("/stream");
  await caller.says(/begun/);
  pass(fixture.clock, 1);
  await caller.isCut();
});

Deno.test("while no connection can be taken idle ones are closed, and it goes on as soon as one can", async () => {
  let failures = 0;
  let failing = false;
  await using fixture = aListener({
    bind: (address) => {
      const listener = Deno.listen(address);
      const accept = listener.accept.bind(listener);
      listener.accept = async () => {
        const connection = await accept();
        if (!failing) return connection;
        // As with the system's own failure, the caller is cut.
        connection.close();
        failures++;
        throw new Error("Too many open files (os error 24)");
      };
      return listener;
    },
  });
  const { clock } = fixture;
  const [idle] = await fixture.callers();
  await idle.get("/");
  await idle.says(/hello/);
  failing = true;
  const [refused] = await fixture.callers();
  await refused.isCut();
  await idle.isCut();
  const [again] = await fixture.callers();
  await eventually(() => {
    clock.advance(100);
    return failures === 2;
  });
  await again.isCut();
  failing = false;
  const [next] = await fixture.callers();
  await next.get("/");
  await eventually(() => {
    clock.advance(100);
    return next.isOpen;
  });
  clock.advance(100);
  await next.says(/hello/);
  assert.deepEqual(fixture.errors, ["no connection can be taken; the longest idle ones are closed"]);
});

Deno.test("a shutdown refuses new connections, and ends when the last answer has been sent", async () => {
  const fixture = aListener();
  const { listener } = fixture;
  const [idle, silent, busy] = await fixture.callers(3);
  await idle.get("/");
  await idle.says(/hello/);
  await busy.get("/stream");
  await busy.says(/begun/);
  let isDown = false;
  const down = listener.shutdown().then(() => isDown = true);
  await idle.isCut();
  await silent.isCut();
  await assert.rejects(fixture.callers(), Deno.errors.ConnectionRefused);
  assert.equal(isDown, false);
  fixture.endStreams();
  await busy.says(/0\r\n\r\n$/);
  await down;
  await fixture[Symbol.asyncDispose]();
});
