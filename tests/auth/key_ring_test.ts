// The keys that a process knows: what a call with one of them costs, and what stays of it.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { drawSecret, hashOf } from "../../auth/api_keys.ts";
import { KeyRing } from "../../auth/key_ring.ts";
import { KvPort } from "../../runtime/platform/kv.ts";
import { ManualClock } from "../support/manual_clock.ts";

interface Crypto {
  createHash: (algorithm: string) => unknown;
}

/** Counts how often anything is hashed meanwhile. */
function countHashes(): { count: number } & Disposable {
  const crypto = process.getBuiltinModule("node:crypto") as unknown as Crypto;
  const { createHash } = crypto;
  const counter = { count: 0, [Symbol.dispose]: () => void (crypto.createHash = createHash) };
  crypto.createHash = (algorithm) => {
    counter.count++;
    return createHash(algorithm);
  };
  return counter;
}

async function aRing(secret: string) {
  const kv = new KvPort(await Deno.openKv(":memory:"));
  const clock = new ManualClock();
  const ring = new KeyRing(kv, clock, [{ name: "own", scopes: new Set(["admin"]), hash: hashOf(secret) }]);
  await ring.look();
  return { ring, clock, [Symbol.asyncDispose]: () => kv.close() };
}

Deno.test("the secret of a key is hashed by its first call and no other, a wrong one by each", async () => {
  const secret = drawSecret();
  await using fixture = await aRing(secret);
  const { ring } = fixture;
  using hashes = countHashes();
  const held = ring.find(secret);
  assert.equal(held?.caller.name, "own");
  for (let i = 0; i < 10; i++) assert.equal(ring.find(secret), held);
  assert.equal(hashes.count, 1);
  const wrong = drawSecret();
  for (let i = 0; i < 10; i++) assert.equal(ring.find(wrong), null);
  assert.equal(hashes.count, 11);
});

Deno.test("a secret that was right a moment ago opens nothing once its key is revoked, rotated or expired", async () => {
  await using fixture = await aRing(drawSecret());
  const { ring, clock } = fixture;
  const { store } = ring;
  const make = (name: string, expiresAt: number | null = null) =>
    store.make({ name, scopes: ["read"], createdBy: null, expiresAt });
  const [revoked, rotated] = [await make("a"), await make("b")];
  const expiring = await make("c", clock.now() + 5_000);
  await ring.look();
  const all = [revoked, rotated, expiring];
  for (const { secret } of all) assert.notEqual(ring.find(secret), null);
  await store.revoke(revoked.record.id, null);
  await store.rotate(rotated.record.id, null, 1_000);
  await ring.look();
  assert.deepEqual(all.map(({ secret }) => ring.find(secret)?.caller.name), [undefined, "b", "c"]);
  clock.advance(1_000);
  assert.deepEqual(all.map(({ secret }) => ring.find(secret)?.caller.name), [undefined, undefined, "c"]);
  clock.advance(4_000);
  assert.deepEqual(all.map(({ secret }) => ring.find(secret)?.caller.name), [
    undefined,
    undefined,
    undefined,
  ]);
});
