import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Thread } from "../../../../runtime/worker/runners/thread.ts";
import { takeThreadRoom } from "../../../../runtime/worker/runners/thread_room.ts";
import { aContext } from "../../../support/task_context.ts";
import { count } from "../../../support/thread_tasks.ts";
import { eventually } from "../../../support/waiting.ts";

const { openSync } = Deno;

/** How many files are opened meanwhile. */
function opensOf(work: () => void, fault?: { after: number; error: Error }): number {
  let opens = 0;
  Deno.openSync = (...args) => {
    if (fault && opens >= fault.after) throw fault.error;
    opens++;
    return openSync(...args);
  };
  try {
    work();
  } finally {
    Deno.openSync = openSync;
  }
  return opens;
}

const noRoom = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
const onlyWhereFilesAreCounted = { ignore: Deno.build.os === "windows" };

Deno.test({
  name: "threads that start together do not count on the same descriptors",
  ...onlyWhereFilesAreCounted,
  fn() {
    const giveBack = takeThreadRoom();
    const one = opensOf(() => takeThreadRoom()()) / 2;
    assert.throws(
      () => opensOf(takeThreadRoom, { after: 2 * one - 1, error: noRoom }),
      { message: /no thread can be started: .* not enough file descriptors left/ },
    );
    giveBack();
    giveBack();
    assert.equal(opensOf(() => takeThreadRoom()()), one);
  },
});

Deno.test("where the process may not look, a thread is started", () => {
  const error = new Deno.errors.NotCapable("Requires read access");
  opensOf(() => takeThreadRoom()(), { after: 0, error });
});

Deno.test({
  name: "a thread that has begun or has ended leaves the room for its start to others",
  ...onlyWhereFilesAreCounted,
  async fn() {
    const one = opensOf(() => takeThreadRoom()());
    const running = new Thread(() => {});
    await running.run(count, aContext("count", null).context);
    await eventually(() => opensOf(() => takeThreadRoom()()) === one, "the room was not given back");
    running.terminate();
    new Thread(() => {}).terminate();
    await eventually(() => opensOf(() => takeThreadRoom()()) === one, "the room was not given back");
  },
});
