// What follows when a group with a policy has stopped or ended: its tasks that have not ended are cancelled,
// and those that have completed are taken back. It follows from the group's record alone, so it may be done
// twice, or by two processes at once.

import { keys } from "../../platform/keys.ts";
import { groupSubject } from "../../platform/outbox_subject.ts";
import type { Write } from "../../platform/kv.ts";
import type { Groups } from "../../queries/groups.ts";
import type { Notifier } from "../../queries/notifier.ts";
import { groupRecord } from "../../store/group_counters.ts";
import { type GroupRecord, isCompensating, isCutShort } from "../../store/group_record.ts";
import type { Store } from "../../store/store.ts";
import { cancelMany } from "../cancel_many.ts";
import type { Compensations } from "./compensations.ts";

/** How long the function of a running one may take to stop. */
const GRACE_MS = 10_000;

export class GroupFollower {
  constructor(
    private readonly store: Store,
    private readonly groups: Groups,
    private readonly notifier: Notifier,
    /** Loaded by the first group that needs them. */
    private readonly compensations: () => Promise<Compensations>,
  ) {}

  /**
   * @param outboxVersion the version of the outbox entry that asked for it
   * @param isStopping asked in between
   * @returns false if it must be done again.
   */
  async follow(group: string, outboxVersion: string, isStopping: () => boolean): Promise<boolean> {
    const { store } = this;
    const outbox = { key: keys.outbox(groupSubject(group)), versionstamp: outboxVersion };
    let value = await groupRecord(store.kv, group);
    // Once some are taken back, all of its tasks have ended for good.
    if (value && isCutShort(value) && value.compensation?.next === undefined) {
      const ids = unless(isStopping, this.groups.members.newestFirst(group));
      await cancelMany(store, ids, { reason: reasonOf(value), graceMs: GRACE_MS, isForGood: true });
      if (isStopping()) return false;
      value = await groupRecord(store.kv, group);
    }
    if (value && isCompensating(value)) {
      if (!await (await this.compensations()).follow(group, isStopping)) return false;
      value = await groupRecord(store.kv, group);
    }
    const writes: Write[] = [{ key: outbox.key }];
    const until = value?.policy?.until;
    if (value?.outcome && until !== undefined) writes.push({ key: keys.due("deadline", until, group) });
    const isDone = await store.commit("outbox", [], { checks: [outbox], writes }) !== null;
    this.notifier.groupChanged(group);
    return isDone;
  }
}

async function* unless<Page>(isStopping: () => boolean, pages: AsyncIterable<Page>): AsyncGenerator<Page> {
  for await (const page of pages) {
    if (isStopping()) return;
    yield page;
  }
}

function reasonOf({ stopped }: GroupRecord): string {
  switch (stopped?.cause) {
    case "cancel":
      return stopped.reason ?? "its group was cancelled";
    case "timeout":
      return "its group did not end in time";
    default:
      return "another task of its group failed";
  }
}
