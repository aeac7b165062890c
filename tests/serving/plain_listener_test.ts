// What holds also where Deno gives no hold on its connections. On real sockets; that it listens again where
// the system has stopped it is in tests/process/connections_test.ts.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { ListenOptions } from "../../serving/listening.ts";
import { PlainListener } from "../../serving/plain_listener.ts";
import { aKey } from "../support/api_keys.ts";
import { Caller } from "../support/caller.ts";
import { Gates } from "../support/gates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { aService } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

interface Fixture extends AsyncDisposable {
  listener: PlainListener;
  clock: ManualClock;
  caller: () => Promise<Caller>;
  errors: string[];
}

function aPlainListener(
  handler: ListenOptions["handler"],
  options: Partial<Pick<ListenOptions, "hostname" | "port">> = {},
): Fixture {
  const clock = new ManualClock();
  const errors: string[] = [];
  const callers: Caller[] = [];
  const listener = new PlainListener({
    hostname: "127.0.0.1",
    port: 0,
    clock,
    log: { info: () => {}, error: (message) => errors.push(message) },
    handler,
    ...options,
  });
  return {
    listener,
    clock,
    errors,
    caller: async () => {
      const caller = await Caller.to(listener);
      callers.push(caller);
      return caller;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(callers.map((caller) => caller.close()));
      await listener.shutdown();
    },
  };
}

/** A stream that says "begun", and ends when the test says so. */
function aStream(): { response: Response; end: () => void; isCancelled: () => boolean } {
  let end = () => {};
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("begun"));
      end = () => controller.close();
    },
    cancel: () => void (isCancelled = true),
  });
  return { response: new Response(body), end: () => end(), isCancelled: () => isCancelled };
}

Deno.test("it listens where it is told, and says at which port, which nobody else can have", async () => {
  await using fixture = aPlainListener(() => new Response("hello"));
  const { hostname, port } = fixture.listener.address;
  assert.equal(hostname, "127.0.0.1");
  assert.ok(port > 0);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
  assert.throws(() => aPlainListener(() => new Response(), { port }), Deno.errors.AddrInUse);
});

Deno.test("each request comes with the address of its caller, and with a connection that is only not cut", async () => {
  await using fixture = aPlainListener((_, connection) => {
    connection.closeSoon();
    connection.close();
    return new Response(connection.address);
  });
  const caller = await fixture.caller();
  for (let i = 0; i < 2; i++) {
    await caller.get("/");
    await caller.says(/127\.0\.0\.1$/);
  }
});

Deno.test("wrong keys slow their source down there too", async () => {
  await using service = await aService({ apiKeys: [aKey(["read"]).key] });
  await using fixture = aPlainListener((request, connection) => service.app.fetch(request, { connection }));
  const url = `http://127.0.0.1:${fixture.listener.address.port}/v1/tasks`;
  await eventually(async () => {
    const answer = await fetch(url, { headers: { authorization: "Bearer wrong" } });
    await answer.body?.cancel();
    return answer.status === 429;
  });
});

Deno.test("the events of a task arrive as they happen, and the stream ends with it", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  await using fixture = aPlainListener((request, connection) => service.app.fetch(request, { connection }));
  const [id] = await gates.submit(service, 1);
  const caller = await fixture.caller();
  await caller.send(`GET /v1/tasks/${id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await caller.says(/text\/event-stream[^]*retry: 1000[^]*RUNNING/);
  gates.open(id);
  await caller.says(/COMPLETED[^]*event: end[^]*\r\n0\r\n\r\n$/);
});

Deno.test("a caller that is gone ends its stream", async () => {
  const stream = aStream();
  await using fixture = aPlainListener(() => stream.response);
  const caller = await fixture.caller();
  await caller.get("/");
  await caller.says(/begun/);
  await caller.close();
  await eventually(stream.isCancelled, "the stream goes on");
});

Deno.test("a request whose handler fails is answered 500 with no word of why, and the log says it", async () => {
  await using fixture = aPlainListener(() => {
    throw new Error("secret");
  });
  const caller = await fixture.caller();
  await caller.get("/");
  await caller.says(/^HTTP\/1\.1 500 [^]*content-length: 0\r\n(?![^]*secret)/);
  assert.deepEqual(fixture.errors, ["a request could not be answered"]);
});

Deno.test("a shutdown refuses new connections, closes those that wait, and ends when the last answer has been sent", async () => {
  const stream = aStream();
  await using fixture = aPlainListener((request) =>
    request.url.endsWith("/stream") ? stream.response : new Response("hello")
  );
  const idle = await fixture.caller();
  await idle.get("/");
  await idle.says(/hello/);
  const busy = await fixture.caller();
  await busy.get("/stream");
  await busy.says(/begun/);
  let isDown = false;
  const down = fixture.listener.shutdown().then(() => isDown = true);
  await idle.isCut();
  await assert.rejects(fixture.caller(), Deno.errors.ConnectionRefused);
  assert.equal(isDown, false);
  stream.end();
  await busy.says(/0\r\n\r\n$/);
  await down;
  assert.equal(fixture.clock.timers, 0, "it still looks whether it listens");
});

Deno.test("while it listens it looks every five seconds, and says nothing", async () => {
  await using fixture = aPlainListener(() => new Response("hello"));
  const { clock, errors } = fixture;
  for (let i = 0; i < 3; i++) {
    clock.advance(5_000);
    // The next look is planned when this one is over.
    await eventually(() => clock.timers === 1);
  }
  assert.deepEqual(errors, []);
});
