import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { errorsIn } from "./report.ts";

Deno.test("errors that differ by their tasks and runs only are counted as one", () => {
  const line = (id: string, run: string) => {
    const said = {
      level: "error",
      message: `attempt 1 of 2 of task ${id} failed`,
      error: `Error: run ${run}\n at`,
    };
    return { pid: 1, said: `${JSON.stringify(said)}\n` };
  };
  const errors = errorsIn([
    line("01b8dac5-b400-74f1-8449-ce02940cf576", "0123456789ab"),
    line("01b8dac5-b400-74f1-8449-c8bbe90d306e", "ba9876543210"),
  ]);
  assert.deepEqual(errors, { "attempt 1 of 2 of task <id> failed: Error: run <run>": 2 });
});
