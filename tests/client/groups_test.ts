import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Client, NotFoundError } from "../../client/mod.ts";
import { aServer } from "../support/client_service.ts";
import { UNKNOWN_ID } from "../support/service.ts";

Deno.test("groups are listed page by page, and one is looked at", async () => {
  await using server = await aServer();
  const errand = new Client({ url: server.url });
  const made: string[] = [];
  for (let n = 0; n < 3; n++) {
    const futures = await errand.map("fail", { message: ["a", "b"] });
    const group = errand.group(futures.groupId!);
    assert.equal((await group.outcome()).state, "FAILED");
    made.unshift(group.groupId);
  }
  const listed = await Array.fromAsync(errand.groups.list({}, { pageSize: 1 }));
  assert.deepEqual(listed.map(({ id }) => id), made);
  assert.deepEqual(listed[0].definitions, ["fail"]);
  assert.deepEqual(listed[0].ended, { FAILED: 2 });
  const since = { state: ["FAILED", "CANCELLED"] as const, createdAfter: new Date(0) };
  assert.equal((await Array.fromAsync(errand.groups.list(since))).length, 3);
  assert.deepEqual(await Array.fromAsync(errand.groups.list({ ...since, createdBefore: new Date(1) })), []);
  const { state, counts, errors, nodes } = await errand.groups.get(made[0]);
  assert.deepEqual([state, counts, nodes?.length], ["FAILED", { FAILED: 2 }, 2]);
  assert.deepEqual(errors.map(({ error: { message } }) => message).sort(), ["a", "b"]);
  await assert.rejects(errand.groups.get(UNKNOWN_ID), NotFoundError);
  assert.throws(() => errand.group("x"), TypeError);
});
