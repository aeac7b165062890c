// What outbox entries ask for that lower wings cannot do.

import { cancelIfThere } from "../commands/cancel.ts";
import { cancelGroupIfThere } from "../commands/group_commands.ts";
import { GroupFollower } from "../commands/groups/follow_group.ts";
import type { Submitter } from "../commands/submit.ts";
import { onceLoaded } from "../core/once.ts";
import type { CancelTask } from "../dependencies/cancel_rest.ts";
import type { OutboxHooks } from "../dependencies/outbox_processor.ts";
import type { Groups } from "../queries/groups.ts";
import type { Notifier } from "../queries/notifier.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

/** How long the function of a task may take to stop that another one goes on without. */
const GRACE_MS = 10_000;

/** Steps that few services need, each loaded by the first group or task that needs it. */
export const late = {
  compensations: onceLoaded(() => import("../commands/groups/compensations.ts")),
  replacements: onceLoaded(() => import("../commands/replacements.ts")),
};

interface Parts {
  store: Store;
  values: Values;
  submitter: Submitter;
  groups: Groups;
  notifier: Notifier;
  maxResultBytes: number;
}

export function stepsOfTasks(
  { store, values, submitter, groups, notifier, maxResultBytes }: Parts,
): Pick<OutboxHooks, "cancel" | "cancelGroup" | "replacements" | "followGroup"> {
  const cancel: CancelTask = (id, reason, graceMs = GRACE_MS) =>
    cancelIfThere(store, id, { reason, graceMs, children: true });
  const cancelOneGroup: CancelTask = (id, reason) =>
    cancelGroupIfThere(store, groups, id, { reason, graceMs: GRACE_MS, children: true });
  const follower = new GroupFollower(
    store,
    groups,
    notifier,
    onceLoaded(async () => {
      const { Compensations } = await late.compensations();
      return new Compensations(store, values, submitter, notifier);
    }),
  );
  return {
    cancel,
    cancelGroup: cancelOneGroup,
    followGroup: (...args) => follower.follow(...args),
    replacements: onceLoaded(async () => {
      const { Replacements } = await late.replacements();
      return new Replacements(store, values, { submitter, cancel, maxResultBytes });
    }),
  };
}
