import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { EMBEDDED_LIMITS } from "../../../runtime/platform/kv.ts";
import type { Entry, TaskRecord } from "../../../runtime/core/task.ts";
import { aBench } from "../../support/builders.ts";

Deno.test("an end does not wait for hundreds of changes from outside that came before it", async () => {
  await using bench = await aBench({ limits: { ...EMBEDDED_LIMITS, checks: 10 } });
  const [ended, ...others] = await bench.submit(...Array.from({ length: 301 }, () => ({})));
  const next = ({ record }: Entry): TaskRecord => ({ ...record, rev: record.rev + 1, tags: ["changed"] });
  let changed = 0;
  const changes = others.map(async (entry) => {
    assert.ok(await bench.store.commit("change", [{ before: entry, next: next(entry) }]));
    changed++;
  });
  assert.ok(await bench.store.commit("settle", [{ before: ended, next: next(ended) }]));
  assert.ok(changed < 20, `${changed} changes were written first`);
  await Promise.all(changes);
});
