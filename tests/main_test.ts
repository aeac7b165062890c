// The service of this repository: what it serves with and without DEMO_TASKS.

import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { Server, startAndFail } from "./support/server_process.ts";
import { demo } from "../tasks/mod.ts";

const env = { KV_PATH: ":memory:" };
const json = { "content-type": "application/json" };

async function namesOf(server: Server): Promise<string[]> {
  const { body } = await server.fetch("/v1/definitions");
  return body.definitions.map(({ name }: { name: string }) => name);
}

Deno.test("by itself it has no tasks, and says how to get a first one", async () => {
  await using server = await Server.start({ ...env, DEMO_TASKS: "false" });
  assert.deepEqual(await namesOf(server), []);
  const { status, body } = await server.fetch("/v1/tasks", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ task: "add", input: { a: 1, b: 2 } }),
  });
  assert.deepEqual([status, body.type], [422, "/problems/unknown-definition"]);
  assert.match(body.detail, /^no definition is named "add"; there are none here.*DEMO_TASKS=true/);
  assert.deepEqual(body.nearest, []);
  assert.equal((await server.end("SIGTERM")).code, 0);
  const lines = server.output.stderr.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 1, server.output.stderr);
  assert.match(lines[0].message, /no task is defined: `deno task new -- my-app` makes/);
});

Deno.test("with DEMO_TASKS=true it has the examples, and says nothing", async () => {
  await using server = await Server.start({ ...env, DEMO_TASKS: "true" });
  assert.deepEqual(await namesOf(server), Object.keys(demo).sort());
  assert.equal((await server.end("SIGTERM")).code, 0);
  assert.equal(server.output.stderr, "");
});

Deno.test("DEMO_TASKS must be true or false", async () => {
  const { code, stderr } = await startAndFail({ ...env, DEMO_TASKS: "yes" });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /DEMO_TASKS must be true or false; it is "yes"/);
});
