import "../../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { oneForEach } from "../../../../runtime/commands/unique/one_change.ts";
import type { TaskRecord } from "../../../../runtime/core/task.ts";
import type { Change } from "../../../../runtime/store/commit_unit.ts";
import { aDraft } from "../../../support/builders.ts";

const source = { record: aDraft({ id: "source" }), versionstamp: "1" };
const changed = (patch: Partial<TaskRecord>): Change => ({
  before: source,
  next: { ...source.record, ...patch },
});
const made = (id: string, beside?: Change): Change => ({ before: null, next: aDraft({ id }), beside });

Deno.test("a task that lends its result and loses its key to tasks of one call is changed once, with both", () => {
  const lends = changed({ lent: { blob: "b", until: 9 } });
  const loses = changed({ unique: { key: "k", while: "forMs", until: 5, lost: true } });
  const changes = [made("a", lends), made("b", loses), made("c", lends)];
  oneForEach(changes);
  assert.deepEqual(changes.map(({ beside }) => beside === lends), [true, false, true]);
  assert.equal(changes[1].beside, undefined);
  const { lent, unique } = lends.next as TaskRecord;
  assert.deepEqual([lent?.until, unique?.lost], [9, true]);
});

Deno.test("so is one that joins the group of the call; what is lent is kept for the longest", () => {
  const joins = changed({ groups: ["g"], lent: { blob: "b", until: 3 } });
  const changes = [made("a", changed({ lent: { blob: "b", until: 9 } })), joins];
  oneForEach(changes);
  assert.equal(changes[0].beside, undefined);
  const { groups, lent } = joins.next as TaskRecord;
  assert.deepEqual([groups, lent?.until], [["g"], 9]);
});
