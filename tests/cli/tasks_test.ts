import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aServer } from "../support/client_service.ts";
import { commandsTo } from "../support/command.ts";
import { Folder } from "../support/folder.ts";

const ID = /^[0-9a-f-]{36}\n$/;
const UNKNOWN = "01a227d4-430b-71b6-a97b-7b7a0bdfbd6e";

Deno.test("the exit code of a command is that of its task's end", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const completed = await errand(["submit", "add", '{"a": 1, "b": 2}', "--wait"]);
  assert.deepEqual([completed.code, completed.out], [0, "3\n"]);
  const failed = await errand(["submit", "fail", '{"message": "no paper"}', "--wait"]);
  assert.deepEqual([failed.code, failed.out], [3, ""]);
  assert.match(failed.err, /^errand: the task failed: Error: no paper$/m);

  const slow = (await errand(["submit", "sleep", '{"ms": 600000}', "--tag", "slow"])).out.trim();
  const notEnded = await errand(["result", slow]);
  assert.deepEqual([notEnded.code, notEnded.out], [6, ""]);
  assert.equal((await errand(["wait", slow, "--within", "10ms"])).code, 6);
  assert.equal((await errand(["cancel", slow, "--reason", "not needed"])).code, 0);
  const cancelled = await errand(["result", slow, "--wait"]);
  assert.equal(cancelled.code, 4);
  assert.match(cancelled.err, /CANCELLED Cancelled: not needed/);
  const late = await errand(["cancel", failed.err.match(/submitted (\S+);/)![1]]);
  assert.deepEqual([late.code, late.err.includes("too late")], [11, true]);

  for (let n = 0; n < 3; n++) {
    await errand(["submit", "sleep", '{"ms": 1}', "--delay", "1h", "--tag", "later"]);
  }
  const many = await errand(["cancel", "--tag", "later", "--state", "SCHEDULED", "-o", "json"]);
  assert.deepEqual(many.json(), { cancelled: 3, requested: 0, tooLate: 0, notFound: 0 });
  assert.equal((await errand(["cancel", "--all"])).out, "0 cancelled, 0 asked to stop, 0 too late\n");
  assert.equal((await errand(["cancel"])).code, 2);
  assert.equal((await errand(["cancel", slow, "--all"])).code, 2);

  const missing = await errand(["show", UNKNOWN]);
  assert.deepEqual([missing.code, missing.out], [7, ""]);
  assert.match(missing.err, /no task has the id/);
  const refused = await errand(["submit", "add", '{"a": 1}']);
  assert.equal(refused.code, 10);
  assert.match(refused.err, /\/input\/b: required: number/);
  const unknown = await errand(["submit", "ad", "{}"]);
  assert.equal(unknown.code, 10);
  assert.match(unknown.err, /did you mean "add"\?\n`errand definitions` lists/);
});

Deno.test("a task is submitted, followed, shown, listed, run again and deleted", async () => {
  await using server = await aServer();
  await using folder = await Folder.with({ "input.json": '{"from": 2, "stepMs": 1}' });
  const errand = commandsTo(server.url);
  const file = `@${folder.at("input.json")}`;
  const submitted = await errand([
    "submit",
    "countdown",
    file,
    "--tag",
    "a",
    "--tag",
    "b",
    "--priority",
    "-2",
    "--name",
    "of Monday",
  ]);
  assert.match(submitted.out, ID);
  const id = submitted.out.trim();
  const tail = await errand(["tail", id]);
  assert.equal(tail.code, 0);
  assert.match(
    tail.out,
    /log +T minus 2[^]*chunk +1\n[^]*state +Completed, attempt 1\n.*result +"liftoff"\n$/,
  );
  const events = (await errand(["tail", id, "-o", "json", "--after", "2"])).out.trim().split("\n");
  assert.deepEqual(events.map((line) => JSON.parse(line)).map(({ seq }) => seq)[0], 3);

  const shown = await errand(["show", id]);
  assert.match(shown.out, /^state +COMPLETED Completed$/m);
  assert.match(shown.out, /^tags +a, b$/m);
  assert.match(shown.out, /^name +of Monday$/m);
  assert.match(shown.out, /^result\n {2}"liftoff"\n$/m);
  const task = (await errand(["-o", "json", "show", id])).json();
  assert.deepEqual([task.id, task.priority, task.tags], [id, -2, ["a", "b"]]);

  const typed = await errand(["submit", "echo", "-", "--wait"], {
    input: '{"value": [1e21, 9007199254740992]}',
  });
  assert.deepEqual(typed.out.replaceAll(/\s/g, ""), "[1e+21,9007199254740992]");
  const failed = (await errand(["submit", "fail", '{"message": "once", "untilAttempt": 2}'])).out.trim();
  const ends = await errand(["wait", failed, id, "-o", "json"]);
  assert.equal(ends.code, 3);
  assert.deepEqual(
    ends.out.trim().split("\n").map((line) => JSON.parse(line).state.type).sort(),
    ["COMPLETED", "FAILED"],
  );

  const all = await errand(["ls"]);
  assert.match(all.out, /^ID +TASK +NAME +STATE +CREATED +TAGS +INPUT +WHAT\n/);
  assert.equal(all.out.trim().split("\n").length, 4);
  const some = await errand([
    "ls",
    "--state",
    "failed,crashed",
    "-n",
    "0",
    "--created-after",
    "1h",
    "-o",
    "json",
  ]);
  assert.deepEqual(some.json().map((task: { id: string }) => task.id), [failed]);
  assert.deepEqual((await errand(["ls", "--tag", "none", "-o", "json"])).json(), []);
  assert.deepEqual((await errand(["ls", "-n", "1", "-o", "json"])).json().length, 1);

  assert.equal((await errand(["retry", failed, "--input", '{"message": "", "untilAttempt": 1}'])).code, 0);
  assert.equal((await errand(["result", failed, "--wait"])).out, "2\n");
  const conflict = await errand(["retry", failed]);
  assert.equal(conflict.code, 11);
  assert.equal((await errand(["rm", failed, UNKNOWN])).code, 7);
  assert.equal((await errand(["show", failed])).code, 7);

  const definitions = await errand(["definitions"]);
  assert.match(definitions.out, /^add +\{a, b\} +Adds two numbers/m);
  assert.equal((await errand(["definitions", "add"])).json().name, "add");
  const slip = await errand(["definitions", "ad"]);
  assert.deepEqual([slip.code, /did you mean "add"/.test(slip.err)], [7, true]);

  const options = ["--options", '{"unique": {"key": "ann"}}', "-o", "json"];
  const first = (await errand(["submit", "sleep", '{"ms": 600000}', ...options])).json();
  const second = (await errand(["submit", "sleep", '{"ms": 600000}', ...options])).json();
  assert.deepEqual([first.deduplicated, second.deduplicated, second.id], [false, true, first.id]);
  const key = ["--idempotency-key", "monday"];
  const once = await errand(["submit", "echo", '{"value": 1}', ...key]);
  assert.equal((await errand(["submit", "echo", '{"value": 1}', ...key])).out, once.out);
});

Deno.test("the tasks that wait for a task are listed", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const first = (await errand(["submit", "echo", '{"value": 1}', "--delay", "1h"])).out.trim();
  const none = await errand(["dependents", first]);
  assert.deepEqual([none.code, none.out, none.err], [0, "", "no task waits for it\n"]);
  const options = JSON.stringify({ waitFor: [first] });
  const next = (await errand(["submit", "echo", '{"value": 2}', "--options", options])).out.trim();
  assert.match((await errand(["dependents", first])).out, new RegExp(`^${next} +echo`, "m"));
  const listed = (await errand(["dependents", first, "-o", "json"])).json();
  assert.deepEqual(listed.map(({ id }: { id: string }) => id), [next]);
  assert.equal((await errand(["dependents", "01999999-9999-7999-8999-999999999999"])).code, 7);
});
