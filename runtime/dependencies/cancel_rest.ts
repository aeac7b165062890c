// A task has started when some of several tasks or groups had ended: the others are cancelled, if it was
// submitted so.

import { type Dependencies, isForgotten } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { keys } from "../platform/keys.ts";
import { restSubject } from "../platform/outbox_subject.ts";
import type { Store } from "../store/store.ts";

/** Cancels a task that has not ended. Asking again, or too late, changes nothing. */
export type CancelTask = (id: string, reason: string, graceMs?: number) => Promise<unknown>;

/**
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if something has changed meanwhile.
 */
export async function cancelRest(
  store: Store,
  task: string,
  outboxVersion: string,
  { cancel, cancelGroup }: { cancel: CancelTask; cancelGroup: CancelTask },
): Promise<boolean> {
  const [entry] = await store.readMany([task]);
  const { conditions, groups = [] }: Partial<Dependencies> = entry && !isForgotten(entry.record)
    ? entry.record.deps ?? {}
    : {};
  const { any = [] } = conditions ?? {};
  const rest = any.flatMap(({ of, met = [], cancelRest }) =>
    cancelRest ? of.filter((id) => !met.includes(id)) : []
  );
  await Promise.all(rest.map((id) => {
    const how = groups.includes(id) ? cancelGroup : cancel;
    return how(id, `task ${bare(task)} has started without it`);
  }));
  const key = keys.outbox(restSubject(task));
  const checks = [{ key, versionstamp: outboxVersion }];
  return await store.commit("outbox", [], { checks, writes: [{ key }] }) !== null;
}
