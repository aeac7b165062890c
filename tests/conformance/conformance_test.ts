import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { aClient, aServer } from "../support/client_service.ts";
import type { Server } from "../support/server_process.ts";
import { readPassing } from "./passing.ts";
import { nameOf } from "./row.ts";
import { systems } from "./systems.ts";

const rows = systems.flatMap((system) => system.rows.map((row) => ({ name: nameOf(system, row), row })));

Deno.test("every row of the table has a name of its own, and those not yet kept a reason", () => {
  const names = rows.map(({ name }) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  for (const { name, row } of rows) assert.ok("test" in row || row.notYet.length > 10, name);
});

Deno.test("the list of rows that passed names every row with a test, and no other", async () => {
  const tested = rows.filter(({ row }) => "test" in row).map(({ name }) => name);
  assert.deepEqual(await readPassing(), tested, "deno task conformance --update writes it anew");
});

let server: Server;
Deno.test.beforeAll(async () => {
  server = await aServer({ CONCURRENCY: "20", LEASE_MS: "2000" }, { stderr: "null" });
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

for (const { name, row } of rows) {
  if ("test" in row && !row.inBrowser) Deno.test(name, () => row.test(aClient(server.url)));
}
