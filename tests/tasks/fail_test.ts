import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fail } from "../../tasks/fail.ts";
import { refusals, runTask } from "../support/task_context.ts";

Deno.test("fail throws an Error with the message and says nothing about retries", async () => {
  await assert.rejects(runTask(fail, { message: "no luck" }), (error: Error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.name, "Error");
    assert.equal(error.message, "no luck");
    assert.equal("retryable" in error, false);
    return true;
  });
});

Deno.test("fail gives its error the name that it is given", async () => {
  await assert.rejects(runTask(fail, { message: "m", name: "OutOfPaper" }), {
    name: "OutOfPaper",
    message: "m",
  });
});

Deno.test("fail throws before attempt untilAttempt, and returns the attempt's number from then on", async () => {
  const input = { message: "not yet", untilAttempt: 3 };
  for (const attempt of [1, 2]) {
    await assert.rejects(runTask(fail, input, { attempt }), { message: "not yet" });
  }
  for (const attempt of [3, 4]) assert.equal((await runTask(fail, input, { attempt })).result, attempt);
});

Deno.test("fail marks its error as not retryable only if retryable is false", async () => {
  await assert.rejects(runTask(fail, { message: "m", retryable: false }), { message: "m", retryable: false });
  await assert.rejects(
    runTask(fail, { message: "m", retryable: true }),
    (error: Error) => error.message === "m" && !("retryable" in error),
  );
});

Deno.test("fail refuses a missing message and an attempt before the first", () => {
  for (const input of [{}, { message: 1 }, { message: "m", untilAttempt: 0 }, { message: "m", name: "" }]) {
    assert.notDeepEqual(refusals(fail, input), [], JSON.stringify(input));
  }
});
