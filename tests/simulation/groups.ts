// What the checker knows of groups with a policy: when each stops, that nothing of it starts after that, and
// that its outcome never changes. And which policies callers ask for.

import type { GroupOptions } from "../../runtime/core/group_policy.ts";
import { stateOf } from "../../runtime/core/task.ts";
import { parse } from "../../runtime/platform/keys.ts";
import { outboxSubject } from "../../runtime/platform/outbox_subject.ts";
import type { GroupRecord } from "../../runtime/store/group_record.ts";
import type { Random } from "../support/random.ts";
import type { Change, Row } from "./fake_kv.ts";
import { recordIn } from "./stored_row.ts";

export function drawPolicy(random: Random): GroupOptions {
  return {
    onFailure: random.pick(["continue", "cancel-rest", "cancel-rest", "cancel-all-and-fail"] as const),
    maxFailures: random.chance(0.4) ? 1 + random.below(2) : undefined,
    timeoutMs: random.chance(0.3) ? 1 + random.below(4_000) : undefined,
  };
}

export class GroupPolicies {
  readonly #groups = new Map<string, GroupRecord>();
  /** Stopped ones of which nothing may start: what the outbox had to do for them is done. */
  readonly #closed = new Set<string>();
  /** Its tasks that ended as Skipped: they are not cancelled ones. */
  readonly #skipped = new Map<string, Set<string>>();

  constructor(private readonly violated: (invariant: string, what: string) => void) {}

  applied(changes: Change[]): void {
    for (const { key, after } of changes) {
      if (key[0] === "group" && key.length === 2 && after) this.#group(after.value as GroupRecord);
    }
    for (const { key, after } of changes) if (key[0] === "outbox") this.#outbox(parse.outbox(key), after);
    for (const { key, before, after } of changes) if (key[0] === "task") this.#task(before, after);
  }

  /** All of them have ended as their tasks have. */
  atTheEnd(): void {
    for (const group of this.#groups.values()) {
      const { id, policy, outcome, stopped } = group;
      if (!policy) continue;
      if (!outcome) {
        this.violated("11", `group ${id} has not ended`);
        continue;
      }
      const cancelled = (group.ended.CANCELLED ?? 0) - (this.#skipped.get(id)?.size ?? 0);
      const wanted = hasFailed(group) || stopped?.cause === "timeout"
        ? "FAILED"
        : cancelled > 0
        ? "CANCELLED"
        : "COMPLETED";
      // One that ended at once may have been cancelled before a task failed that was asked to stop.
      const isAtOnce = policy.onFailure === "cancel-all-and-fail";
      if (outcome.type !== wanted && !isAtOnce) this.violated("group", `group ${id} ended ${outcome.type}`);
    }
  }

  #group(next: GroupRecord): void {
    const { id, policy, stopped, outcome, ended, total, compensation } = next;
    const before = this.#groups.get(id);
    this.#groups.set(id, next);
    if (before?.outcome && JSON.stringify(before.outcome) !== JSON.stringify(outcome)) {
      this.violated("3", `the outcome of group ${id} was rewritten`);
    }
    if (before?.stopped && !stopped) this.violated("3", `group ${id} goes on`);
    if (!policy) return;
    const done = Object.values(ended).reduce((sum, count) => sum + count, 0);
    // What has completed is taken back first.
    const isTakenBack = compensation?.began !== undefined && compensation.ended === undefined;
    const mustStop = policy.onFailure !== "continue" && hasFailed(next);
    if (mustStop && !stopped && !outcome && !isTakenBack) {
      this.violated("group", `group ${id} goes on after its failures`);
    }
    if (done >= total && !outcome && !isTakenBack) {
      this.violated("group", `all of group ${id} has ended, and it has not`);
    }
  }

  #outbox(id: string, after: Row | null): void {
    const subject = outboxSubject(id);
    if (subject.kind !== "group") return;
    const { stopped, outcome } = this.#groups.get(subject.group) ?? {};
    if (after !== null || !stopped && (!outcome || outcome.type === "COMPLETED")) {
      this.#closed.delete(subject.group);
    } else this.#closed.add(subject.group);
  }

  #task(before: Row | null, after: Row | null): void {
    const [was, is] = [recordIn(before), recordIn(after)];
    for (const group of is?.groups ?? []) {
      const skipped = this.#skipped.get(group) ?? new Set();
      if (stateOf(is!).name === "Skipped") skipped.add(is!.id);
      else skipped.delete(is!.id);
      this.#skipped.set(group, skipped);
    }
    if (!is || is.lease === null || is.lease.token === was?.lease?.token) return;
    const closed = is.groups.find((group) => this.#closed.has(group));
    if (closed !== undefined) this.violated("group", `${is.id} starts, and its group ${closed} was stopped`);
  }
}

function hasFailed({ ended, policy }: GroupRecord): boolean {
  return (ended.FAILED ?? 0) + (ended.CRASHED ?? 0) > (policy?.maxFailures ?? 0);
}
