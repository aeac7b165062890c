// Submitting: checked submissions become tasks, all of a call or none.

import { ANYBODY, type Caller } from "../core/caller.ts";
import { ValidationError } from "../core/errors.ts";
import type { GroupOptions } from "../core/group_policy.ts";
import { memberOf, rootOf } from "../core/id_range.ts";
import type { Entry } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import type { Write } from "../platform/kv.ts";
import type { Tracing } from "../platform/tracing.ts";
import { setTotal } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import { storeAtomically } from "./atomic_submit.ts";
import type { Batch } from "./batch.ts";
import { callerIdsOf, requireDistinct, requireFree, ReservedIds } from "./caller_ids.ts";
import type { CommandContext } from "./context.ts";
import { dependencyGraphOf, mayDepend, withoutDependencies } from "./dependency_graph.ts";
import { type Idempotency, IdempotencyKeys, type KeyClaim } from "./idempotency.ts";
import { storeIndependent } from "./independent_submit.ts";
import { check } from "./prepare.ts";
import type { QueueLimit } from "./queue_limit.ts";
import { replayed } from "./replay.ts";
import type { StoredLimit } from "./stored_limit.ts";
import { requireKeptResults } from "./kept_results.ts";
import { SubmitPlan } from "./submit_plan.ts";
import { storeUniqueGraph } from "./unique/dependent.ts";
import { storeUniquely } from "./unique/independent.ts";
import { inLine, KeyLines } from "./unique/key_lines.ts";
import { sameIdsOf } from "./unique/same_ids.ts";

export interface SubmitCall<B extends Batch = Batch> {
  /**
   * The tasks, or what makes them with ids that are drawn for the call: a repeat of the call under its
   * idempotency key draws the same ids.
   */
  batch: B | ((newId: () => string) => B | Promise<B>);
  /** Make a group of them. */
  group?: boolean;
  /** None of them runs before all of them are stored. */
  atomic?: boolean;
  /** So many of the group run at once. */
  maxConcurrent?: number;
  /** False: an id that is taken is found by the commit alone, which says less of it. */
  looksUpIds?: boolean;
  /** What a failure of one task does to the others of the group. */
  policy?: GroupOptions;
  /** Must still hold when the first of them is stored. */
  guard?: Deno.AtomicCheck;
  /** Written with the first of them. */
  writes?: (ids: string[]) => Write[];
  idempotency?: Idempotency;
  /** Who submits it. Default: somebody of the default tenant who may know all of its tasks. */
  caller?: Caller;
}

export interface Submitted<B extends Batch = Batch> {
  /** In the order of the submissions. */
  ids: string[];
  /** As they were submitted; may be left out for more than `MOST_TOLD_IN_FULL` tasks. */
  entries: Entry[];
  groupId: string | null;
  /** The call came before under its idempotency key: these are its tasks as they were then. */
  replayed: boolean;
  /** So many submissions got a task that was there already, or the one of another submission of the call. */
  deduplicated: number;
  /** The ids of these tasks, by those that were drawn for the submissions. */
  as: ReadonlyMap<string, string>;
  batch: B;
}

export class Submitter {
  readonly #keys: IdempotencyKeys;
  readonly #reserved = new ReservedIds();
  readonly #lines = new KeyLines();

  constructor(
    private readonly context: CommandContext,
    private readonly queueLimit: QueueLimit,
    private readonly storedLimit: StoredLimit | null = null,
    /** Null: nobody collects spans. */
    private readonly tracing: Tracing | null = null,
  ) {
    this.#keys = new IdempotencyKeys(context.store);
  }

  /**
   * Stores the tasks of one call. When it resolves they are on disk.
   *
   * @throws {ValidationError | UnknownDefinitionError | TooLargeError} before anything is stored.
   * @throws {QueueFullError | StorageFullError} if too many wait already, or its caller keeps too much.
   * @throws {ConflictError} if an id is taken, or if a call with the same idempotency key is under way.
   * @throws {IdempotencyMismatchError} if the key was used for another call.
   */
  submit<B extends Batch>(call: SubmitCall<B>): Promise<Submitted<B>> {
    return this.tracing === null ? this.#submit(call) : this.#traced(call, this.tracing);
  }

  #traced<B extends Batch>(call: SubmitCall<B>, tracing: Tracing): Promise<Submitted<B>> {
    const { batch, caller = ANYBODY } = call;
    const [first = null, ...more] = typeof batch === "function" ? [] : batch.submissions;
    const name = first === null ? "flow" : more.length === 0 ? first.task : "batch";
    const work = { name, queue: first?.options?.queue ?? null, attributes: {} };
    return tracing.send(work, caller.trace, async (traced) => {
      const submitted = await this.#submit({ ...call, caller: { ...caller, trace: traced.trace } });
      const { ids } = submitted;
      if (ids.length === 1) traced.set("messaging.message.id", bare(ids[0]));
      else traced.set("messaging.batch.message_count", ids.length);
      return submitted;
    });
  }

  #submit<B extends Batch>(call: SubmitCall<B>): Promise<Submitted<B>> {
    const { idempotency, caller = ANYBODY } = call;
    if (!idempotency) return this.#store(call, null);
    return this.#keys.once({ ...idempotency, tenant: caller.tenant }, {
      replay: async (record) => {
        const batch = await batchOf(call, record.root);
        const first = await replayed(batch, record, this.context, caller, call.maxConcurrent);
        return { ...first, groupId: record.groupId, replayed: true, batch };
      },
      store: (claim) => this.#store(call, claim),
    });
  }

  async #store<B extends Batch>(call: SubmitCall<B>, claim: KeyClaim | null): Promise<Submitted<B>> {
    const { store } = this.context;
    const root = claim?.resumed?.root ?? rootOf(store.ids.id());
    const made = batchOf(call, root);
    const batch = made instanceof Promise ? await made : made;
    const { group = false, maxConcurrent, guard, writes, caller = ANYBODY } = call;
    const found = check(batch, this.context, call.caller, group);
    const checked = found instanceof Promise ? await found : found;
    // What is taken back must not be retried after that: only a policy makes the end of a group final.
    const policy = call.policy ?? (checked.some(({ compensate }) => compensate) ? {} : undefined);
    const isUnique = checked.some(({ unique }) => unique !== undefined);
    if (isUnique && maxConcurrent !== undefined) throw notTogether();
    const callerIds = typeof call.batch === "function" ? [] : callerIdsOf(batch, caller.tenant);
    requireDistinct(batch, callerIds);
    await this.queueLimit.admit(checked.length, caller);
    await this.storedLimit?.admit(checked, caller);
    return await this.#reserved.during(batch, callerIds, async () => {
      if (!claim?.resumed && (call.looksUpIds ?? true)) await requireFree(store, batch, callerIds);
      const drawn = callerIds.length === 0;
      const plan = new SubmitPlan(this.context, checked, {
        root,
        drawn,
        group,
        maxConcurrent,
        policy,
        guard,
        writes,
        claim,
        caller,
      });
      if (plan.resumed) await plan.requireResumable();
      const atomic = call.atomic ?? false;
      requireKeptResults(checked, plan.ids, batch, caller.tenant);
      const isGraph = atomic || mayDepend(checked);
      // What waits must not end before the others do, and those that wait for it are stored with it.
      if (isGraph) { for (const { cache } of checked) if (cache) cache.isLate = true; }
      const entries = isUnique || !isGraph && checked.some(({ cache }) => cache !== undefined)
        ? await this.#storeUnique(plan, batch, atomic)
        : await this.#storeTasks(plan, batch, atomic);
      const { ids, groupId, sameIds } = plan;
      await settleTotal(store, plan);
      if (plan.policy?.until !== undefined) this.context.expect?.(plan.policy.until);
      return { ids, entries, groupId, replayed: false, deduplicated: sameIds.size, as: plan.as, batch };
    });
  }

  async #storeUnique(plan: SubmitPlan, batch: Batch, atomic: boolean): Promise<Entry[]> {
    const { store, values } = this.context;
    const earlier = plan.resumed ? await sameIdsOf(store.kv, plan.name!) : [];
    for (const [place, id] of earlier) plan.sameIds.set(place, id);
    const isGraph = atomic || mayDepend(plan.checked);
    const tried = () => (isGraph ? storeUniqueGraph : storeUniquely)(store, values, plan, batch);
    return await inLine(this.#lines, store, plan, tried);
  }

  #storeTasks(plan: SubmitPlan, batch: Batch, atomic: boolean): Promise<Entry[]> {
    const { store, values } = this.context;
    const graph = dependencyGraphOf(plan.checked, plan.ids, store.turns, plan.caller.tenant);
    if (graph) return graph.then((graph) => storeAtomically(store, values, plan, graph, batch));
    if (!atomic) return storeIndependent(store, values, plan);
    return storeAtomically(store, values, plan, withoutDependencies(plan.ids), batch);
  }
}

/**
 * The group's tasks may have been counted while the call was held up: by a process that took it for cut
 * off.
 */
async function settleTotal({ kv, clock }: Store, plan: SubmitPlan): Promise<void> {
  const { groupId, recountKey, resumed, isLong } = plan;
  if (groupId === null || recountKey === null || !resumed && !isLong) return;
  await setTotal(kv, clock, groupId, plan.total);
  await kv.writeBlind([{ key: recountKey }], 0);
}

function batchOf<B extends Batch>({ batch }: SubmitCall<B>, root: string): B | Promise<B> {
  if (typeof batch !== "function") return batch;
  let drawn = 0;
  return batch(() => memberOf(root, drawn++));
}

function notTogether(): ValidationError {
  const message =
    "not together with unique or debounce: a task that another call has made takes no turn in " +
    "this map; unique: false turns off what the definition says";
  return new ValidationError([{ pointer: "/maxConcurrent", message }]);
}
