// What futures give and how they look, over HTTP and in the program that has the service.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  asCompleted,
  chain,
  Client,
  gather,
  group,
  sig,
  type TaskFuture,
  TaskFutures,
  wait,
} from "../../client/mod.ts";
import { createErrand } from "../../errand.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { definitions } from "../support/definitions.ts";
import type { Server } from "../support/server_process.ts";
import { HANGS_MS } from "../support/waiting.ts";

const LIMIT = { timeoutMs: HANGS_MS };
const IN_PLACE = { ...LIMIT, raiseOnFailure: false };

let server: Server;
Deno.test.beforeAll(async () => {
  server = await aServer({}, { stderr: "null" });
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

/** The same for a client over HTTP and one in the service's own program. */
function bothWays(name: string, test: (errand: Errand) => Promise<void>): void {
  Deno.test(`${name}, over HTTP`, () => test(aClient(server.url)));
  Deno.test(`${name}, in process`, async () => {
    await using errand = await createErrand({ kv: ":memory:", definitions });
    await errand.start();
    await test(errand.client as unknown as Errand);
    await errand.stop(0);
  });
}

const shown = (value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message.replace(/^task \S+ /, "")}` : value;

bothWays("results() fail with the first failure in time, wherever it stands", async (errand) => {
  const flow = await errand.run(group(sig("hold", { gate: "never" }), sig("fail", { message: "second" })));
  await assert.rejects(flow.futures.results(LIMIT), { name: "TaskError", message: "second" });
  await assert.rejects(errand.group(flow.groupId).results(LIMIT), { message: "second" });
  await assert.rejects(gather(flow.futures, LIMIT), { message: "second" });
  const list = new TaskFutures<unknown>([...flow.futures], null);
  await assert.rejects(list.results(LIMIT), { message: "second" });
  assert.equal(await flow.future("0").done(), false, "the others go on");
  await flow.cancel();
  // More than one list of ids may have.
  const adds = Array.from({ length: 1_000 }, (_, a) => sig("add", { a, b: 1 }));
  const canvas = group([sig("hold", { gate: "never" }), ...adds, sig("fail", { message: "late" })]);
  const many = await errand.run(canvas);
  await assert.rejects(many.results(LIMIT), { message: "late" });
  assert.equal(await many.futures[0].done(), false);
  await many.cancel();
});

bothWays("raiseOnFailure: false puts errors in their places: of maps, groups and flows", async (errand) => {
  const canvas = group(
    sig("add", { a: 1, b: 2 }),
    sig("fail", { message: "boom" }),
    chain(sig("fail", { message: "first" }), sig("echo", undefined, { into: "value" })),
    sig("echo", { value: "last" }),
  );
  const flow = await errand.run(canvas);
  const expected = [
    3,
    "TaskError: boom",
    "TaskError: first",
    /^CancelledError: ended CANCELLED UpstreamFailed: its upstream .* ended FAILED: Error: first$/,
    "last",
  ];
  const check = (values: unknown[]) => {
    assert.equal(values.length, expected.length);
    for (const [i, wanted] of expected.entries()) {
      if (wanted instanceof RegExp) assert.match(String(shown(values[i])), wanted);
      else assert.equal(shown(values[i]), wanted);
    }
  };
  check(await flow.results(IN_PLACE));
  check(await flow.futures.results(IN_PLACE));
  check(await errand.group(flow.groupId).results(IN_PLACE));
  check(await new TaskFutures<unknown>([...flow.futures], null).results(IN_PLACE));
  check(await Array.fromAsync(flow.futures.inOrder(IN_PLACE)));
  const mapped = await errand.map("fail", [{ message: "a" }, { message: "b", untilAttempt: 1 }]);
  assert.deepEqual((await mapped.results(IN_PLACE)).map(shown), ["TaskError: a", 1]);
  assert.deepEqual((await Array.fromAsync(mapped.inOrder(IN_PLACE))).map(shown), ["TaskError: a", 1]);
  // A timeout is no outcome, and neither is a task that is gone.
  const slow = await errand.map("hold", [{ gate: "never" }]);
  await assert.rejects(slow.results({ timeoutMs: 0, raiseOnFailure: false }), { name: /TimeoutError/ });
  await slow.cancel();
  await mapped[0].forget();
  const again = new TaskFutures<unknown>(mapped.map(({ id }) => errand.future(id)), null);
  await assert.rejects(again.results(IN_PLACE), { name: "ForgottenError" });
});

bothWays(
  "a future as a text is its id, and what is printed of it is how it was last seen",
  async (errand) => {
    const printed = (value: unknown) => Deno.inspect(value, { colors: false });
    const future = await errand.submit("fail", { message: "no", untilAttempt: 2 });
    const { id } = future;
    const as = (state?: string) =>
      `TaskFuture { id: "${id}", task: "fail"${state ? `, state: "${state}"` : ""} }`;
    assert.deepEqual([`${future}`, String(future), JSON.stringify(future)], [id, id, `{"$task":"${id}"}`]);
    assert.match(printed(future), /^TaskFuture \{ id: "\S+", task: "fail", state: "(PENDING|RUNNING)" \}$/);
    const [other, waited] = [errand.future(id), errand.future(id)];
    assert.equal(printed(other), `TaskFuture { id: "${id}" }`);
    await future.wait(LIMIT);
    assert.equal(printed(future), as("FAILED"));
    await wait([waited], LIMIT);
    assert.equal(printed(waited), as("FAILED"));
    await other.state();
    assert.ok(printed({ in: [other] }).includes(as("FAILED")));
    await future.retry();
    assert.equal(printed(future), as());
    for await (const done of asCompleted([future], LIMIT)) assert.equal(printed(done), as("COMPLETED"));

    const [mapped] = await errand.map("hold", [{ gate: "never" }]);
    assert.match(printed(mapped), /^TaskFuture \{ id: "\S+", task: "hold", state: "(PENDING|RUNNING)" \}$/);
    await mapped.cancel();
    const flow = await errand.run(sig("hold", { gate: "never" }));
    assert.match(printed(flow.futures[0]), /, task: "hold", state: "(PENDING|RUNNING)" \}$/);
    const { groupId } = flow;
    assert.deepEqual([`${flow}`, printed(flow)], [groupId, `FlowFuture { groupId: "${groupId}" }`]);
    const again = errand.group(groupId);
    assert.deepEqual([`${again}`, printed(again)], [groupId, `GroupFuture { groupId: "${groupId}" }`]);
    assert.match(printed((await again.members())[0]), /, task: "hold", state: "(PENDING|RUNNING)" \}$/);
    await flow.cancel();
  },
);

bothWays(
  "a time of 0 asks once, and cancels where that was said; below 0 is an error that does nothing",
  async (errand) => {
    const flow = await errand.run(group(sig("hold", { gate: "never" })));
    const [future] = flow.futures;
    const { groupId } = flow;
    const waits: Record<string, (timeoutMs: number) => unknown> = {
      result: (timeoutMs) => future.result({ timeoutMs, cancelOnTimeout: true }),
      exception: (timeoutMs) => future.exception({ timeoutMs }),
      wait: (timeoutMs) => future.wait({ timeoutMs }),
      "list.results": (timeoutMs) => flow.futures.results({ timeoutMs }),
      "list.inOrder": (timeoutMs) => Array.fromAsync(flow.futures.inOrder({ timeoutMs })),
      "list.asCompleted": (timeoutMs) => Array.fromAsync(flow.futures.asCompleted({ timeoutMs })),
      "list.wait": (timeoutMs) => flow.futures.wait({ timeoutMs }),
      "group.results": (timeoutMs) => errand.group(groupId).results({ timeoutMs }),
      "group.asCompleted": (timeoutMs) => Array.fromAsync(errand.group(groupId).asCompleted({ timeoutMs })),
      "group.wait": (timeoutMs) => errand.group(groupId).wait({ timeoutMs }),
      "flow.result": (timeoutMs) => flow.result({ timeoutMs }),
      "flow.result of nothing": async (timeoutMs) => (await errand.run(group())).result({ timeoutMs }),
      wait_: (timeoutMs) => wait([future], { timeoutMs }),
      gather: (timeoutMs) => gather([future], { timeoutMs, cancelOnAbort: true }),
      asCompleted: (timeoutMs) => Array.fromAsync(asCompleted([] as TaskFuture[], { timeoutMs })),
    };
    for (const [name, call] of Object.entries(waits)) {
      for (const timeoutMs of [-1, -Infinity, NaN]) {
        const message = `timeoutMs must be a number of milliseconds from 0 on; it is ${timeoutMs}`;
        await assert.rejects(async () => await call(timeoutMs), { name: "RangeError", message }, name);
      }
    }
    assert.equal(await future.done(), false, "nothing was cancelled");
    const zero = { timeoutMs: 0, cancelOnTimeout: true };
    await assert.rejects(future.result(zero), { name: "TimeoutError" });
    assert.equal((await future.state()).name, "Cancelled");
    const ended = await errand.submit("add", { a: 1, b: 2 });
    await ended.wait(LIMIT);
    assert.equal(await errand.future(ended.id).result(zero), 3);
  },
);

Deno.test("below 0 nothing is asked", async () => {
  let calls = 0;
  const errand = new Client({
    url: server.url,
    fetch: (...request) => {
      calls++;
      return fetch(...request);
    },
  });
  const future = errand.future(crypto.randomUUID());
  await assert.rejects(future.result({ timeoutMs: -1, cancelOnTimeout: true }), RangeError);
  assert.equal(calls, 0);
});
