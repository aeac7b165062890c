// Stops a group with a policy: from then on nothing is added to it, and what has not ended is cancelled.

import type { StopCause } from "../core/group_policy.ts";
import { keys } from "../platform/keys.ts";
import { groupSubject } from "../platform/outbox_subject.ts";
import { outboxWrite } from "./dependency_counters.ts";
import { groupWrites } from "./group_counters.ts";
import { decide, type GroupRecord, isClosed } from "./group_record.ts";
import type { Store } from "./store.ts";

/** @param until of a timer: a group with another deadline goes on */
export async function stopGroup(
  store: Store,
  group: string,
  { cause, reason, until }: { cause: StopCause; reason?: string | null; until?: number },
): Promise<void> {
  const { kv, clock } = store;
  const outbox = outboxWrite(groupSubject(group));
  for (;;) {
    const { value, versionstamp } = await kv.get<GroupRecord>(keys.group(group));
    if (!value?.policy || isClosed(value)) return;
    if (until !== undefined && value.policy.until !== until) return;
    const now = clock.now();
    const next: GroupRecord = { ...value, stopped: { cause, at: now }, changedAt: now };
    if (reason) next.stopped!.reason = reason;
    decide(next, now);
    const atomic = kv.atomic().check({ key: keys.group(group), versionstamp });
    for (const write of [...groupWrites(next, now), outbox]) kv.write(atomic, write, now);
    if ((await kv.commit(atomic)).ok) break;
  }
  // Once more, so that the outbox processor of this process hears of it.
  await store.commit("outbox", [], { writes: [outbox] });
}
