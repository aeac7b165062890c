// Stores the tasks of a call that wait for no other tasks, where some of them have unique keys. What a
// submission becomes is decided anew after each commit that came too late.

import { ConflictError, LimitFullError } from "../../core/errors.ts";
import { type Entry, isForgotten, type TaskRecord } from "../../core/task.ts";
import { bare } from "../../core/tenant.ts";
import { submitted } from "../../core/transitions.ts";
import { type Change, groupStepsOf } from "../../store/commit_unit.ts";
import type { Store } from "../../store/store.ts";
import type { Values } from "../../store/values.ts";
import type { Batch } from "../batch.ts";
import { anyFull, asSubmitted, refusingLimits } from "../commit_pack.ts";
import { MOST_TOLD_IN_FULL, mostOf, writesOf } from "../independent_submit.ts";
import type { SubmitPlan } from "../submit_plan.ts";
import { hitChange, hitsOf } from "../cached.ts";
import { decide, type Decision, draftBy, type Wanted } from "./decide.ts";
import { joining } from "./joining.ts";
import { oneForEach } from "./one_change.ts";
import { fold, type Folded } from "./within_call.ts";

/** Submissions that are decided on together. */
const SLICE = 1_000;

/** What becomes of the submission at a place. */
interface Step {
  place: number;
  id: string;
  change: Change | null;
  told: (applied: Entry | null) => Entry;
}

/**
 * @returns what each submission got, or nothing of more than {@linkcode MOST_TOLD_IN_FULL}.
 * @throws {ConflictError} if an id is taken, a key keeps a submission out, or another process was first with
 * the call's idempotency key.
 */
export async function storeUniquely(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  batch: Batch,
): Promise<Entry[]> {
  return await new UniqueSubmit(store, values, plan, batch).store();
}

class UniqueSubmit {
  readonly #entries: Entry[] = [];
  readonly #drafts = new Map<number, TaskRecord>();
  #checks: Deno.AtomicCheck[];
  #isFirst = true;
  /** Submissions before this place are stored, or have others' tasks. */
  #done = 0;

  constructor(
    private readonly db: Store,
    private readonly values: Values,
    private readonly plan: SubmitPlan,
    private readonly batch: Batch,
  ) {
    this.#checks = plan.guards;
    this.#done = plan.storedBefore(0) ?? 0;
  }

  async store(): Promise<Entry[]> {
    const { plan } = this;
    const count = plan.ids.length;
    plan.isLong = count > SLICE;
    await this.#tellOfEarlier();
    do {
      const until = Math.min(count, this.#done + SLICE);
      await this.#slice(this.#done, until, until === count);
    } while (this.#done < count);
    return count > MOST_TOLD_IN_FULL ? [] : this.#entries;
  }

  /** What an earlier try of the call has stored stays as it is. */
  async #tellOfEarlier(): Promise<void> {
    const { plan } = this;
    const places = Array.from({ length: this.#done }, (_, place) => place);
    for (const place of places) plan.ids[place] = plan.sameIds.get(place) ?? plan.ids[place];
    if (plan.ids.length > MOST_TOLD_IN_FULL) return;
    const found = await this.db.peekMany(places.map((place) => plan.ids[place]));
    for (const place of places) {
      const entry = found[place];
      const isThere = entry !== null && !isForgotten(entry.record);
      const record = isThere ? entry.record as TaskRecord : submitted(await plan.draft(place), plan.now);
      this.#entries[place] = { record, versionstamp: isThere ? entry.versionstamp : "" };
    }
  }

  async #slice(from: number, until: number, isLast: boolean): Promise<void> {
    const { plan } = this;
    const places = Array.from({ length: until - from }, (_, i) => from + i);
    const folded = fold(plan.checked, places, this.batch);
    try {
      while (this.#done < until) {
        const steps = await this.#steps(folded.owners.filter((place) => place >= this.#done), folded);
        await this.#commit(steps, folded, until, isLast);
      }
    } finally {
      await this.#discard();
    }
  }

  /** Commits as many as it can. */
  async #commit(steps: Step[], folded: Folded, until: number, isLast: boolean): Promise<void> {
    const { plan, db } = this;
    const changes = steps.flatMap(({ change }) => change ?? []);
    for (const { place, id } of steps) this.#gets(place, id);
    for (const [place, owner] of folded.same) if (place >= this.#done) this.#gets(place, plan.ids[owner]);
    const most = mostOf(plan);
    const same = new Map([...plan.sameIds].filter(([place]) => place >= this.#done));
    most.writes.push(...plan.sameIdsWrites(same));
    const packs = changes.length <= 1 ? [changes] : await db.pack(changes, most);
    plan.isLong ||= packs.length > 1;
    for (const [n, pack] of packs.entries()) {
      const next = packs[n + 1]?.[0];
      const upTo = next ? steps.find(({ change }) => change === next)!.place : until;
      const applied = await this.#commitPack(pack, upTo, isLast && upTo === until);
      if (!applied) return await this.#requireMoved(steps);
      const entryOf = new Map(pack.map((change, i) => [change, applied[i]]));
      for (const { place, change, told } of steps) {
        if (place >= this.#done && place < upTo) {
          this.#entries[place] = told(change && entryOf.get(change)! as Entry);
          this.#drafts.delete(place);
        }
      }
      this.#done = upTo;
      this.#isFirst = false;
    }
    for (const [place, owner] of folded.same) this.#entries[place] = this.#entries[owner];
  }

  async #commitPack(pack: Change[], upTo: number, isEnd: boolean) {
    const { plan, db } = this;
    const same = new Map([...plan.sameIds].filter(([place]) => place >= this.#done && place < upTo));
    const isNeeded = pack.length > 0 || plan.writesAnyway;
    if (!isNeeded) return [];
    const steps = pack.flatMap(({ before, next }) => groupStepsOf(before?.record ?? null, next));
    const writes = writesOf(plan, this.#isFirst, isEnd ? null : upTo, steps);
    writes.push(...plan.sameIdsWrites(same));
    const applied = await db.commit("submit", pack, { fresh: plan.fresh, checks: this.#checks, writes });
    if (applied && !isEnd) this.#checks = await plan.laterChecks();
    return applied;
  }

  #gets(place: number, id: string): void {
    const { plan } = this;
    plan.sameIds.delete(place);
    if (id !== plan.ownIds[place]) plan.sameIds.set(place, id);
    plan.ids[place] = id;
  }

  async #steps(owners: number[], { inputOf }: Folded): Promise<Step[]> {
    const { plan, db, values, batch } = this;
    // The clock may have been set back since the call began.
    const now = Math.max(plan.now, db.clock.now());
    const sources = await hitsOf(db, owners.map((place) => plan.checked[place]), now);
    const sourceOf = new Map(owners.map((place, i) => [place, sources[i]]));
    // A task that has its result takes no key.
    const unique = owners.filter((place) => plan.checked[place].unique && !sourceOf.get(place));
    const wanted = unique.map((place): Wanted => ({
      place,
      id: plan.ownIds[place],
      checked: plan.checked[place],
      input: plan.checked[inputOf.get(place) ?? place],
      pointer: batch.pointerOf(place, "/options/unique"),
    }));
    const decisions = wanted.length === 0 ? [] : await decide(db, values, wanted);
    const decisionOf = new Map(unique.map((place, i) => [place, decisions[i]]));
    const hits = await this.#hits(owners, sources);
    const steps: Step[] = [];
    for (const place of owners) {
      steps.push(hits.get(place) ?? await this.#step(place, decisionOf.get(place), inputOf.get(place)));
    }
    oneForEach(steps.flatMap(({ change }) => change ?? []));
    return steps;
  }

  async #step(place: number, decision: Decision | undefined, inputOf = place): Promise<Step> {
    const { plan } = this;
    if (decision?.kind === "there") {
      const { entry } = decision;
      const change = this.#joined(decision.change, entry, place);
      return { place, id: entry.record.id, change, told: (applied) => applied ?? entry };
    }
    const draft = await this.#draft(place, inputOf);
    const next = submitted(decision ? draftBy(decision, draft) : draft, plan.now);
    const change: Change = { before: null, next, ...decision?.with };
    return { place, id: plan.ownIds[place], change, told: (applied) => asSubmitted(applied!, next) };
  }

  /** Tasks that get a result which is there. */
  async #hits(owners: number[], sources: (Entry | null)[]): Promise<Map<number, Step>> {
    const { plan } = this;
    const hits = new Map<number, Step>();
    const lenders = new Map<string, Change>();
    for (const [i, place] of owners.entries()) {
      const source = sources[i];
      if (!source) continue;
      const change = hitChange(await this.#draft(place), plan.now, source, lenders);
      const told = (applied: Entry | null) => asSubmitted(applied!, change.next as TaskRecord);
      hits.set(place, { place, id: plan.ownIds[place], change, told });
    }
    return hits;
  }

  async #draft(place: number, inputOf = place): Promise<TaskRecord> {
    let draft = this.#drafts.get(place);
    if (!draft) this.#drafts.set(place, draft = await this.plan.draft(place, inputOf));
    return draft;
  }

  /** It is a task of the call's group too. */
  #joined(change: Change | null, entry: Entry, place: number): Change | null {
    const { plan: { groupId }, db, batch } = this;
    const record = (change?.next ?? entry.record) as TaskRecord;
    if (groupId === null || record.groups.includes(groupId)) return change;
    const next = joining(db, record, groupId, place, batch.pointerOf(place, ""));
    return { ...change, before: entry, next };
  }

  /** @throws {ConflictError} if the commit would conflict again for another reason than a unique key. */
  async #requireMoved(steps: Step[]): Promise<void> {
    const { plan, db } = this;
    const own = steps.filter(({ place, change }) => change?.before === null && place >= this.#done);
    // Nobody else can have fresh ones; a fence of the store may stand in their place.
    const there = plan.fresh ? [] : await db.peekMany(own.map(({ id }) => id));
    const taken = own.find((_, i) => (there[i] ?? null) !== null);
    if (taken) {
      throw new ConflictError(`id ${bare(taken.id)} is taken`, this.batch.pointerOf(taken.place, "/id"));
    }
    const refusing = refusingLimits(own.map(({ change }) => change!.next as TaskRecord));
    if (refusing.length > 0 && await anyFull(db, plan.caller.tenant, refusing)) {
      throw new LimitFullError(refusing);
    }
    const guards = await db.kv.getMany(this.#checks.map(({ key }) => key));
    if (guards.every(({ versionstamp }, i) => versionstamp === this.#checks[i].versionstamp)) return;
    if (plan.guards !== this.#checks) await plan.laterChecks();
    throw new ConflictError(
      plan.guards === this.#checks
        ? "what the call relied on has changed: another one came first"
        : "another call with this idempotency key came first",
    );
  }

  /** Large inputs of tasks that were not made after all. */
  async #discard(): Promise<void> {
    const { values } = this;
    const left = [...this.#drafts.values()];
    this.#drafts.clear();
    await Promise.all(left.map(({ id, input }) => values.discard(id, input)));
  }
}
