// Schemas are made when they are first needed: a service that rests holds none.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { createOperations, createRoute } from "../../../routes/http/operation.ts";
import { run } from "../../support/program.ts";

const root = new URL("../../../", import.meta.url);

Deno.test("what a call takes is made once, by the first call, and what it answers by the document", async () => {
  const made: string[] = [];
  const route = createRoute({
    method: "get",
    path: "/things/{id}",
    request: () => {
      made.push("request");
      return { params: z.object({ id: z.string().max(3) }) };
    },
    responses: () => {
      made.push("responses");
      return { 200: { description: "A thing" } };
    },
  });
  const app = createOperations();
  app.openapi(route, (c) => c.text(c.req.valid("param").id));
  assert.deepEqual(made, []);
  assert.equal(await (await app.request("/things/abc")).text(), "abc");
  assert.equal((await app.request("/things/abcd")).status, 422);
  assert.deepEqual(made, ["request"]);
  assert.deepEqual(app.operations[0].responses, { 200: { description: "A thing" } });
  assert.equal(app.operations[0].responses, app.operations[0].responses);
  assert.deepEqual(made, ["request", "responses"]);
});

/** In a process of its own: zod keeps the named schemas of a process in one place. */
const PROGRAM = `
import { createErrand } from "${new URL("mod.ts", root)}";
import { demo } from "${new URL("tasks/mod.ts", root)}";
import { z } from "${import.meta.resolve("zod")}";
const named = () => [...z.globalRegistry._idmap.keys()];
const errand = await createErrand({ kv: ":memory:", definitions: demo });
await errand.start();
const atRest = named();
const add = errand.client.submit("add", { a: 1, b: 2 });
await (await add).result();
await errand.stop();
console.log(JSON.stringify({ atRest, later: named() }));
`;

Deno.test("a service at rest has made no schema of what calls take and answer", async () => {
  const { code, stdout, stderr } = await run({
    args: ["eval", "--unstable-kv", "--config", new URL("deno.json", root).pathname, PROGRAM],
  });
  assert.equal(code, 0, stderr);
  const { atRest, later } = JSON.parse(stdout);
  assert.deepEqual(atRest, []);
  assert.ok(later.includes("SubmitOptions"), "it is made by the first submit");
});
