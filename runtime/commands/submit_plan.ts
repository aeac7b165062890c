// What a checked call stores: the records of its tasks, and what goes with them into the same commits.

import type { Caller } from "../core/caller.ts";
import type { DefinitionDefaults } from "../core/define.ts";
import { type GroupOptions, type GroupPolicy, policyOf } from "../core/group_policy.ts";
import { memberOf } from "../core/id_range.ts";
import type { Submission } from "../core/submission.ts";
import type { TaskRecord } from "../core/task.ts";
import { bare, inTenant } from "../core/tenant.ts";
import { openConcurrencyLimit } from "../dependencies/concurrency_limit.ts";
import { hasCurrentTime } from "../platform/ids.ts";
import { keys } from "../platform/keys.ts";
import { concurrencyLimitId, groupSubject } from "../platform/outbox_subject.ts";
import type { Write } from "../platform/kv.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import type { Change } from "../store/commit_unit.ts";
import { type GroupStep, newGroup } from "../store/group_counters.ts";
import type { CommandContext } from "./context.ts";
import { recountKey, requireUncounted } from "./counted_call.ts";
import { type IdempotencyRecord, idempotencyWrite, type KeyClaim, requireClaim } from "./idempotency.ts";
import { draftOf } from "./draft.ts";
import { absentGroup } from "./guard.ts";
import type { Checked } from "./prepare.ts";
import { sameIdsWrites } from "./unique/same_ids.ts";

/** The tasks that a call makes, where some of its submissions get others' tasks. */
export interface PlanPart {
  /** Their places in the call. */
  places: number[];
  /** What their records are checked by, and what goes with them, in their order. */
  with: Pick<Change, "checks" | "beside">[];
  /** Tasks of others that join the call's group. */
  joins: Change[];
  /** Must be as they are when the tasks are stored. */
  found: Deno.AtomicCheck[];
}

export interface PlanOptions {
  /** The first of the ids that are drawn for the call. */
  root: string;
  /** All of its ids were drawn for it. */
  drawn: boolean;
  group: boolean;
  maxConcurrent?: number;
  policy?: GroupOptions;
  guard?: Deno.AtomicCheck;
  writes?: (ids: string[]) => Write[];
  claim: KeyClaim | null;
  caller: Caller;
}

/** Of so many definitions the names and the defaults fit a stored value, which has 64 KiB at most. */
const MOST_DEFAULTS = 100;
/** A function may run for days, and submit its children again after each of its attempts. */
const SAME_IDS_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export class SubmitPlan {
  readonly now: number;
  readonly caller: Caller;
  readonly ids: string[];
  /** As they were drawn or given: where a submission gets another's task, `ids` has that one's. */
  readonly ownIds: readonly string[];
  readonly groupId: string | null;
  readonly policy: GroupPolicy | undefined;
  /** No other call can have made these ids. */
  readonly fresh: boolean;
  /** The call was cut off before: some of its tasks may be there. */
  readonly resumed: boolean;
  /** Checked by the first commit. */
  readonly guards: Deno.AtomicCheck[];
  /** The timer that counts the group's tasks again, if the call is cut off between its commits. */
  readonly recountKey: Deno.KvKey | null;
  /** It takes several commits. */
  isLong = false;
  /** Ids of others' tasks that submissions of it got, by their places. */
  readonly sameIds = new Map<number, string>();
  readonly part: PlanPart | null;
  /** Names this try of the call in its idempotency record. */
  readonly #by: string;
  readonly #defaults: IdempotencyRecord["defaults"];
  /** An id of it does not sort by time: lists need to know. */
  readonly #hasOddIds: boolean;

  constructor(
    private readonly context: CommandContext,
    readonly checked: Checked[],
    private readonly options: PlanOptions,
    private readonly whole: SubmitPlan | null = null,
    part: PlanPart | null = null,
  ) {
    const { store } = context;
    const { root, drawn, group, guard, claim, caller } = options;
    this.caller = caller;
    this.now = whole ? whole.now : store.clock.now();
    this.#by = whole ? whole.#by : claim ? store.ids.token() : "";
    this.part = part;
    this.#defaults = claim ? defaultsOf(checked) : undefined;
    this.resumed = Boolean(claim?.resumed);
    this.fresh = drawn && !this.resumed;
    this.ids = part && whole
      ? part.places.map((place) => whole.ids[place])
      : idsOf(checked.map(({ submission }) => submission), root, caller.tenant);
    this.ownIds = [...this.ids];
    this.#hasOddIds = this.ids.some((id) => !hasCurrentTime(id, this.now));
    this.groupId = whole
      ? whole.groupId
      : claim?.resumed
      ? claim.resumed.groupId
      : group
      ? inTenant(store.ids.id(), caller.tenant)
      : null;
    this.policy = options.policy && policyOf(options.policy, this.now);
    this.guards = [claim?.guard, guard, absentGroup(this)].filter((check) => check !== undefined);
    this.recountKey = recountKey(this.groupId, this.now);
  }

  /** A plan for those of its submissions that become tasks of its own. */
  partOf(checked: Checked[], part: PlanPart): SubmitPlan {
    return new SubmitPlan(this.context, checked, this.options, this, part);
  }

  /** How many tasks there are of it, with those of others. */
  get total(): number {
    const { ids } = this.whole ?? this;
    return this.whole || this.sameIds.size > 0 ? new Set(ids).size : ids.length;
  }

  /** It has something to store, also where all of its submissions got tasks of others. */
  get writesAnyway(): boolean {
    return this.groupId !== null || this.name !== null || this.options.writes !== undefined;
  }

  /** Of the whole call. */
  get allSameIds(): ReadonlyMap<number, string> {
    return (this.whole ?? this).sameIds;
  }

  /** The ids that callers know of others' tasks, by those that they would know of its own. */
  get as(): Map<string, string> {
    return new Map([...this.sameIds].map(([place, id]) => [bare(this.ownIds[place]), bare(id)]));
  }

  /** Under which name the ids are kept that it got in place of its own. Null: nobody asks again. */
  get name(): string | null {
    const { claim, root } = this.options;
    if (claim) return root;
    return this.checked[0].submission.parentId === undefined ? null : this.ownIds[0];
  }

  /**
   * The n-th record without a state. A large input is stored on the way.
   *
   * @param inputOf the place whose input it gets
   */
  async draft(place: number, inputOf = place): Promise<TaskRecord> {
    const own = this.checked[place];
    const { input, special } = this.checked[inputOf];
    const checked = inputOf === place ? own : { ...own, input, special };
    const { now, groupId, caller, context: { failureRetentionMs }, options: { maxConcurrent } } = this;
    const options = { now, groupId, caller, maxConcurrent, failureRetentionMs };
    const draft = draftOf(checked, this.ownIds[place], this.part ? this.part.places[place] : place, options);
    draft.input = await this.context.values.store(draft.id, checked.input);
    return draft;
  }

  /**
   * Written by the first commit.
   *
   * @param steps of its group, by the changes of that commit
   */
  firstWrites(steps: GroupStep[] = []): Write[] {
    const writes = [...this.#groupWrites(steps), ...this.#leavesBehind()];
    if (this.options.writes) writes.push(...this.options.writes((this.whole ?? this).ids));
    if (this.#hasOddIds) writes.push({ key: keys.oddIds, value: true });
    return writes;
  }

  /**
   * How many of the tasks at these places, in the order in which they are stored, an earlier try has stored.
   * Null if this is the first try.
   *
   * @param from place of the first one in that order
   */
  storedBefore(from: number): number | null {
    const { claim } = this.options;
    return claim?.resumed ? Math.max(0, claim.resumed.stored - from) : null;
  }

  /**
   * Written by every commit.
   *
   * @param stored how many tasks are stored then; null if the call is complete
   */
  everyWrites(stored: number | null): Write[] {
    const { groupId, policy, now, options: { root, maxConcurrent, claim } } = this;
    const writes: Write[] = [];
    // The first tasks may have ended before the others are stored: the outbox processor looks again.
    if (groupId !== null && maxConcurrent !== undefined) {
      writes.push(outboxWrite(concurrencyLimitId(groupId)));
    }
    if (groupId !== null && policy !== undefined) writes.push(outboxWrite(groupSubject(groupId)));
    if (claim) {
      const { fingerprint } = claim;
      const [by, defaults] = [this.#by, this.#defaults];
      const complete = stored === null;
      const record: IdempotencyRecord = {
        fingerprint,
        root,
        groupId,
        createdAt: now,
        complete,
        by,
        defaults,
      };
      if (this.allSameIds.size > 0) record.hasSameIds = true;
      // An earlier try may have come further.
      if (!complete) record.stored = Math.max(stored, claim.resumed?.stored ?? 0);
      writes.push(idempotencyWrite(claim, record));
    }
    return writes;
  }

  /**
   * What a commit after the first one checks.
   *
   * @throws {ConflictError} if another process has resumed the call, or it was given up.
   */
  async laterChecks(): Promise<Deno.AtomicCheck[]> {
    const { context: { store }, options: { claim }, recountKey: timer } = this;
    const checks = claim ? [await requireClaim(store, claim, this.#by)] : [];
    if (this.policy && timer) checks.push(await requireUncounted(store.kv, timer));
    return checks;
  }

  /** At least as many as any commit of the call checks. */
  get mostChecks(): Deno.AtomicCheck[] {
    const { guards, policy, recountKey: key } = this;
    return policy && key ? [...guards, { key, versionstamp: null }] : guards;
  }

  /**
   * Also checked by the first commit of a call that is resumed.
   *
   * @throws {ConflictError} if it was given up.
   */
  async requireResumable(): Promise<void> {
    const { context: { store }, policy, groupId, options: { claim } } = this;
    const timer = claim?.resumed && policy ? recountKey(groupId, claim.resumed.createdAt) : null;
    if (timer) this.guards.push(await requireUncounted(store.kv, timer));
  }

  /** The timer of the try before, which this one does not renew: it would take the call for cut off. */
  #leavesBehind(): Write[] {
    const { resumed } = this.options.claim ?? {};
    if (!resumed || resumed.createdAt === this.now) return [];
    const key = recountKey(this.groupId, resumed.createdAt);
    return key ? [{ key }] : [];
  }

  /** The ids that those of its submissions got that are told of with this commit. */
  sameIdsWrites(ids: ReadonlyMap<number, string>): Write[] {
    if (ids.size === 0) return [];
    const { name } = this.whole ?? this;
    return name === null ? [] : sameIdsWrites(name, ids, this.now + SAME_IDS_KEPT_MS);
  }

  #groupWrites(steps: GroupStep[]): Write[] {
    const { groupId, policy, ids, now, total, options: { maxConcurrent } } = this;
    // A call that is resumed finds its group there, perhaps with ends counted already.
    if (groupId === null || this.resumed) return [];
    const writes = newGroup({ id: groupId, total, maxConcurrent, policy }, now, steps);
    if (maxConcurrent !== undefined) {
      writes.push(openConcurrencyLimit(groupId, maxConcurrent, ids, onlyTask(this.checked)));
    }
    return writes;
  }
}

/** The definition, if all have the same one. */
function onlyTask(checked: Checked[]): string | undefined {
  const [first, ...others] = new Set(checked.map(({ submission }) => submission.task));
  return others.length === 0 ? first : undefined;
}

/** Ids of the caller's own, or the next ones after the root. */
export function idsOf(submissions: Submission[], root: string, tenant: string): string[] {
  return submissions.map(({ id }, place) => inTenant(id ?? memberOf(root, place), tenant));
}

/** A repeat of the call gets the first answer, whatever has become of the definitions since. */
function defaultsOf(checked: Checked[]): IdempotencyRecord["defaults"] {
  const known = new Map<string, DefinitionDefaults>();
  for (const { submission: { task }, defaults } of checked) {
    if (Object.keys(defaults).length > 0) known.set(task, defaults);
  }
  return known.size > MOST_DEFAULTS ? undefined : Object.fromEntries(known);
}
