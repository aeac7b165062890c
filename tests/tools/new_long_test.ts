// The starter, as a user with a checkout gets it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { makeStarter } from "../support/starter.ts";
import { Server } from "../support/server_process.ts";
import { TYPE_CHECK_HANGS_MS } from "../support/waiting.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("the starter's test passes, and its service takes the first task and stops at a signal", async () => {
  await using folder = await Folder.with();
  const { code, stdout, stderr } = await makeStarter(folder.path, "apps/my-app");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^my-app has a first task/);
  assert.match(stdout, /^ {2}cd apps\/my-app$/m);
  assert.ok(stdout.includes(`comes from ${root}`), stdout);

  const app = folder.at("apps", "my-app");
  const tested = await run({ args: ["task", "test"], cwd: app, hangsMs: TYPE_CHECK_HANGS_MS });
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  assert.match(tested.stdout, /greet greets by name .* ok/);
  const checked = await run({ args: ["check"], cwd: app, hangsMs: TYPE_CHECK_HANGS_MS });
  assert.equal(checked.code, 0, checked.stderr);

  const { tasks } = JSON.parse(await Deno.readTextFile(`${app}/deno.json`));
  const [deno, ...args] = tasks.start.split(" ");
  assert.equal(deno, "deno");
  await using server = await Server.run({ args, cwd: app, env: { PORT: "0" } });
  const { id } = await server.submit("greet", { name: "Ada" });
  assert.equal((await server.ended(id)).result, "Hello, Ada!");
  assert.ok((await Deno.stat(`${app}/data/errand.kv`)).isFile);
  assert.equal((await server.end("SIGTERM")).code, 0);
});
