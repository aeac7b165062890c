// The client's calls about limits by key, and its options for them, with a service of their own.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConflictError, NotFoundError, ValidationError } from "../../client/mod.ts";
import { aClient, aServer } from "../support/client_service.ts";

Deno.test("errand.limits sets, tells and removes rules, which hold the tasks of a submit", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const { limits } = errand;
  const rule = await limits.set("user/*", { concurrency: 0, note: "closed" });
  assert.deepEqual([rule.pattern, rule.concurrency, rule.note], ["user/*", 0, "closed"]);
  const options = { concurrency: { key: "user/ann", limit: 3 } };
  const future = await errand.submit("add", { a: 1, b: 2 }, options);
  const { running, waiting, concurrencyRule, rule: own } = await limits.get("user/ann");
  assert.deepEqual([running, waiting, concurrencyRule, own], [0, 1, "user/*", null]);
  const keys = [];
  for await (const { key } of limits.list()) keys.push(key);
  assert.deepEqual(keys, ["user/ann"]);
  assert.deepEqual((await limits.rules()).map(({ pattern }) => pattern), ["user/*"]);
  await limits.remove("user/*");
  assert.equal(await future.result(), 3);
  await assert.rejects(limits.remove("user/*"), NotFoundError);
  await assert.rejects(limits.set("k", {}), ValidationError);
});

Deno.test("a full limit that must not be waited for is a ConflictError", async () => {
  await using server = await aServer();
  const errand = aClient(server.url);
  const concurrency = { key: "k", limit: 0, onFull: "reject" } as const;
  await assert.rejects(errand.submit("add", { a: 1, b: 2 }, { concurrency }), (error) => {
    assert.ok(error instanceof ConflictError);
    assert.equal(error.slug, "limit-full");
    return true;
  });
});
