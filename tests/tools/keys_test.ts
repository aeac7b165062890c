// The command that makes API keys in a database.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { aDatabase } from "../support/server_process.ts";
import { aService, assertProblem } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";
import { run } from "../support/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("keys are made, rotated and revoked in a database whose service runs", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  await using service = await aService({ path: database.path, running: false });
  const keys = async (...args: string[]) => {
    const all = ["task", "keys", "--", ...args, "--database", database.path];
    const { code, stdout, stderr } = await run({ args: all, cwd: root });
    return { code, out: stdout.trim(), said: stderr };
  };
  const status = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await service.get("/v1/tasks", { headers })).status;
  };
  const made = await keys("make", "--name", "ci", "--scopes", "submit+read", "--days", "7");
  assert.equal(made.code, 0, made.said);
  assert.match(made.out, /^errand_[\w-]{43}$/);
  const listed = await keys("list");
  assert.match(listed.out, /^[0-9a-f-]{36}\tci\tsubmit\+read\t\t\tends 2\d{3}-.*\tnot used yet$/);
  await eventually(async () => await status(made.out) === 200, "it opens nothing");
  assertProblem(await service.get("/v1/tasks"), 401, "unauthorized");
  const twin = await keys("make", "--name", "ci", "--scopes", "read");
  assert.deepEqual([twin.code, twin.out], [1, ""]);
  const rotated = await keys("rotate", "--name", "ci");
  assert.equal(rotated.code, 0, rotated.said);
  const revoked = await keys("revoke", "--name", "ci");
  assert.equal(revoked.code, 0, revoked.said);
  for (const { out } of [made, rotated]) {
    await eventually(async () => await status(out) === 401, "it is open");
  }
  const audit = await service.audit.list("", 9);
  const changes = audit.filter(({ action }) => action.startsWith("deno task keys"));
  assert.deepEqual(changes.map(({ action, by, which }) => [action, by, which[0].slice(37)]).reverse(), [
    ["deno task keys make", null, "(ci)"],
    ["deno task keys rotate", null, "(ci)"],
    ["deno task keys revoke", null, "(ci)"],
  ]);
  const wrong: [string[], RegExp][] = [
    [["revoke", "--name", "ci"], /no API key is ci/],
    [["mkae"], /the action must be one of list, make/],
    [["make", "--name", "c/i", "--scopes", "read"], /--name must have/],
    [["make", "--name", "ci", "--scopes", "raed"], /--scopes must be/],
    [["rotate"], /--name or --id must say/],
  ];
  for (const [args, message] of wrong) {
    const { code, said } = await keys(...args);
    assert.ok(code > 0, said);
    assert.match(said, message);
  }
});
