// A handle of another program, below a prefix: it keeps the contract of KV, and touches its part of the
// database only.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Kv } from "../../../runtime/platform/kv.ts";
import { kvOnHandle, PrefixedKv } from "../../../runtime/platform/prefixed_kv.ts";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import { CONTRACT, EMBEDDED } from "../../simulation/kv_contract.ts";

/** The handle is closed by the test that opened it. Cases of the contract close theirs. */
class Closing extends PrefixedKv {
  constructor(private readonly handle: Deno.Kv) {
    super(handle, ["app", "errand"]);
  }

  override close(): void {
    this.handle.close();
  }
}

async function aKv(): Promise<{ kv: Kv; handle: Deno.Kv }> {
  const handle = await Deno.openKv(":memory:");
  return { kv: new Closing(handle), handle };
}

/** Some cases close it themselves. */
function close(kv: Kv): void {
  try {
    kv.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

// The prefix takes its part of a key's 2048 bytes; the longest keys of the engine have some 400.
for (const one of CONTRACT.filter(({ name }) => !name.startsWith("keys of 2048 bytes"))) {
  Deno.test(`KV: ${one.name} (below a prefix)`, async () => {
    const { kv } = await aKv();
    try {
      await one.run(kv, EMBEDDED);
    } finally {
      close(kv);
    }
  });
}

Deno.test("every key is below the prefix, and what is beside it is not seen", async () => {
  const { kv, handle } = await aKv();
  await handle.set(["task", 1], "mine");
  await handle.set(["app", "task", 1], "mine");
  await kv.set(["task", 1], "set");
  await kv.atomic().check({ key: ["task", 2], versionstamp: null }).set(["task", 2], "atomic").commit();
  const refused = await kv.atomic().check({ key: ["task", 2], versionstamp: null }).set(["task", 3], "no")
    .commit();
  assert.equal(refused.ok, false);
  assert.deepEqual((await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key, value }) => [key, value]), [
    [["task", 1], "set"],
    [["task", 2], "atomic"],
  ]);
  assert.deepEqual((await kv.get(["task", 1])).key, ["task", 1]);
  const stored = (await Array.fromAsync(handle.list({ prefix: [] }))).map(({ key }) => key);
  assert.deepEqual(stored, [["app", "errand", "task", 1], ["app", "errand", "task", 2], ["app", "task", 1], [
    "task",
    1,
  ]]);
  await kv.atomic().delete(["task", 1]).commit();
  await kv.delete(["task", 2]);
  assert.equal((await Array.fromAsync(handle.list({ prefix: [] }))).length, 2);
  await kv.close();
});

Deno.test("a port to a handle leaves room for the prefix in its commits, and the handle open", async () => {
  const handle = await Deno.openKv(":memory:");
  const port = await kvOnHandle(handle, ["errand"]);
  assert.equal(port.limits.checks, EMBEDDED_LIMITS.checks);
  assert.equal(port.limits.keyBytes, EMBEDDED_LIMITS.keyBytes - 8 * EMBEDDED_LIMITS.mutations);
  const atomic = port.atomic();
  for (let i = 0; i < port.limits.mutations; i++) {
    port.write(atomic, { key: ["task", "x".repeat(53), i], value: i }, 0);
  }
  assert.ok((await port.commit(atomic)).ok);
  await port.close();
  assert.equal((await handle.get(["nothing"])).value, null);
  handle.close();
});
