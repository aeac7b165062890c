// What those who come from other systems write by habit: it works, or is an error at once that says what to
// write. Nothing of it waits without a limit.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { asCompleted, chain, Client, gather, group, sig, type TaskFuture, wait } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";

const ID = "01999999-9999-7999-8999-999999999999";
/** Nobody is there: what is wrong is told before anybody is asked. */
const nowhere = new Client({ url: "http://127.0.0.1:1", retry: { forMs: 0 } });
const future = nowhere.future(ID);

async function refused(call: () => unknown, message: RegExp): Promise<void> {
  await assert.rejects(async () => await call(), (error) => {
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

const EACH: [string, (futures: Iterable<TaskFuture>, options?: object) => unknown][] = [
  ["wait", wait],
  ["gather", gather],
  ["asCompleted", (futures, options) => Array.fromAsync(asCompleted(futures, options))],
];

for (const [name, call] of EACH) {
  Deno.test(`${name}() says what is no list of futures, and what in it is none`, async () => {
    const given = (value: unknown) => value as Iterable<TaskFuture>;
    await refused(() => call(given(future)), /must be a list, as \[a, b\]; .* an instance of TaskFuture$/);
    await refused(() => call(given(undefined)), /must be a list, .* undefined$/);
    await refused(() => call(given(ID)), /must be a list, .* a string$/);
    const submitted = Promise.resolve(future);
    await refused(() => call(given([future, submitted])), /element 1 .* Promise \(await it\)$/);
    await refused(() => call(given([ID])), /element 0 of the futures is none: it is a string$/);
    await refused(() => call(given([null])), /element 0 of the futures is none: it is null$/);
    await refused(() => call(given(new Map([[future, 1]]))), /element 0 .* a list$/);
  });
}

Deno.test("a timeout by its place, or named as in Python, is an error and no wait without a limit", async () => {
  const options = /options must be an object, as \{ timeoutMs: 5_000 \}; what was given is 5$/;
  const named = /no option timeout: it is timeoutMs, in milliseconds/;
  const calls: [string, (options: object) => unknown][] = [
    ["result", (options) => future.result(options)],
    ["exception", (options) => future.exception(options)],
    ["wait of a future", (options) => future.wait(options)],
    ...EACH.map(([name, call]): [string, (options: object) => unknown] => [
      name,
      (options) => call([future], options),
    ]),
  ];
  for (const [name, call] of calls) {
    await refused(() => call(5 as unknown as object), options).catch((error) => {
      throw new Error(name, { cause: error });
    });
    await refused(() => call({ timeout: 5 }), named).catch((error) => {
      throw new Error(name, { cause: error });
    });
  }
});

Deno.test("what follows a task is one task, as sig() makes it", async () => {
  const many = chain(sig("echo", { value: 1 }));
  await refused(() => future.onCompleted(many as never), /one task, as sig\(\) makes it/);
  await refused(() => future.onFailed((() => 1) as never), /what was given is a function$/);
});

Deno.test("waitFor takes a flow's future, and says what it does not take", async () => {
  const of = (one: unknown) => nowhere.submit("echo", { value: 1 }, { waitFor: [one as TaskFuture] });
  await refused(() => of(Promise.resolve(future)), /waitFor takes .* Promise \(await it\)$/);
  await refused(() => of([future]), /waitFor takes .* a list/);
  await refused(() => of(undefined), /waitFor takes .* undefined$/);
  await refused(() => of(null), /waitFor takes .* null$/);

  await using server = await aServer();
  const errand = aClient(server.url);
  const gate = crypto.randomUUID();
  const hold = sig("hold", { gate, value: 1 });
  const sum = sig("add", { b: 1 }, { into: "a" });
  const flow = await errand.run(group(chain(hold, sum), sig("echo", { value: "beside" })));
  const [held, last, beside] = flow.futures;
  const next = await errand.submit("echo", { value: "after" }, { waitFor: [flow, held] });
  const { waitFor, state } = await next.task();
  assert.deepEqual(waitFor, [last.id, beside.id, held.id]);
  assert.equal(state.name, "AwaitingDependencies");
  const inCanvas = await errand.run(sig("echo", { value: "in a canvas" }, { waitFor: [flow] }));
  await errand.submit("release", { gate });
  assert.deepEqual([await next.result(), await inCanvas.result()], ["after", "in a canvas"]);
});
