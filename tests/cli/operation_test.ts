import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Client, group, sig } from "../../client/mod.ts";
import { hexOf } from "../../auth/api_keys.ts";
import { aKey } from "../support/api_keys.ts";
import { aServer } from "../support/client_service.ts";
import { commandsTo } from "../support/command.ts";

Deno.test("queues, pauses, limits and schedules are shown and changed", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const paused = await errand(["queue", "pause", "gpu", "--note", "driver update", "--for", "1h"]);
  assert.match(paused.out, /^paused since .* until .*: driver update$/m);
  await errand(["submit", "add", '{"a": 1, "b": 2}', "--queue", "gpu"]);
  assert.match((await errand(["queue"])).out, /^gpu +1 +0 .*driver update$/m);
  assert.equal((await errand(["queue", "show", "gpu", "-o", "json"])).json().counts.ready, 1);
  assert.equal((await errand(["queue", "resume", "gpu"])).out, "not paused\n");
  assert.equal((await errand(["pause", "--definition", "add", "-o", "json"])).json().paused.note, null);
  assert.equal((await errand(["resume", "--definition", "add"])).code, 0);
  assert.equal((await errand(["pause", "--note", "all"])).code, 0);
  assert.match((await errand(["queue", "ls"])).out, /^everything is paused since .*: all\n/);
  assert.equal((await errand(["resume"])).code, 0);

  assert.equal((await errand(["queue", "limit", "gpu", "2"])).out, "2 at once\n");
  assert.equal((await errand(["queue", "show", "gpu", "-o", "json"])).json().concurrency.override, 2);
  assert.equal((await errand(["queue", "limit", "gpu", "none"])).out, "not limited\n");
  const limited = await errand(["queue", "limit", "--definition", "add", "3", "-o", "json"]);
  assert.equal(limited.json().concurrency.current, 3);
  assert.equal((await errand(["queue", "limit", "gpu", "x"])).code, 2);

  const rule = await errand(["limit", "set", "user/*", "--rate", "100", "--period", "1m", "--burst", "10"]);
  assert.equal(rule.out, "user/*: 100 in 1 min, 10 at once\n");
  assert.match((await errand(["limit", "ls", "--rules"])).out, /^user\/\* +100 in 1 min, 10 at once/m);
  assert.equal((await errand(["limit", "show", "user/ann", "-o", "json"])).json().rateLimitRule, "user/*");
  assert.equal((await errand(["limit", "rm", "user/*"])).code, 0);
  assert.equal((await errand(["limit", "rm", "user/*"])).code, 7);
  assert.equal((await errand(["limit", "set", "x"])).code, 2);
  assert.equal((await errand(["limit"])).code, 0);

  const spec = ["--cron", "0 3 * * *", "--timezone", "Europe/Berlin", "--every", "2h"];
  const made = await errand([
    "schedule",
    "put",
    "nightly",
    "--task",
    "echo",
    "--input",
    '{"value": 1}',
    ...spec,
  ]);
  assert.match(made.out, /^times +0 3 \* \* \* Europe\/Berlin; every 2 h$/m);
  assert.match((await errand(["schedule"])).out, /^nightly +echo/m);
  const id = (await errand(["schedule", "trigger", "nightly"])).out.trim();
  assert.equal((await errand(["result", id, "--wait"])).out, "1\n");
  assert.match((await errand(["schedule", "pause", "nightly", "--note", "later"])).out, /^paused.*later$/m);
  assert.doesNotMatch((await errand(["schedule", "resume", "nightly"])).out, /^paused/m);
  const times = (await errand(["schedule", "preview", "0 3 * * *", "-n", "2", "-o", "json"])).json();
  assert.equal(times.length, 2);
  const range = ["--from", "2026-01-01", "--to", "2026-01-01T03:00:00Z"];
  assert.equal((await errand(["schedule", "backfill", "nightly", ...range, "-o", "json"])).json().length, 2);
  const whole = [
    "schedule",
    "put",
    "once",
    '{"task": "echo", "input": {"value": 2}, "spec": [{"at": "2099-01-01T00:00:00Z"}]}',
  ];
  assert.equal((await errand([...whole, "-o", "json"])).json().next[0], "2099-01-01T00:00:00.000Z");
  assert.equal((await errand(["schedule", "rm", "once"])).code, 0);
  assert.equal((await errand(["schedule", "show", "once"])).code, 7);
  assert.equal((await errand(["schedule", "put", "x", "--task", "echo"])).code, 2);
});

Deno.test("many tasks are changed at once, after a dry run if wanted", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const none = await errand(["bulk", "cancel", "--all", "--dry-run"]);
  assert.deepEqual([none.out, none.err], ["0 tasks; nothing was done\n", ""]);
  const later = ["--delay", "1h", "--tag", "later"];
  for (let n = 0; n < 3; n++) await errand(["submit", "echo", `{"value": ${n}}`, ...later]);
  const preview = await errand(["bulk", "cancel", "--tag", "later", "--all", "--dry-run"]);
  assert.match(preview.out, /^3 tasks; nothing was done\. The newest ones:\nID +TASK/);
  const raised = await errand(["bulk", "priority", "5", "--tag", "later", "--all", "--wait"]);
  assert.deepEqual([raised.code, raised.out], [0, "3 done, 0 skipped, 0 failed\n"], raised.err);
  const [task] = (await errand(["ls", "--tag", "later", "-o", "json"])).json();
  assert.deepEqual([task.priority, task.state.type], [5, "SCHEDULED"]);
  const id = (await errand(["bulk", "cancel", "--tag", "later", "--created-after", "1h", "-r", "no"])).out
    .trim();
  assert.deepEqual((await errand(["result", id, "--wait"])).json(), { done: 3, skipped: 0, failed: 0 });
  const one = (await errand(["bulk", "retry", task.id, "--wait", "-o", "json"])).json();
  assert.deepEqual(one, { done: 1, skipped: 0, failed: 0 });
  await server.ended(task.id);
  const deleted = await errand(["bulk", "delete", "--tag", "later", "--all", "--wait"]);
  assert.equal(deleted.out, "3 done, 0 skipped, 0 failed\n", deleted.err);
  const unbounded = await errand(["bulk", "cancel", "--tag", "later"]);
  assert.equal(unbounded.code, 2);
  assert.match(unbounded.err, /say --all with it/);
  for (const args of [["cancel"], ["priority", "11", "--all"], ["cancel", id, "--all"]]) {
    assert.equal((await errand(["bulk", ...args])).code, 2);
  }
});

Deno.test("keys are made, listed, rotated and revoked; one that lacks a scope is told so", async () => {
  const { key, secret } = aKey(["admin"], "root");
  const entry = `${key.name}:admin:${hexOf(key.hash)}`;
  await using server = await aServer({ API_KEYS: entry });
  const root = commandsTo(server.url, secret);
  const made = await root(["key", "make", "ci", "--scopes", "submit+read"]);
  assert.match(made.out, /^errand_\S+\n$/);
  const ci = commandsTo(server.url, made.out.trim());
  assert.equal((await ci(["submit", "add", '{"a": 1, "b": 2}', "--wait"])).out, "3\n");
  const denied = await ci(["queue", "pause", "gpu"]);
  assert.equal(denied.code, 9);
  assert.match(denied.err, /^errand: .*operate/);
  assert.match((await root(["key"])).out, /^ci +submit\+read/m);
  const rotated = await root(["key", "rotate", "ci"]);
  const former = await ci(["ls"]);
  assert.equal(former.code, 9);
  assert.match(former.err, /the key that was sent opens nothing at http.*\(ERRAND_URL\)/);
  const again = commandsTo(server.url, rotated.out.trim());
  assert.equal((await again(["ls"])).code, 0);
  assert.equal((await root(["key", "revoke", "ci"])).code, 0);
  assert.equal((await again(["ls"])).code, 9);
  assert.equal((await root(["key", "revoke", "cii"])).code, 7);
  assert.equal((await root(["key", "revoke", "root"])).code, 10);
  const nobody = await commandsTo(server.url)(["ls"]);
  assert.match(nobody.err, /no key was sent at .*: set ERRAND_KEY/);
});

Deno.test("groups are listed by how they stand, and one is shown with what failed", async () => {
  await using server = await aServer();
  const errand = commandsTo(server.url);
  const none = await errand(["group"]);
  assert.deepEqual([none.code, none.out, none.err], [0, "", "no groups\n"]);
  const client = new Client({ url: server.url });
  const { groupId: failed } = await client.run(
    group([sig("echo", { value: 1 }), sig("fail", { message: "no" })]),
  );
  await client.group(failed).outcome();
  const { groupId: running } = await client.run(
    group([sig("echo", { value: 1 }, { delayMs: 3_600_000 })]),
  );

  const all = await errand(["group", "ls"]);
  const [head, first, second] = all.out.split("\n");
  assert.match(head, /^ID +STATE +ENDED +FAILED +CREATED +DEFINITIONS$/);
  assert.match(first, new RegExp(`^${running} +RUNNING +0/1 +.*echo$`));
  assert.match(second, new RegExp(`^${failed} +FAILED +2/2 +1 +.*(echo,fail|fail,echo)$`));
  const json = (await errand(["group", "ls", "-s", "failed", "-o", "json"])).json();
  assert.deepEqual(json.map(({ id }: { id: string }) => id), [failed]);
  assert.equal((await errand(["group", "ls", "-n", "1", "-o", "json"])).json()[0].id, running);
  assert.equal((await errand(["group", "ls", "--created-before", "2020-01-01"])).err, "no groups\n");

  const shown = await errand(["group", "show", failed]);
  assert.match(shown.out, /^state +FAILED$/m);
  assert.match(shown.out, /^ended +2 of 2$/m);
  assert.match(shown.out, /^error +\S+ \S+: Error: no$/m);
  assert.match(shown.out, /^ {2}\S+ .*echo +Completed/m);
  assert.equal((await errand(["group", "show", failed, "-o", "json"])).json().counts.COMPLETED, 1);
  assert.equal((await errand(["group", "show", "01999999-9999-7999-8999-999999999999"])).code, 7);
  const wrong = await errand(["group", "ls", "-s", "CRASHED"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /must be one of RUNNING, CANCELLING, COMPLETED, FAILED, CANCELLED/);
});
