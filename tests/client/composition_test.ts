// Futures as arguments, canvases and maps, against a service.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  CancelledError,
  type Canvas,
  chain,
  chord,
  chunks,
  type FlowFuture,
  group,
  GroupFuture,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NotFoundError,
  ProblemError,
  quote,
  RemoteError,
  sig,
  TaskError,
  TimeoutError,
  unmapped,
  ValidationError,
} from "../../client/mod.ts";
import { UNKNOWN_ID } from "../support/service.ts";
import type { Server } from "../support/server_process.ts";
import { aClient, aServer, type Errand } from "../support/client_service.ts";
import { eventually, HANGS_MS } from "../support/waiting.ts";

const LIMIT = { timeoutMs: HANGS_MS };
const LONG = { ms: 60_000 };

async function withServer(test: (errand: Errand, server: Server) => Promise<void>): Promise<void> {
  await using server = await aServer();
  await test(aClient(server.url), server);
}

function add(a: number, b: number) {
  return sig("add", { a, b });
}

/** The error of a promise, which has to be of this class. */
async function failure<E extends Error>(
  // deno-lint-ignore no-explicit-any
  type: abstract new (...all: any[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  const error = await promise.then(
    (value) => assert.fail(`it gave ${JSON.stringify(value)}`),
    (error) => error,
  );
  assert.ok(error instanceof type, String(error));
  return error;
}

async function statesOf(flow: FlowFuture): Promise<Record<string, string>> {
  const entries = flow.names.map(async (name) => [name, (await flow.future(name).state()).name]);
  return Object.fromEntries(await Promise.all(entries));
}

// Futures as arguments

Deno.test("a future in an input stands for its result, wherever it is", () =>
  withServer(async (errand) => {
    const slow = await errand.submit("sleep", { ms: 100, value: "slow" });
    const sum = await errand.submit("add", { a: 1, b: 2 });
    const twice = await errand.submit("add", { a: sum, b: sum });
    assert.equal(await twice.result(LIMIT), 6);
    const echo = await errand.submit("echo", {
      value: { x: slow, list: [sum, { deep: [twice] }], plain: 1 },
    });
    assert.deepEqual(await echo.result(LIMIT), { x: "slow", list: [3, { deep: [6] }], plain: 1 });
  }));

Deno.test("a task waits for the futures in its input", () =>
  withServer(async (errand) => {
    const long = await errand.submit("sleep", LONG);
    const waits = await errand.submit("echo", { value: [long] });
    assert.equal((await waits.state()).name, "AwaitingDependencies");
    await long.cancel();
    await assert.rejects(waits.result(LIMIT), { name: "CancelledError", message: /UpstreamFailed/ });
  }));

Deno.test("a future is the whole input, and a list of futures a list of results", () =>
  withServer(async (errand) => {
    const input = await errand.submit("echo", { value: { value: "inner" } });
    assert.equal(
      await (await errand.submit("echo", errand.future<{ value: string }>(input.id))).result(LIMIT),
      "inner",
    );
    const digests = await errand.map("digest", [{ text: "one two" }, { text: "three" }]);
    const { files, words } = await (await errand.submit("tally", { digests })).result(LIMIT);
    assert.deepEqual([files, words], [2, 3]);
  }));

Deno.test("what a flow hands on can be an argument of another task", () =>
  withServer(async (errand) => {
    const flow = await errand.run(group(add(1, 2), add(3, 4)));
    assert.deepEqual(await (await errand.submit("echo", { value: flow })).result(LIMIT), [3, 7]);
  }));

Deno.test("quoted data arrives as it is; data that looks like a reference is refused, with its place", () =>
  withServer(async (errand) => {
    const future = await errand.submit("add", { a: 1, b: 2 });
    const data = { $task: "laundry", $quote: 1 };
    const quoted = await errand.submit("echo", { value: [quote(data), quote({ future })] });
    assert.deepEqual(await quoted.result(LIMIT), [data, { future: { $task: future.id } }]);
    const error = await failure(ValidationError, errand.submit("echo", { value: [data] }));
    assert.deepEqual(error.errors.map(({ pointer }) => pointer), ["/input/value/0"]);
    await assert.rejects(errand.submit("echo", { value: { $task: "no id" } }), ValidationError);
  }));

Deno.test("waitFor is an order without data, by futures and by ids", () =>
  withServer(async (errand) => {
    const [first, second] = await errand.map("sleep", [{ ms: 150 }, { ms: 100 }]);
    const last = await errand.submit("add", { a: 1, b: 2 }, { waitFor: [first, second.id] });
    assert.deepEqual((await last.task()).waitFor.toSorted(), [first.id, second.id].toSorted());
    assert.equal(await last.result(LIMIT), 3);
    assert.deepEqual([await first.done(), await second.done()], [true, true]);
    const mapped = await errand.map("add", { a: [1, 2], b: 1 }, {}, { waitFor: [last] });
    assert.deepEqual(await mapped.results(LIMIT), [2, 3]);
    assert.deepEqual((await mapped[0].task()).waitFor, [last.id]);
  }));

Deno.test("the error of a task whose upstream failed leads to what that one threw", () =>
  withServer(async (errand) => {
    const failed = await errand.submit("fail", { message: "boom", name: "ValueError" });
    const next = await errand.submit("echo", { value: failed });
    const last = await errand.submit("echo", { value: next });
    const error = await failure(CancelledError, next.result(LIMIT));
    assert.equal(error.state.name, "UpstreamFailed");
    assert.match(error.message, new RegExp(failed.id));
    assert.ok(error.cause instanceof RemoteError);
    assert.equal(error.cause.name, "UpstreamFailed");
    assert.ok(error.cause.cause instanceof RemoteError);
    assert.deepEqual([error.cause.cause.name, error.cause.cause.message], ["ValueError", "boom"]);
    // However far away it was.
    const names = [];
    const far = await failure(CancelledError, last.result(LIMIT));
    for (let at: unknown = far.cause; at instanceof Error; at = at.cause) names.push(at.name);
    assert.equal(names.at(-1), "ValueError");
    const cancelled = await errand.submit("sleep", LONG);
    await cancelled.cancel();
    assert.equal((await failure(CancelledError, cancelled.result(LIMIT))).cause, undefined);
  }));

Deno.test("with allowFailure a failed upstream is an {error} in the input, and only that", () =>
  withServer(async (errand) => {
    const [failed, sum] = [
      await errand.submit("fail", { message: "boom" }),
      await errand.submit("add", { a: 1, b: 2 }),
    ];
    const value = { failed, sum };
    const after = await errand.submit("echo", { value }, { allowFailure: true, waitFor: [failed] });
    const result = await after.result(LIMIT) as { failed: { error: { message: string } }; sum: number };
    assert.deepEqual([result.failed.error.message, result.sum], ["boom", 3]);
  }));

Deno.test("a future of a task that is not there is refused", () =>
  withServer(async (errand) => {
    const error = await failure(ProblemError, errand.submit("echo", { value: errand.future(UNKNOWN_ID) }));
    assert.match(error.message + JSON.stringify(error.errors), new RegExp(UNKNOWN_ID));
    await assert.rejects(errand.submit("nothing", {}, { waitFor: [UNKNOWN_ID] }), ProblemError);
  }));

// Canvases

Deno.test("a signature alone is a flow of one task", () =>
  withServer(async (errand) => {
    const flow = await errand.run(errand.sig("add", { a: 1, b: 2 }, { name: "sum", tags: ["canvas"] }));
    assert.equal(await flow.result(LIMIT), 3);
    assert.deepEqual(flow.names, ["sum"]);
    const { tags, groupId, node } = await flow.future("sum").task();
    assert.deepEqual([tags, groupId, node], [["canvas"], flow.groupId, "sum"]);
  }));

Deno.test("in a chain each gets what comes before: into a field, as its input, or not at all", () =>
  withServer(async (errand) => {
    const flow = await errand.run(chain(
      add(1, 2),
      sig("add", { a: 10 }, { into: "b" }),
      sig("echo", undefined, { into: "value" }),
      sig("sleep", { ms: 0, value: "free" }, { immutable: true }),
    ));
    assert.deepEqual(await flow.results(LIMIT), [3, 13, 13, "free"]);
    assert.equal(await flow.result(LIMIT), "free");
    const ids = flow.futures.map(({ id }) => id);
    const { edges } = (await flow.graph())!;
    assert.deepEqual(edges, ids.slice(1).map((to, i) => ({ from: ids[i], to })));
    const whole = await errand.run(chain(sig("echo", { value: { a: 1, b: 2 } }), sig("add")));
    assert.equal(await whole.result(LIMIT), 3);
  }));

Deno.test("a group gives the results in its order, whatever the order of the ends", () =>
  withServer(async (errand) => {
    const flow = await errand.run(group(sig("sleep", { ms: 200, value: "slow" }), add(1, 2)));
    assert.deepEqual(await flow.result(LIMIT), ["slow", 3]);
    const many = await errand.run(group(Array.from({ length: 50 }, (_, i) => add(i, 0))));
    assert.deepEqual(await many.result(LIMIT), Array.from({ length: 50 }, (_, i) => i));
    const none = await errand.run(group());
    assert.deepEqual([await none.result(), none.futures.length, await none.results()], [[], 0, []]);
  }));

Deno.test("a chord's body gets the list of the header's results", () =>
  withServer(async (errand) => {
    const texts = ["one two", "three", "four five six"];
    const header = texts.map((text) => sig("digest", { text }));
    const body = sig("tally", undefined, { into: "digests", name: "total" });
    for (const canvas of [chord(header, body), chord(group(header), body)]) {
      const flow = await errand.run(canvas);
      const { files, words } = await flow.result(LIMIT);
      assert.deepEqual([files, words], [3, 6]);
      assert.deepEqual(flow.names, ["header.0", "header.1", "header.2", "total"]);
      assert.equal((await flow.future<{ words: number }>("header.2").result()).words, 3);
    }
    const empty = await errand.run(chord([], sig("echo", undefined, { into: "value" })));
    assert.deepEqual(await empty.result(LIMIT), []);
    const single = await errand.run(chord(add(1, 2), sig("echo", undefined, { into: "value" })));
    assert.deepEqual(await single.result(LIMIT), [3]);
  }));

Deno.test("a failure in a chord's header ends the body, and nothing else", () =>
  withServer(async (errand) => {
    const header = [sig("sleep", { ms: 200, value: "goes on" }), sig("fail", { message: "boom" })];
    const flow = await errand.run(chord(header, sig("echo", undefined, { into: "value" })));
    const error = await failure(CancelledError, flow.result(LIMIT));
    assert.deepEqual([error.id, error.state.name], [flow.future("body").id, "UpstreamFailed"]);
    assert.equal(await flow.future("header.0").result(LIMIT), "goes on");
    const tolerant = await errand.run(
      chord(header, sig("echo", undefined, { into: "value", allowFailure: true })),
    );
    const [value, failed] = await tolerant.result(LIMIT) as [string, { error: { message: string } }];
    assert.deepEqual([value, failed.error.message], ["goes on", "boom"]);
  }));

Deno.test("chunks make few tasks of many inputs, and a list of lists", () =>
  withServer(async (errand) => {
    const inputs = Array.from({ length: 7 }, (_, i) => ({ a: i, b: 0 }));
    const flow = await errand.run(chunks("add", inputs, 3));
    assert.deepEqual(await flow.result(LIMIT), [[0, 1, 2], [3, 4, 5], [6]]);
    assert.deepEqual([flow.futures.length, flow.names], [3, ["0", "1", "2"]]);
    const three = await errand.submit("add", { a: 1, b: 2 });
    const summed = await errand.run(
      chord(
        chunks("add", [{ a: three, b: 1 }, { a: 0, b: 0 }], 1),
        sig("echo", undefined, { into: "value" }),
      ),
    );
    assert.deepEqual(await summed.result(LIMIT), [[4], [0]]);
  }));

Deno.test("canvases are parts of others, and run as often as one likes", () =>
  withServer(async (errand) => {
    const part = chain(
      add(1, 2),
      group(sig("add", { a: 1 }, { into: "b" }), sig("add", { a: 2 }, { into: "b" })),
    );
    const whole = group(part, chord([part, part], sig("echo", undefined, { into: "value", name: "both" })));
    const flows = [await errand.run(whole), await errand.run(whole), await errand.run(part)];
    assert.deepEqual(await Promise.all(flows.map((flow) => flow.result(LIMIT))), [
      [[4, 5], [[4, 5], [4, 5]]],
      [[4, 5], [[4, 5], [4, 5]]],
      [4, 5],
    ]);
    const ids = new Set(flows.flatMap(({ futures }) => futures.map(({ id }) => id)));
    assert.equal(ids.size, 10 + 10 + 3);
    assert.deepEqual(flows[0].names, [
      "0.0",
      "0.1.0",
      "0.1.1",
      "1.header.0.0",
      "1.header.0.1.0",
      "1.header.0.1.1",
      "1.header.1.0",
      "1.header.1.1.0",
      "1.header.1.1.1",
      "both",
    ]);
  }));

Deno.test("signatures wait for names in the flow, for futures and for ids", () =>
  withServer(async (errand) => {
    const [before, other] = await errand.map("sleep", [{ ms: 100 }, { ms: 50 }]);
    const flow = await errand.run(group(
      sig("add", { a: 1, b: 2 }, { name: "second", waitFor: ["first", before, other.id] }),
      sig("sleep", { ms: 100 }, { name: "first" }),
    ));
    const [first, second] = [flow.future("first"), flow.future("second")];
    const { waitFor } = await second.task();
    assert.deepEqual(waitFor.toSorted(), [before.id, other.id, first.id].toSorted());
    assert.equal(await second.result(LIMIT), 3);
    assert.deepEqual(await Promise.all([before, other, first].map((each) => each.done())), [
      true,
      true,
      true,
    ]);
  }));

Deno.test("the options of a run are for all its tasks: a signature's own come first, and tags are added", () =>
  withServer(async (errand) => {
    const canvas = group(sig("nothing", {}, { tags: ["own"] }), sig("nothing"), chunks("nothing", [{}], 1));
    const flow = await errand.run(canvas, { tags: ["all"], priority: 3 });
    const tasks = await Promise.all(flow.futures.map((future) => future.task()));
    assert.deepEqual(tasks.map(({ tags }) => tags), [["own", "all"], ["all"], ["all"]]);
    assert.deepEqual(tasks.map(({ priority }) => priority), [3, 3, 3]);
  }));

Deno.test("a run under a key of its caller's can be repeated", () =>
  withServer(async (errand) => {
    const canvas = chain(add(1, 2), sig("add", { a: 1 }, { into: "b" }));
    const [one, again] = [
      await errand.run(canvas, { idempotencyKey: "nightly" }),
      await errand.run(canvas, { idempotencyKey: "nightly" }),
    ];
    assert.deepEqual(again.futures.map(({ id }) => id), one.futures.map(({ id }) => id));
    assert.deepEqual([again.groupId, again.names], [one.groupId, one.names]);
    assert.deepEqual([await one.result(LIMIT), await again.result(LIMIT)], [4, 4]);
  }));

Deno.test("a canvas that the service does not take is refused as a whole, with the place of the fault", () =>
  withServer(async (errand, server) => {
    const refused: [canvas: Canvas, pointer: string][] = [
      [chain(add(1, 2), sig("add", { a: "1" }, { into: "b" })), "/chain/1/input/a"],
      [chain(add(1, 2), add(1, 2)), "/chain/1/input"],
      [group(add(1, 2), sig("nothing", {}, { waitFor: ["nobody"] })), "/group/1/waitFor/0"],
      [chain(), "/chain"],
      [chunks("nothing", [{}], 0), "/chunks/size"],
    ];
    for (const [canvas, pointer] of refused) {
      const { errors } = await failure(ValidationError, errand.run(canvas));
      assert.deepEqual(errors.map((error) => error.pointer), [pointer], JSON.stringify(canvas));
    }
    await assert.rejects(errand.run(chain(add(1, 2), sig("ad") as Canvas)), {
      name: "UnknownDefinitionError",
    });
    assert.deepEqual((await server.fetch("/v1/tasks")).body.tasks, []);
  }));

// What one does with a flow

Deno.test("the first failure ends the wait for what the whole hands on; it may be a value", () =>
  withServer(async (errand) => {
    const flow = await errand.run(
      group(sig("sleep", LONG), sig("fail", { message: "boom", name: "ValueError" })),
    );
    const error = await failure(TaskError, flow.result(LIMIT));
    assert.deepEqual([error.remoteName, error.message], ["ValueError", "boom"]);
    assert.equal(String(await flow.result({ ...LIMIT, raiseOnFailure: false })), "TaskError: boom");
    assert.equal(await flow.future("0").done(), false);
    await flow.cancel();
  }));

Deno.test("at the timeout the flow goes on, and an abort is thrown as it is", () =>
  withServer(async (errand) => {
    const flow = await errand.run(chain(sig("sleep", LONG), sig("echo", { value: 1 }, { immutable: true })));
    await assert.rejects(flow.result({ timeoutMs: 50 }), TimeoutError);
    // A timeout is no outcome of the task.
    await assert.rejects(flow.result({ timeoutMs: 50, raiseOnFailure: false }), TimeoutError);
    await assert.rejects(flow.results({ timeoutMs: 50 }), TimeoutError);
    const [before, during] = [AbortSignal.abort(new Error("enough")), new AbortController()];
    await assert.rejects(flow.result({ signal: before }), { message: "enough" });
    const result = flow.result({ signal: during.signal });
    during.abort(new Error("left"));
    await assert.rejects(result, { message: "left" });
    assert.deepEqual(await flow.wait({ timeoutMs: 50 }), { done: [], notDone: [...flow.futures] });
    await flow.cancel();
  }));

Deno.test("the tasks of a flow are told as they end, and waited for together", () =>
  withServer(async (errand) => {
    const flow = await errand.run(
      group(sig("hold", { gate: "a" }), sig("sleep", { ms: 0 }), sig("sleep", LONG)),
    );
    const [slow, quick, never] = flow.futures;
    await errand.future(quick.id).wait();
    await errand.submit("release", { gate: "a" });
    await errand.future(slow.id).wait();
    // In the end within time enough for this machine.
    let timeoutMs = 50;
    await eventually(async () => {
      const seen: unknown[] = [];
      timeoutMs *= 2;
      await assert.rejects(async () => {
        for await (const future of flow.asCompleted({ timeoutMs })) seen.push(future);
      }, ({ message }: Error) => message === `${3 - seen.length} (of 3) futures unfinished`);
      assert.deepEqual(seen, [quick, slow].slice(0, seen.length));
      return seen.length === 2;
    }, "it does not give both");
    const { done, notDone } = await flow.wait({ returnWhen: "FIRST_COMPLETED", timeoutMs: 0 });
    assert.deepEqual([done, notDone], [[slow, quick], [never]]);
    await flow.cancel();
  }));

Deno.test("a cancel takes the whole flow, says how many, and is there to be read", () =>
  withServer(async (errand) => {
    const flow = await errand.run(chain(
      add(1, 2),
      sig("sleep", { ...LONG, value: 1 }, { immutable: true }),
      sig("echo", undefined, { into: "value" }),
      sig("echo", undefined, { into: "value" }),
    ));
    await eventually(() => flow.future("1").running());
    const { total, done, counts } = await flow.counts();
    assert.deepEqual([total, done, counts.COMPLETED, counts.RUNNING, counts.PENDING], [4, 1, 1, 1, 2]);
    const { cancelled, requested, tooLate } = await flow.cancel("not needed", { graceMs: 5_000 });
    assert.deepEqual([cancelled + requested, requested, tooLate], [3, 1, 1]);
    assert.equal((await failure(CancelledError, flow.future("1").result(LIMIT))).reason, "not needed");
    await flow.wait(LIMIT);
    const names = await statesOf(flow);
    assert.deepEqual([names["0"], names["1"]], ["Completed", "Cancelled"]);
    assert.equal((await flow.counts()).counts.CANCELLED, 3);
    assert.deepEqual((await flow.graph())!.nodes.map(({ name, task }) => `${name} ${task}`), [
      "0 add",
      "1 sleep",
      "2 echo",
      "3 echo",
    ]);
  }));

Deno.test("a cancel takes the tasks that a task has submitted along, if it is told to", () =>
  withServer(async (errand) => {
    const children = [{ task: "sleep", input: LONG }];
    for (const isTold of [true, false]) {
      const parent = await errand.submit("family", { children, ms: 60_000 });
      const [id] = await new Promise<string[]>((resolve) => {
        void (async () => {
          for await (const event of parent.events()) {
            if (event.event === "chunk") resolve(event.data.chunk as string[]);
          }
        })();
      });
      assert.equal(await parent.cancel("enough", { children: isTold }), true);
      await parent.wait(LIMIT);
      const child = errand.future(id);
      assert.equal(await child.wait({ timeoutMs: isTold ? HANGS_MS : 200 }), isTold);
      await child.cancel();
    }
  }));

Deno.test("a retry of the task that failed resumes the rest, for futures that have seen it fail too", () =>
  withServer(async (errand) => {
    const flow = await errand.run(chain(
      sig("fail", { message: "not yet", untilAttempt: 2 }),
      sig("add", { a: 10 }, { into: "b" }),
    ));
    const [failed, rest] = flow.futures;
    await assert.rejects(flow.result(LIMIT), { name: "CancelledError", message: /UpstreamFailed/ });
    await failed.retry();
    await eventually(async () => (await rest.state()).name !== "UpstreamFailed");
    assert.equal(await flow.result(LIMIT), 12);
  }));

// A group from its id

Deno.test("a group is there from its id alone, in another process", () =>
  withServer(async (errand, server) => {
    const flow = await errand.run(
      group(sig("sleep", { ms: 200, value: "a" }), sig("echo", { value: "b" }, { name: "b" })),
    );
    const elsewhere = aClient(server.url).group<string>(flow.groupId);
    assert.ok(elsewhere instanceof GroupFuture && await elsewhere.exists());
    assert.deepEqual(await elsewhere.results(LIMIT), ["a", "b"]);
    const members = await elsewhere.members();
    assert.deepEqual(members.map(({ id }) => id), flow.futures.map(({ id }) => id));
    assert.equal(await elsewhere.members(), members);
    assert.deepEqual((await elsewhere.wait({ timeoutMs: 0 })).done, [...members]);
    assert.equal((await Array.fromAsync(elsewhere.asCompleted())).length, 2);
    assert.deepEqual(await elsewhere.counts(), await flow.counts());
    assert.deepEqual((await elsewhere.graph())!.nodes.map(({ name }) => name), ["0", "b"]);
    assert.deepEqual(await elsewhere.cancel(), { cancelled: 0, requested: 0, tooLate: 2 });
  }));

Deno.test("a large group is there from its id, in order, and without a graph", () =>
  withServer(async (errand) => {
    const futures = await errand.map("add", { a: Array.from({ length: 1_500 }, (_, i) => i), b: 0 });
    const again = errand.group<number>(futures.groupId!);
    assert.deepEqual(await again.results(LIMIT), Array.from({ length: 1_500 }, (_, i) => i));
    assert.equal(await again.graph(), null);
    assert.equal((await again.counts()).total, 1_500);
  }));

Deno.test("a group that is not there is an error, whatever is asked of it", () =>
  withServer(async (errand) => {
    const none = errand.group(UNKNOWN_ID);
    assert.equal(await none.exists(), false);
    const all = [
      () => none.counts(),
      () => none.graph(),
      () => none.members(),
      () => none.results(),
      () => none.wait(),
      () => none.cancel(),
      () => Array.fromAsync(none.asCompleted()),
    ];
    for (const ask of all) assert.equal((await failure(NotFoundError, ask())).kind, "group", String(ask));
  }));

// Maps

Deno.test("a map goes through futures, and gives one to all", () =>
  withServer(async (errand) => {
    const three = await errand.submit("add", { a: 1, b: 2 });
    const futures = await errand.map("add", { a: new Set([three, 10]) }, { b: three });
    assert.deepEqual(await futures.results(LIMIT), [6, 13]);
    const over = await errand.map("add", { a: futures, b: unmapped(three) });
    assert.deepEqual(await over.results(LIMIT), [9, 16]);
    const inputs = await errand.map("add", [{ a: three, b: 0 }, { a: 1, b: three }]);
    assert.deepEqual(await inputs.results(LIMIT), [3, 4]);
    const wholes = await errand.map("sleep", { ms: [0, 1], value: unmapped([three]) });
    assert.deepEqual(await wholes.results(LIMIT), [[3], [3]]);
  }));

Deno.test("maxConcurrent is how many of a map run at once", () =>
  withServer(async (errand) => {
    const futures = await errand.map("hold", Array.from({ length: 6 }, () => ({ gate: "a" })), {
      maxConcurrent: 2,
    });
    const states = () => Promise.all(futures.map((future) => future.state()));
    await eventually(async () => (await states()).filter(({ type }) => type === "RUNNING").length === 2);
    assert.deepEqual((await states()).map(({ name }) => name).toSorted(), [
      ...Array(4).fill("AwaitingConcurrencySlot"),
      ...Array(2).fill("Running"),
    ]);
    await errand.submit("release", { gate: "a" });
    let most = 0;
    await eventually(async () => {
      const now = await states();
      most = Math.max(most, now.filter(({ type }) => type === "RUNNING").length);
      return now.every(({ type }) => type === "COMPLETED");
    });
    assert.ok(most <= 2, `${most} ran at once`);
    await assert.rejects(errand.map("nothing", [{}], { maxConcurrent: 0 }), ValidationError);
  }));

Deno.test("a map of many is one request, one group, one stream, and in order", () =>
  withServer(async (_, server) => {
    const paths: string[] = [];
    const errand = aClient(server.url, {
      fetch: (input, init) => {
        paths.push(new URL(String(input)).pathname);
        return fetch(input, init);
      },
    });
    const count = 3_000;
    const futures = await errand.map("add", { a: Array.from({ length: count }, (_, i) => i), b: 1 });
    assert.equal(futures.length, count);
    assert.deepEqual(await futures.results(LIMIT), Array.from({ length: count }, (_, i) => i + 1));
    assert.deepEqual(paths, ["/v1/map", "/v1/as-completed"]);
    // What was told is known: nothing more is asked.
    assert.equal((await Array.fromAsync(futures.asCompleted())).length, count);
    assert.equal(paths.length, 2);
    assert.equal((await errand.group(futures.groupId!).counts()).done, count);
  }));

Deno.test("of a large map what fails is thrown at its turn, and a timeout says how many are left", () =>
  withServer(async (errand) => {
    const count = 1_200;
    const inputs = Array.from(
      { length: count },
      (_, i) => ({ message: `no ${i}`, untilAttempt: i < 700 ? 1 : 9 }),
    );
    const futures = await errand.map("fail", inputs);
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const value of futures.inOrder(LIMIT)) seen.push(value);
    }, { name: "TaskError", message: "no 700" });
    assert.equal(seen.length, 700);
    const waiting = await errand.map("nothing", Array.from({ length: count }, () => ({})), {
      delayMs: 60_000,
    });
    await assert.rejects(waiting.results({ timeoutMs: 100 }), {
      message: `${count} (of ${count}) futures unfinished`,
    });
    assert.equal((await errand.group(waiting.groupId!).cancel()).cancelled, count);
    for await (const future of waiting.asCompleted(LIMIT)) {
      assert.equal((await future.state()).type, "CANCELLED");
    }
  }));

Deno.test("leaving the values of a map cancels the rest in one call", () =>
  withServer(async (_, server) => {
    const posts: string[] = [];
    const errand = aClient(server.url, {
      fetch: (input, init) => {
        if (init?.method === "POST") posts.push(new URL(String(input)).pathname);
        return fetch(input, init);
      },
    });
    const futures = await errand.map("sleep", [
      { ms: 0, value: 1 },
      ...Array.from({ length: 20 }, () => LONG),
    ]);
    for await (const value of futures.inOrder()) {
      assert.equal(value, 1);
      break;
    }
    const { done } = await futures.wait(LIMIT);
    assert.equal(done.length, 21);
    assert.deepEqual(posts.filter((path) => path.endsWith("/cancel")), [
      `/v1/groups/${futures.groupId}/cancel`,
    ]);
  }));

Deno.test("a map with nothing to go through, or with lists of different lengths, is refused", () =>
  withServer(async (errand, server) => {
    const missing = await failure(MappingMissingIterableError, errand.map("add", { a: 1, b: 2 }));
    assert.ok(missing instanceof ValidationError && missing instanceof ProblemError);
    assert.deepEqual([missing.status, missing.slug], [422, "mapping-missing-iterable"]);
    await assert.rejects(errand.map("add", {}), MappingMissingIterableError);
    await assert.rejects(errand.map("echo", { value: { an: "object" } }), MappingMissingIterableError);
    await assert.rejects(errand.map("echo", { value: unmapped([1]) }), MappingMissingIterableError);
    const mismatch = await failure(
      MappingLengthMismatchError,
      errand.map("add", { a: [1, 2], b: [1, 2, 3] }),
    );
    assert.deepEqual(mismatch.errors.map(({ pointer }) => pointer), ["/map/a", "/map/b"]);
    assert.match(mismatch.message, /2.*3/);
    const wrong = await failure(ValidationError, errand.map("add", { a: [1, "2"], b: 1 } as never));
    assert.deepEqual(wrong.errors.map(({ pointer }) => pointer), ["/map/a/1"]);
    assert.deepEqual((await server.fetch("/v1/tasks")).body.tasks, []);
  }));
