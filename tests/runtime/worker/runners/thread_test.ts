import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { errorOf } from "../../../../runtime/core/thrown_error.ts";
import { Thread } from "../../../../runtime/worker/runners/thread.ts";
import { aContext } from "../../../support/task_context.ts";
import { unruly, unrulyThread } from "../../../support/unruly_tasks.ts";

class OneThread implements Disposable {
  readonly thread: Thread;

  constructor(heapMb?: number) {
    this.thread = new Thread(() => {}, { heapMb });
  }

  run(act: string, value?: unknown): Promise<unknown> {
    return this.thread.run(unrulyThread, aContext("unrulyThread", { act, value }).context);
  }

  [Symbol.dispose](): void {
    this.thread.terminate();
  }
}

/** What was thrown, in an object: reading it may throw. */
const thrownBy = async (work: () => unknown) => {
  try {
    await work();
  } catch (thrown) {
    return { thrown: thrown as Error };
  }
  assert.fail("it threw nothing");
};

Deno.test("whatever a function throws on a thread is told as it is on the main thread, and the thread is clean", async () => {
  using one = new OneThread();
  for (
    const act of [
      "fail",
      "throw an object",
      "throw several",
      "throw what cannot be sent",
      "throw what cannot be read",
    ]
  ) {
    const here = await thrownBy(() => unruly.handler(aContext("unruly", { act, value: "v" }).context));
    const there = await thrownBy(() => one.run(act, "v"));
    assert.deepEqual(errorOf(there.thrown, false), errorOf(here.thrown, false), act);
    assert.equal(one.thread.isClean, true, act);
  }
});

Deno.test("a function may take self.onmessage: its thread hears the next task all the same", async () => {
  using one = new OneThread();
  await one.run("take the messages");
  assert.equal(await one.run("return later", 1), 1);
});

for (const act of ["leave a timer", "change what is global", "leave a rejection"]) {
  Deno.test(`a thread is clean until a function does this there: ${act}`, async () => {
    using one = new OneThread();
    await one.run("look");
    assert.equal(one.thread.isClean, true);
    await one.run(act);
    assert.equal(one.thread.isClean, false);
  });
}

Deno.test("a timer that has fired or was cleared leaves a thread clean", async () => {
  using one = new OneThread();
  for (const act of ["return later", "clear a timer"]) {
    await one.run(act, 1);
    assert.equal(one.thread.isClean, true, act);
  }
});

Deno.test("an error that a function does not catch fails it with that error, and the thread is not used again", async () => {
  using one = new OneThread();
  const { thrown: error } = await thrownBy(() => one.run("lose a rejection"));
  assert.deepEqual([error.name, error.message], ["RangeError", "lost"]);
  assert.equal(one.thread.isClean, false);
});

for (
  const [act, said] of [["Deno.exit", "Deno.exit(3)"], ["process.exit", "process.exit(3)"], [
    "close",
    "close()",
  ]]
) {
  Deno.test(`${said} on a thread fails its function and ends nothing`, async () => {
    using one = new OneThread();
    const { thrown: error } = await thrownBy(() => one.run(act));
    assert.deepEqual(
      [error.name, error.message],
      ["ExitError", `${said} would end the process, with all tasks that run in it: return or throw instead`],
    );
    assert.equal(await one.run("return later", 2), 2);
  });
}

Deno.test({
  name: "a function that takes all memory of its thread fails, and nothing else does",
  // Deno 2.5 knows no limit for a thread.
  ignore: Deno.version.deno.startsWith("2.5."),
  async fn() {
    for (const act of ["take all memory", "take all memory later"]) {
      using one = new OneThread(64);
      const { thrown: error } = await thrownBy(() => one.run(act));
      assert.equal(error.message, "the thread ran out of memory");
      assert.equal(one.thread.isClean, false);
    }
  },
});
