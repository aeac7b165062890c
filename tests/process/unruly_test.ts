// Functions that do what they should not, in a real process: what they write is logged, and they end nothing
// but their own attempt.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Server } from "../support/server_process.ts";
import type { Body } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

const MAIN = fileURLToPath(new URL("../support/unruly_service.ts", import.meta.url));
const PLACES = ["unruly", "unrulyThread"];

const start = (env = {}) => Server.start({ KV_PATH: ":memory:", ...env }, MAIN);

const linesOf = ({ output: { stderr } }: Server, id: string): Body[] =>
  stderr.split("\n").slice(0, -1).map((line) => JSON.parse(line)).filter((line) => line.id === id);

/** So many lines of a task's, once they have been read: that may be after the answer which tells its end. */
function saidOf(server: Server, id: string, count: number): Promise<Body[]> {
  return eventually(() => {
    const found = linesOf(server, id);
    return found.length >= count && found;
  }, () => server.output.stderr);
}

for (const SHOW_STACKS of ["false", "true"]) {
  Deno.test(`each failed attempt is one line of the log, with its stack: SHOW_STACKS=${SHOW_STACKS} is for callers`, async () => {
    await using server = await start({ SHOW_STACKS });
    for (const task of PLACES) {
      const options = { retry: { maxAttempts: 2, delayMs: 1 } };
      const { id } = await server.submit(task, { act: "fail", value: "no luck" }, options);
      const { error } = await server.ended(id);
      assert.equal("stack" in error, SHOW_STACKS === "true");
      const lines = await saidOf(server, id, 2);
      assert.deepEqual(
        lines.map(({ level, message, task, attempt, error }) => [level, message, task, attempt, error]),
        [1, 2].map((n) => [
          "error",
          `attempt ${n} of 2 of task ${id} (${task}) failed`,
          task,
          n,
          "RangeError: no luck",
        ]),
      );
      for (const { stack } of lines) {
        assert.match(stack, /^RangeError: no luck\n\s+at .*unruly_tasks/);
        assert.match(stack, /TypeError: the cause\n\s+at /);
      }
    }
  });
}

Deno.test("a timeout is a failed attempt too; a cancel and a completed task say nothing", async () => {
  await using server = await start();
  const late = await server.submit("sleep", { ms: 60_000 }, { timeoutMs: 20 });
  await server.ended(late.id);
  assert.deepEqual((await saidOf(server, late.id, 1)).map(({ error, stack }) => [error, stack]), [
    ["TimeoutError: the attempt took longer than timeoutMs, 20 ms", null],
  ]);
  const cancelled = await server.submit("sleep", { ms: 60_000 });
  await server.until(cancelled.id, "RUNNING");
  await server.fetch(`/v1/tasks/${cancelled.id}/cancel`, { method: "POST" });
  const done = await server.submit("unruly", { act: "return later", value: 1 });
  for (const { id } of [cancelled, done]) {
    await server.ended(id);
    assert.deepEqual(linesOf(server, id), []);
  }
});

Deno.test("what a function writes to the console is a line of the log with its task, on a thread too", async () => {
  await using server = await start();
  for (const task of PLACES) {
    for (const [act, messages] of [["say", ["said v { n: 1 }", "warned"]], ["say later", ["v"]]] as const) {
      const { id } = await server.submit(task, { act, value: "v" });
      await server.ended(id);
      // A thread writes by itself.
      const lines = await saidOf(server, id, messages.length);
      assert.deepEqual(
        lines.map(({ message, task, attempt }) => ({ message, task, attempt })),
        messages.map((message) => ({ message, task, attempt: 1 })),
      );
    }
  }
  assert.equal(server.output.stdout, `errand listening on ${server.url}\n`);
});

for (const act of ["Deno.exit", "process.exit", "close", "exit and catch", "exit later"]) {
  Deno.test(`a function that ends the process ends its attempt, and no other: ${act}`, async () => {
    await using server = await start();
    const beside = await server.submit("sleep", { ms: 1_500 }, { maxCrashes: 0 });
    for (const task of PLACES) {
      const { id } = await server.submit(task, { act });
      const { state, error, attempt } = await server.ended(id);
      assert.deepEqual([state.name, error.name, attempt], ["Failed", "ExitError", 1]);
      assert.match(error.message, /^(Deno|process)?\.?(exit|close)\(.*would end the process/);
    }
    assert.equal((await server.ended(beside.id)).state.type, "COMPLETED");
    assert.equal((await server.end("SIGTERM")).code, 0);
  });
}

Deno.test("what a function leaves on its thread does no harm to the next one there", async () => {
  await using server = await start();
  const acts = ["take the messages", "leave a timer", "leave a rejection", "change what is global"];
  for (const act of [...acts, ...acts]) {
    await server.ended((await server.submit("unrulyThread", { act })).id);
    const { result } = await server.ended((await server.submit("unrulyThread", { act: "look" })).id);
    assert.deepEqual(result, { json: "[1]", map: 2, leftBehind: null }, act);
  }
});
