import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { bare, inTenant, tailLength, tenantOf } from "../../../runtime/core/tenant.ts";
import { keyBytes, keys, parse, prefixes, tasksOf } from "../../../runtime/platform/keys.ts";
import { taskKeyBytes } from "../../../runtime/store/record_size.ts";

const ID = "01999999-9999-7999-8999-999999999999";

Deno.test("the default tenant costs no byte: its ids and keys are what they were", () => {
  assert.equal(inTenant(ID, ""), ID);
  assert.deepEqual([bare(ID), tenantOf(ID), tailLength(ID)], [ID, "", 0]);
  assert.deepEqual(keys.task(ID), ["task", ID]);
  assert.deepEqual(keys.index("tag", "x", ID), ["index", "tag", "x", ID]);
  assert.deepEqual(keys.index("state", "FAILED", ID), ["index", "state", "FAILED", ID]);
  assert.deepEqual(keys.idem("k"), ["idem", "k"]);
  assert.deepEqual(prefixes.again(""), ["index", "again"]);
  assert.equal(taskKeyBytes(ID), 64);
});

Deno.test("an id of a tenant is another id, which its callers know without the tail", () => {
  const id = inTenant(ID, "acme");
  assert.equal(id, `${ID}~acme`);
  assert.deepEqual([bare(id), tenantOf(id)], [ID, "acme"]);
  assert.deepEqual(keys.task(id), ["task", "~acme", id]);
  assert.equal(parse.task(keys.task(id)), id);
  assert.deepEqual(keys.index("tag", "x", id), ["index", "tag~acme", "x", id]);
  assert.deepEqual(keys.idem("k", "acme"), ["idem", "acme", "k"]);
  // What belongs to an id has its tenant already.
  assert.deepEqual(keys.index("group", id, id), ["index", "group", id, id]);
});

Deno.test("nobody chooses a tenant by an id", () => {
  for (const forged of [`${ID}~acme`, `~${ID}~acme`, "~", `${ID}~`, "~~acme"]) {
    for (const tenant of ["", "globex"]) {
      const id = inTenant(forged, tenant);
      const [, table] = keys.task(id);
      assert.notDeepEqual(keys.task(id), keys.task(inTenant(ID, "acme")));
      assert.ok(!["~acme", "~globex"].includes(table as string), `${forged} is read in ${String(table)}`);
      assert.equal(bare(id), forged, "it is told as it was asked for");
    }
  }
});

Deno.test("the records of tenants stand apart from each other, in any order of names", () => {
  const inside = (
    id: string,
    { start, end, prefix }: { start?: Deno.KvKey; end?: Deno.KvKey; prefix?: Deno.KvKey },
  ) => {
    const text = (key: Deno.KvKey) => key.join("\u0000");
    const at = text(keys.task(id));
    const isIn = prefix === undefined || at.startsWith(`${text(prefix)}\u0000`);
    return isIn && (start === undefined || at >= text(start)) && (end === undefined || at < text(end));
  };
  const tenants = ["", "a", "acme", "acme-2", "z"];
  for (const mine of tenants) {
    for (const other of tenants) {
      for (const id of [ID, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]) {
        assert.equal(
          inside(inTenant(id, other), tasksOf(mine, "", null) as never),
          mine === other,
          `${other} in ${mine}`,
        );
      }
    }
  }
});

Deno.test("the size of a key is estimated from above, however long the name of the tenant", () => {
  for (const tenant of ["", "a", "a".repeat(24)]) {
    const id = inTenant(ID, tenant);
    assert.ok(taskKeyBytes(id) >= keyBytes(keys.task(id)), tenant);
    assert.ok(taskKeyBytes(id) >= keyBytes(keys.due("start", 1, id)), tenant);
  }
});
