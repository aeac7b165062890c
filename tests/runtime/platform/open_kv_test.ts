import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Kv, KvPort } from "../../../runtime/platform/kv.ts";
import { hasQueues } from "../../../runtime/platform/open_kv.ts";

Deno.test("hasQueues() tells a backend with queues, and leaves nothing behind", async () => {
  const kv = await Deno.openKv(":memory:");
  assert.equal(await hasQueues(new KvPort(kv)), true);
  assert.deepEqual(await Array.fromAsync(kv.list({ prefix: [] })), []);
  const without = {
    atomic: () => ({ check: () => ({ enqueue: () => ({ commit: () => Promise.reject(new Error()) }) }) }),
  };
  assert.equal(await hasQueues(new KvPort(without as unknown as Kv)), false);
  await kv.close();
});
