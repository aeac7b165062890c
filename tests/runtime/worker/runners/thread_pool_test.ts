import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { AnyDefinition, TaskContext } from "../../../../runtime/core/define.ts";
import { NotJsonError } from "../../../../runtime/core/json.ts";
import { ThreadPool } from "../../../../runtime/worker/runners/thread_pool.ts";
import { aContext } from "../../../support/task_context.ts";
import * as tasks from "../../../support/thread_tasks.ts";
import { eventually } from "../../../support/waiting.ts";

class Pool extends ThreadPool implements Disposable {
  async run(definition: AnyDefinition, context: TaskContext<unknown> = aContext("t", null).context) {
    const runner = await this.acquire(context.signal);
    return await runner(definition, context);
  }

  [Symbol.dispose]() {
    this.close();
  }
}

const never = new AbortController().signal;

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

Deno.test("an attempt that was stopped before it has a thread runs nothing, and gives its place back", async () => {
  using pool = new Pool(1);
  const stopped = AbortSignal.abort(new Error("enough"));
  const runner = await pool.acquire(never);
  await assert.rejects(runner(tasks.count, aContext("count", null, { signal: stopped }).context), /enough/);
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

Deno.test("no more threads than the pool's size; who waits gets the next one, in order", async () => {
  using pool = new Pool(2);
  const runners = [await pool.acquire(never), await pool.acquire(never)];
  const got: number[] = [];
  const waiting = [0, 1, 2].map((i) =>
    pool.acquire(never).then((runner) => {
      got.push(i);
      return runner;
    })
  );
  await runners[0](tasks.count, aContext("count", null).context);
  await eventually(() => got.length > 0);
  assert.deepEqual(got, [0]);
  await runners[1](tasks.count, aContext("count", null).context);
  await eventually(() => got.length > 1);
  assert.deepEqual(got, [0, 1]);
  for (const runner of waiting) await (await runner)(tasks.count, aContext("count", null).context);
  assert.deepEqual(got, [0, 1, 2]);
});

Deno.test("one who stops waiting for a thread does not take another's turn", async () => {
  using pool = new Pool(1);
  const runner = await pool.acquire(never);
  const gone = new AbortController();
  const leaving = pool.acquire(gone.signal);
  const staying = pool.acquire(never);
  gone.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/);
  await runner(tasks.count, aContext("count", null).context);
  await (await staying)(tasks.count, aContext("count", null).context);
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
