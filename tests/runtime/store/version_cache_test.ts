import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { KvPort } from "../../../runtime/platform/kv.ts";
import { VersionCache } from "../../../runtime/store/version_cache.ts";

Deno.test("load() gives what is known and what is there, also if all is forgotten meanwhile", async () => {
  const kv = new KvPort(await Deno.openKv(":memory:"));
  try {
    await kv.writeBlind([{ key: ["n", "stored"], value: 1 }, { key: ["n", "known"], value: 2 }], 0);
    const remembered = new VersionCache<number>(kv, (id) => ["n", id], 10);
    remembered.remember("known", { value: 3, versionstamp: "v" });
    const loading = remembered.load(["stored", "known", "nowhere"]);
    remembered.distrust();
    const loaded = await loading;
    assert.deepEqual([...loaded.keys()].sort(), ["known", "stored"]);
    assert.deepEqual([loaded.get("known")!.value, loaded.get("stored")!.value], [3, 1]);
    assert.equal((await remembered.load(["known"])).get("known")!.value, 2);
  } finally {
    await kv.close();
  }
});

Deno.test("of more than it may keep, the oldest are forgotten", () => {
  const remembered = new VersionCache<number>({} as KvPort, (id) => [id], 2);
  for (const id of ["a", "b", "a", "c"]) remembered.remember(id, { value: 1, versionstamp: id });
  assert.deepEqual(["a", "b", "c"].map((id) => remembered.get(id)?.value), [1, undefined, 1]);
});

Deno.test("what is not there is read again, but where so much of it may be kept", async () => {
  const kv = new KvPort(await Deno.openKv(":memory:"));
  try {
    let reads = 0;
    const getMany = kv.getMany.bind(kv);
    kv.getMany = (...asked) => (reads++, getMany(...asked));
    const readsOf = async (cache: VersionCache<number>) => {
      const before = reads;
      const { size } = await cache.load(["a", "b"]);
      return [size, reads - before];
    };
    const forgetful = new VersionCache<number>(kv, (id) => ["n", id], 10);
    for (let i = 0; i < 2; i++) assert.deepEqual(await readsOf(forgetful), [0, 1]);
    const keeping = new VersionCache<number>(kv, (id) => ["n", id], 10, 10);
    assert.deepEqual([await readsOf(keeping), await readsOf(keeping)], [[0, 1], [0, 0]]);
    keeping.remember("a", { value: 1, versionstamp: "v" });
    assert.deepEqual(await readsOf(keeping), [1, 0]);
    keeping.forget("a");
    assert.deepEqual(await readsOf(keeping), [0, 1]);
    await kv.writeBlind([{ key: ["n", "b"], value: 2 }], 0);
    assert.deepEqual(await readsOf(keeping), [0, 0]);
    keeping.distrust();
    assert.deepEqual(await readsOf(keeping), [1, 1]);
  } finally {
    await kv.close();
  }
});
