import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { AnyDefinition, TaskContext } from "../../../../runtime/core/define.ts";
import { flowOf } from "../../../../runtime/core/replace_with.ts";
import { NotJsonError } from "../../../../runtime/core/json.ts";
import { ThreadPool } from "../../../../runtime/worker/runners/thread_pool.ts";
import { Folder } from "../../../support/folder.ts";
import { aContext } from "../../../support/task_context.ts";
import { SoftTimeLimitError } from "../../../../runtime/core/soft_time_limit.ts";
import * as tasks from "../../../support/thread_tasks.ts";
import { eventually } from "../../../support/waiting.ts";

class Pool extends ThreadPool implements Disposable {
  override run(
    definition: AnyDefinition,
    context: TaskContext<unknown> = aContext("t", null).context,
    stopSignal?: AbortSignal,
  ) {
    return super.run(definition, context, stopSignal);
  }

  [Symbol.dispose]() {
    this.close();
  }
}

Deno.test("a thread gives the function's value, and a thread that is idle is used again", async () => {
  using pool = new Pool(1);
  const { context } = aContext("count", { a: [1] }, { attempt: 3 });
  const first = await pool.run(tasks.count, context) as { task: string; calls: number };
  assert.deepEqual(first, { input: { a: [1] }, task: context.task.id, attempt: 3, calls: 1 });
  const second = await pool.run(tasks.count) as { calls: number };
  assert.equal(second.calls, 2, "the same module in the same thread");
});

Deno.test("what a function throws keeps its name, message, cause and retryable, and the thread is used again", async () => {
  using pool = new Pool(1);
  await pool.run(tasks.count);
  const thrown = await pool.run(tasks.refuse).then(() => null, (error) => error);
  assert.deepEqual([thrown.name, thrown.message, thrown.retryable], ["RangeError", "not again", false]);
  assert.deepEqual([thrown.cause.name, thrown.cause.message], ["TypeError", "because"]);
  assert.equal((await pool.run(tasks.count) as { calls: number }).calls, 2);
});

Deno.test("a result that is no JSON is refused with its place", async () => {
  using pool = new Pool(1);
  await assert.rejects(pool.run(tasks.unfit), NotJsonError);
  const { context } = aContext("unfit", null);
  const ignored = { ...context, task: { ...context.task, ignoreResult: true } };
  assert.equal(await pool.run(tasks.unfit, ignored), null, "where nobody wants it, it is not looked at");
  assert.deepEqual(flowOf(await pool.run(tasks.handOver)), { chain: [{ task: "talk", input: { n: 1 } }] });
});

Deno.test("an abort ends a function that computes without end, and the next task gets a new thread", async () => {
  using pool = new Pool(1);
  const stop = new AbortController();
  const { context, said } = aContext("spin", null, { signal: stop.signal });
  const running = pool.run(tasks.spin, context);
  await eventually(() => said.logs.length === 1, "the thread's first line");
  stop.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  assert.equal((await pool.run(tasks.count) as { calls: number }).calls, 1);
});

Deno.test("a function that was stopped while it computes ends where it next reports", async () => {
  await using folder = await Folder.with();
  using pool = new Pool(1);
  const stop = new AbortController();
  const path = folder.at("over");
  const { context, said } = aContext("report", { path }, { signal: stop.signal });
  const running = pool.run(tasks.report, context);
  await eventually(() => said.logs.length > 0, "the thread's first line");
  stop.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  await eventually(() => Deno.readTextFile(path).then((text) => text === "over", () => false), "it goes on");
});

Deno.test("a function on a thread hears of its soft time limit and may end well; a deaf one is ended by the stop", async () => {
  using pool = new Pool(1);
  const limit = new SoftTimeLimitError(5);
  const begin = async (definition: AnyDefinition) => {
    const [own, stop] = [new AbortController(), new AbortController()];
    const { context, said } = aContext(definition.name, null, { signal: own.signal });
    const running = pool.run(definition, context, stop.signal);
    await eventually(() => said.logs.length === 1, "the thread's first line");
    own.abort(limit);
    return { running, stop };
  };
  assert.deepEqual(await (await begin(tasks.wind)).running, [true, limit.message]);
  const { running, stop } = await begin(tasks.spin);
  stop.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
});

Deno.test("an attempt that was stopped before it has a thread runs nothing", async () => {
  using pool = new Pool(1);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(pool.run(tasks.count, aContext("count", null, { signal }).context), /enough/);
  await pool.run(tasks.count);
});

Deno.test("reports of a thread reach the task, in order", async () => {
  using pool = new Pool(1);
  const { context, said } = aContext("talk", null);
  await pool.run(tasks.talk, context);
  assert.deepEqual(said, { progress: [[1, 2, "half"]], logs: [["line", { a: 1 }]], chunks: [[1]] });
});

Deno.test("a report that cannot be kept fails the attempt", async () => {
  using pool = new Pool(1);
  const { context } = aContext("talk", null);
  const refusing = {
    ...context,
    log: () => {
      throw new RangeError("too long");
    },
  };
  await assert.rejects(pool.run(tasks.talk, refusing), /too long/);
});

Deno.test("no more threads are kept than the pool's size, however many have run", async () => {
  using pool = new Pool(1);
  const calls = async (runs: Promise<unknown>[]) =>
    (await Promise.all(runs) as { calls: number }[]).map((run) => run.calls);
  assert.deepEqual(await calls([pool.run(tasks.count), pool.run(tasks.count)]), [1, 1]);
  assert.deepEqual((await calls([pool.run(tasks.count), pool.run(tasks.count)])).sort(), [1, 2]);
});

Deno.test("a definition that its module does not export fails with both names", async () => {
  using pool = new Pool(1);
  await assert.rejects(
    pool.run({ ...tasks.count, name: "nowhere" }),
    (error: Error) => /thread_tasks\.ts exports no definition named "nowhere"/.test(error.message),
  );
});

Deno.test("a module that cannot be loaded fails the attempt", async () => {
  using pool = new Pool(1);
  await assert.rejects(pool.run({ ...tasks.count, thread: new URL("./nothing.ts", import.meta.url).href }));
  await pool.run(tasks.count);
});
