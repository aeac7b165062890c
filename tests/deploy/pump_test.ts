import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Pump, PUMP_PATH, pumpUrl } from "../../deploy/pump.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { eventually, turn } from "../support/waiting.ts";

/** Instances of one app. A request goes to the one that `route` names, and carries a ticket. */
function anApp(names: string[], origin: string | null = "https://app.example") {
  const clock = new ManualClock();
  const errors: string[] = [];
  const infos: string[] = [];
  const requests: string[] = [];
  const app = {
    route: (_: string): string => names[0],
    status: 200,
  };
  const pumps: Map<string, Pump> = new Map(names.map((name): [string, Pump] => [
    name,
    new Pump({
      instance: name,
      origin,
      ticket: (ttlMs) => Promise.resolve(`ticket-${ttlMs}`),
      clock,
      log: { info: (message) => infos.push(message), error: (message) => errors.push(message) },
      fetch: (input, init) => {
        assert.equal(String(input), `https://app.example${PUMP_PATH}`);
        assert.equal(init!.method, "POST");
        assert.match(new Headers(init!.headers).get("authorization")!, /^Bearer ticket-\d+$/);
        const to = app.route(name);
        requests.push(`${name} → ${to}`);
        if (app.status !== 200) return Promise.resolve(new Response("no", { status: app.status }));
        return Promise.resolve(cutBy(init!.signal!, pumps.get(to)!.serve()));
      },
    }),
  ]));
  const stop = async () => {
    for (const pump of pumps.values()) await clock.run(pump.stop());
  };
  return { app, clock, errors, infos, requests, of: (name: string) => pumps.get(name)!, stop };
}

/** As over a connection: an aborted request ends its response. */
function cutBy(signal: AbortSignal, response: Response): Response {
  const reader = response.body!.getReader();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener("abort", () => {
        reader.cancel();
        try {
          controller.error(signal.reason);
        } catch { /* It has ended. */ }
      });
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  return new Response(body, response);
}

Deno.test("an instance that is wanted holds one response of its own, until it is let go", async () => {
  const { of, clock, requests, errors, stop } = anApp(["a"]);
  const pump = of("a");
  pump.keepAlive();
  pump.keepAlive();
  await eventually(() => pump.isServed);
  for (let i = 0; i < 5; i++) {
    clock.advance(2_000);
    await turn();
  }
  assert.deepEqual(requests, ["a → a"]);
  pump.release();
  assert.equal(pump.isServed, false);
  await turn();
  assert.deepEqual([requests.length, errors], [1, []]);
  await stop();
});

Deno.test("it asks again until the request reaches itself, and lets go of all others", async () => {
  const { of, app, requests, stop } = anApp(["a", "b", "c"]);
  const routes = ["b", "c", "b", "a"];
  app.route = () => routes.shift()!;
  of("a").keepAlive();
  await eventually(() => of("a").isServed);
  await eventually(() => !of("b").isServed && !of("c").isServed);
  assert.deepEqual(requests, ["a → b", "a → c", "a → b", "a → a"]);
  await stop();
});

Deno.test("with an app that never sends it to itself it tries on, with pauses", async () => {
  const { of, app, clock, requests, stop } = anApp(["a", "b"]);
  app.route = () => "b";
  of("a").keepAlive();
  await eventually(() => requests.length === 8);
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(requests.length, 8);
  clock.advance(1_000);
  await eventually(() => requests.length === 16);
  app.route = () => "a";
  clock.advance(1_000);
  await eventually(() => of("a").isServed);
  await stop();
});

Deno.test("a response that another instance holds here is as good as its own", async () => {
  const { of, app, clock, requests, stop } = anApp(["a", "b"]);
  app.route = () => "a";
  of("a").serve();
  of("a").keepAlive();
  await turn();
  clock.advance(10_000);
  await turn();
  assert.deepEqual(requests, []);
  await stop();
});

Deno.test("when its response is cut it asks for another one", async () => {
  const { of, requests, clock, stop } = anApp(["a"]);
  const outside = of("a").serve();
  of("a").keepAlive();
  await turn();
  assert.deepEqual(requests, []);
  await outside.body!.cancel();
  for (let i = 0; i < 3; i++) {
    clock.advance(1_000);
    await turn();
  }
  await eventually(() => of("a").isServed);
  assert.deepEqual(requests, ["a → a"]);
  await stop();
});

Deno.test("the response says whose it is, and a byte comes every two seconds", async () => {
  const { of, clock, stop } = anApp(["a"]);
  const reader = of("a").serve().body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "a\n");
  for (let i = 0; i < 3; i++) {
    clock.advance(2_000);
    assert.equal((await reader.read()).value, ".\n");
  }
  of("a").release();
  assert.equal((await reader.read()).done, true);
  assert.equal(clock.timers, 0);
  await stop();
});

Deno.test("wake() tells who answered, and holds nothing", async () => {
  const { of, app, stop } = anApp(["a", "b"]);
  app.route = () => "b";
  assert.equal(await of("a").wake(), "b");
  await eventually(() => !of("b").isServed);
  await stop();
});

Deno.test("without an address it asks nobody", async () => {
  const { of, clock, errors, requests, stop } = anApp(["a"], null);
  of("a").keepAlive();
  clock.advance(60_000);
  assert.equal(await of("a").wake(), null);
  assert.deepEqual([requests.length, errors.length, of("a").isRefused], [0, 0, true]);
  await stop();
});

Deno.test("when the app refuses itself, it tries again; the refusal is logged", async () => {
  const { of, app, clock, errors, stop } = anApp(["a"]);
  app.status = 401;
  of("a").keepAlive();
  await eventually(() => errors.length === 1);
  app.status = 200;
  await turn();
  clock.advance(1_000);
  await eventually(() => of("a").isServed);
  await stop();
});

Deno.test("an app that is refused with 508 says so once, and asks itself no more", async () => {
  const { of, app, clock, errors, infos, requests, stop } = anApp(["a"]);
  const pump = of("a");
  app.status = 508;
  pump.keepAlive();
  await eventually(() => pump.isRefused);
  for (let i = 0; i < 100; i++) {
    clock.advance(60_000);
    await turn();
  }
  pump.keepAlive();
  assert.equal(await pump.wake(), null);
  await pump.wakeSuccessor("ticket-1");
  assert.deepEqual(requests, ["a → a"]);
  assert.equal(infos.length, 1);
  assert.match(infos[0], /508 LOOP_DETECTED/);
  assert.deepEqual([errors, pump.isServed, clock.timers], [[], false, 0]);
  await stop();
});

Deno.test("the app is asked below the path of its address", () => {
  assert.equal(pumpUrl("https://app.example"), `https://app.example${PUMP_PATH}`);
  assert.equal(pumpUrl("https://app.example/errand/"), `https://app.example/errand${PUMP_PATH}`);
});
