import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { GroupEndType } from "../../../runtime/core/group_policy.ts";
import { type GroupRecord, isClosed, isCutShort } from "../../../runtime/store/group_record.ts";

const GROUP: GroupRecord = { id: "g", total: 1, log: 0, ended: {}, createdAt: 0 };
const stopped = { cause: "cancel" as const, at: 1 };
const ended = (type: GroupEndType) => ({ outcome: { type, at: 2 } });

Deno.test("a group that was stopped is cut short, however it has ended, and so is one without success", () => {
  const cut = (rest: Partial<GroupRecord>) => isCutShort({ ...GROUP, ...rest });
  assert.deepEqual([cut({}), cut(ended("COMPLETED"))], [false, false]);
  assert.deepEqual([cut(ended("FAILED")), cut(ended("CANCELLED"))], [true, true]);
  assert.deepEqual([cut({ stopped }), cut({ stopped, ...ended("COMPLETED") })], [true, true]);
});

Deno.test("one that has ended well is closed, and not cut short", () => {
  const group = { ...GROUP, ...ended("COMPLETED") };
  assert.deepEqual([isClosed(group), isCutShort(group)], [true, false]);
});
