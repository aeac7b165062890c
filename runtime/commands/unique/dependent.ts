// Stores the tasks of a call that wait for others, where some have unique keys: a flow, or a call with
// references. Those whose key another task has get that task, and what waits for them waits for it.

import { ConflictError, ValidationError } from "../../core/errors.ts";
import type { Entry } from "../../core/task.ts";
import { keys } from "../../platform/keys.ts";
import type { Change } from "../../store/commit_unit.ts";
import type { Store } from "../../store/store.ts";
import type { Values } from "../../store/values.ts";
import { storeAtomically } from "../atomic_submit.ts";
import { type Batch, type PartFault, validationError } from "../batch.ts";
import { dependencyGraphOf, withoutDependencies } from "../dependency_graph.ts";
import type { PlanPart, SubmitPlan } from "../submit_plan.ts";
import { decide, type Decision } from "./decide.ts";
import { joining } from "./joining.ts";
import { rewired } from "./rewire.ts";
import { fold, type Folded } from "./within_call.ts";

/** @throws {ConflictError} also if another call takes a key while this one is stored over several commits. */
export async function storeUniqueGraph(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  batch: Batch,
): Promise<Entry[]> {
  requirePlainRules(plan, batch);
  const places = plan.ids.map((_, place) => place);
  const folded = fold(plan.checked, places, batch);
  for (;;) {
    const { part, theirs } = await partOf(store, values, plan, folded, batch);
    try {
      const own = await storePart(store, values, part, batch);
      return places.map((place) => {
        const owner = folded.same.get(place) ?? place;
        return theirs.get(owner) ?? own.get(owner)!;
      });
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof ValidationError) || part.isLong) throw error;
      if (plan.resumed || !await hasMoved(store, part)) throw error;
    }
  }
}

/** @throws {ValidationError} */
function requirePlainRules({ checked }: SubmitPlan, batch: Batch): void {
  const faults = checked.flatMap(({ unique }, index): PartFault[] => {
    if (!unique || unique.onConflict === "return" || unique.onConflict === "reject") return [];
    const which = unique.debounce ? "debounce" : `unique.onConflict "${unique.onConflict}"`;
    const part = unique.debounce ? "/options/debounce" : "/options/unique";
    const message = `${which} is not for a call whose tasks wait for others, as those of a flow: ` +
      'use "return" or "reject"; false turns off what the definition says';
    return [{ index, part, message }];
  });
  if (faults.length > 0) throw validationError(batch, faults);
}

async function partOf(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  { owners, same }: Folded,
  batch: Batch,
): Promise<{ part: SubmitPlan; theirs: Map<number, Entry> }> {
  const decisionOf = await decided(store, values, plan, owners, batch);
  const theirs = new Map<number, Entry>();
  const part: PlanPart = { places: [], with: [], joins: [], found: [] };
  for (const place of owners) {
    const decision = decisionOf.get(place);
    if (decision?.kind !== "there") {
      part.places.push(place);
      const { checks, beside } = decision?.with ?? {};
      part.with.push({ checks, beside });
      part.found.push(...checks ?? []);
      plan.ids[place] = plan.ownIds[place];
      continue;
    }
    const { entry } = decision;
    theirs.set(place, entry);
    plan.ids[place] = entry.record.id;
    part.found.push({ key: keys.task(entry.record.id), versionstamp: entry.versionstamp });
    const join = joinOf(store, plan, entry, place, batch);
    if (join) part.joins.push(join);
  }
  for (const [place, owner] of same) plan.ids[place] = plan.ids[owner];
  plan.sameIds.clear();
  plan.ids.forEach((id, place) => id !== plan.ownIds[place] && plan.sameIds.set(place, id));
  const { as } = plan;
  const checked = part.places.map((place) => rewired(plan.checked[place], as));
  return { part: plan.partOf(checked, part), theirs };
}

async function decided(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  owners: number[],
  batch: Batch,
): Promise<Map<number, Decision>> {
  const unique = owners.filter((place) => plan.checked[place].unique);
  const decisions = await decide(
    store,
    values,
    unique.map((place) => ({
      place,
      id: plan.ownIds[place],
      checked: plan.checked[place],
      input: plan.checked[place],
      pointer: batch.pointerOf(place, "/options/unique"),
    })),
  );
  return new Map(unique.map((place, i) => [place, decisions[i]]));
}

function joinOf(
  store: Store,
  { groupId }: SubmitPlan,
  entry: Entry,
  place: number,
  batch: Batch,
): Change | null {
  if (groupId === null || entry.record.groups.includes(groupId)) return null;
  return { before: entry, next: joining(store, entry.record, groupId, place, batch.pointerOf(place, "")) };
}

/** What was stored, by the places in the whole call. */
async function storePart(
  store: Store,
  values: Values,
  plan: SubmitPlan,
  batch: Batch,
): Promise<Map<number, Entry>> {
  const { places } = plan.part!;
  const ofPart: Batch = {
    ...batch,
    submissions: plan.checked.map(({ submission }) => submission),
    pointerOf: (index, part) => batch.pointerOf(places[index], part),
  };
  const graph = await dependencyGraphOf(plan.checked, plan.ids, store.turns, plan.caller.tenant) ??
    withoutDependencies(plan.ids);
  const entries = await storeAtomically(store, values, plan, graph, ofPart);
  return new Map(places.map((place, i) => [place, entries[i]]));
}

async function hasMoved({ kv }: Store, { part }: SubmitPlan): Promise<boolean> {
  const { found } = part!;
  const now = await kv.getMany(found.map(({ key }) => key));
  return now.some(({ versionstamp }, i) => versionstamp !== found[i].versionstamp);
}
