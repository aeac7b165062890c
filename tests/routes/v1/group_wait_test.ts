// POST /v1/wait for a group: its counters say when, however many tasks it has.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { PermanentError } from "../../../runtime/core/errors.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import type { KvPort } from "../../../runtime/platform/kv.ts";
import type { GroupRecord } from "../../../runtime/store/group_counters.ts";
import { Gates } from "../../support/gates.ts";
import { aService, type Body, type Service } from "../../support/service.ts";

const GONE = 10_000;
const HELD = 20;

/** So many tasks of the group have completed, and are past their retention; all others have larger ids. */
async function addGone(kv: KvPort, group: string, count: number): Promise<void> {
  const key = keys.group(group);
  for (let from = 0; from < count; from += 500) {
    const atomic = kv.atomic();
    for (let i = from; i < from + 500; i++) {
      const id = `00000000-0000-7000-8000-${String(i).padStart(12, "0")}`;
      atomic.set(keys.index("group", group, id), null);
    }
    await atomic.commit();
  }
  const { value } = await kv.get<GroupRecord>(key);
  const { total, ended } = value!;
  await kv.writer.set(key, { ...value, total: total + count, ended: { ...ended, COMPLETED: count } });
}

async function wait(service: Service, groupId: string, returnWhen: string, timeoutSeconds = 60) {
  const { body } = await service.post("/v1/wait", { groupId, returnWhen, timeoutSeconds });
  const { done, notDone } = body as { done: Body[]; notDone: Body[] };
  return { done: done.map(({ id }) => id), notDone: notDone.map(({ id }) => id) };
}

Deno.test("a wait for a group looks at every task of it, however many they are", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, HELD);
  const { body: { id: group } } = await service.post("/v1/groups", { ids });
  await addGone(service.kv, group, GONE);
  for (const returnWhen of ["ALL_COMPLETED", "FIRST_EXCEPTION"]) {
    assert.deepEqual(await wait(service, group, returnWhen, 0.01), { done: [], notDone: ids }, returnWhen);
  }
  const last = ids[HELD - 1];
  const [first, all] = [wait(service, group, "FIRST_EXCEPTION"), wait(service, group, "ALL_COMPLETED")];
  gates.fail(last, new PermanentError("no luck"));
  assert.deepEqual(await first, { done: [last], notDone: ids.slice(0, -1) });
  for (const id of ids) gates.open(id);
  assert.deepEqual(await all, { done: ids, notDone: [] });
});

Deno.test("a wait for the first task of a group ends with it, and for a group without tasks at once", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const [slow, quick] = await gates.submit(service, 2);
  const { body: { id: group } } = await service.post("/v1/groups", { ids: [slow, quick] });
  const first = wait(service, group, "FIRST_COMPLETED");
  gates.open(quick);
  assert.deepEqual(await first, { done: [quick], notDone: [slow] });
  gates.open(slow);
  const { body: empty } = await service.post("/v1/map", { task: "gate", inputs: [] });
  assert.deepEqual(await wait(service, empty.groupId, "ALL_COMPLETED"), { done: [], notDone: [] });
});
