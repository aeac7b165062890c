// What a call needs is worked out once for all calls that the same routes match, and is that of those routes.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Hono } from "hono";
import { type CallRules, rulesOf } from "../../../routes/access/call_rules.ts";

/** What the calls got, each by its path. */
async function rulesOfCalls(paths: string[]): Promise<CallRules[]> {
  const found: CallRules[] = [];
  const app = new Hono();
  app.use(async (c, next) => {
    found.push(rulesOf(c));
    await next();
  });
  // The first is not in the table; its path is also one of the second.
  app.get("/v1/tasks/batch", (_, next) => next());
  app.get("/v1/tasks/:id", (c) => c.text(""));
  app.get("/v1/tasks/:id/events", (c) => c.text(""));
  for (const path of paths) await (await app.request(path)).body?.cancel();
  return found;
}

Deno.test("a call needs what all of its routes need, also where the last of them matched others before", async () => {
  const paths = ["/v1/tasks/1", "/v1/tasks/batch", "/v1/tasks/2", "/v1/tasks/batch"];
  const needs = (await rulesOfCalls(paths)).map(({ needs }) => needs);
  assert.deepEqual(needs, [["read"], null, ["read"], null]);
});

Deno.test("the rules of a route are worked out once", async () => {
  const [first, ...others] = await rulesOfCalls(["/v1/tasks/1", "/v1/tasks/2", "/v1/tasks/3"]);
  for (const other of others) assert.equal(other, first);
  assert.deepEqual(first, { needs: ["read"], isStream: false, action: "GET /v1/tasks/:id", named: [3] });
});

Deno.test("where no route is there nothing is needed, and nothing is named", async () => {
  const [nothing, stream] = await rulesOfCalls(["/nowhere", "/v1/tasks/1/events"]);
  assert.deepEqual(nothing, { needs: [], isStream: false, action: null, named: [] });
  assert.deepEqual([stream.isStream, stream.named], [true, [3]]);
});
