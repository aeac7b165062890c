// A task must not wait for a group that ends only after it: one that it joins, or that a task is in whose
// place it stands. Ends that wait for each other never come.

import { isReplaced } from "../core/replaced.ts";
import type { Submission } from "../core/submission.ts";
import { isAwaiting, isForgotten, isTerminal, type TaskRecord } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { GroupMembers } from "../queries/group_members.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { type Batch, validationError } from "./batch.ts";
import type { DependencyGraph } from "./dependency_graph.ts";
import { faultsOfMissing } from "./external_upstreams.ts";
import type { Checked } from "./prepare.ts";

/** Tasks and groups behind the upstreams of a call that are looked at. A longer way round is not found. */
const MOST_LOOKED_AT = 1_000;
const MOST_ANCESTORS = 100;

/** @throws {ValidationError} with the places that name such a group, or a task that waits for it. */
export async function requireOthersGroups(
  store: Store,
  values: Values,
  { external }: DependencyGraph,
  checked: Checked[],
  batch: Batch,
  tenant: string,
): Promise<void> {
  // All tasks of a call have one parent, and at most one of them joins a group.
  const submission = checked.at(0)?.submission;
  if (submission?.parentId === undefined || external.size === 0) return;
  const held = await heldBackBy(store, submission);
  if (held.size === 0) return;
  const wrong = new Map<string, string>();
  for (const id of external.keys()) {
    const way = await wayTo(store, values, id, held);
    if (way !== null) wrong.set(id, `it ends only after this task, which would wait for it: ${way}`);
  }
  if (wrong.size > 0) throw validationError(batch, faultsOfMissing(checked, wrong, tenant));
}

/** Groups and tasks that cannot end before a submitted task has. */
async function heldBackBy(store: Store, { parentId, joins }: Submission): Promise<Set<string>> {
  const held = new Set<string>(joins ? [joins.group] : []);
  // Of the submitted task, which has no record yet, the parent is looked at first.
  let member: TaskRecord | null = null;
  let next: string | null = parentId!;
  while (next !== null && held.size < MOST_ANCESTORS) {
    const parent: TaskRecord | null = await recordOf(store, next);
    if (parent === null) break;
    const joined: boolean = member === null ? joins !== undefined : member.added === true;
    if (isReplaced(parent) && standsFor(parent, member)) {
      for (const one of [parent.id, ...parent.groups]) held.add(one);
    } else if (!joined) break;
    member = parent;
    next = parent.parentId;
  }
  return held;
}

function standsFor({ replacement }: TaskRecord, member: TaskRecord | null): boolean {
  const group = replacement?.group;
  return group === undefined || member === null || member.groups.includes(group);
}

/** From the upstream to what it waits for, directly or not; null if it waits for none of them. */
async function wayTo(
  store: Store,
  values: Values,
  upstream: string,
  held: ReadonlySet<string>,
): Promise<string | null> {
  const from = new Map<string, string | null>([[upstream, null]]);
  for (const id of from.keys()) {
    if (held.has(id)) return told(id, from);
    if (from.size > MOST_LOOKED_AT) return null;
    for (const next of await behind(store, values, id)) if (!from.has(next)) from.set(next, id);
  }
  return null;
}

/** What must end before this one does, as far as it is known. */
async function behind(store: Store, values: Values, id: string): Promise<string[]> {
  const record = await recordOf(store, id);
  if (record === null) return await new GroupMembers(store).unfinished(id, MOST_LOOKED_AT);
  if (isTerminal(record)) return [];
  const { deps, replacement } = record;
  if (isReplaced(record)) return replacement?.group === undefined ? [] : [replacement.group];
  return isAwaiting(record) && deps ? JSON.parse(await values.load(id, deps.upstreams)) : [];
}

async function recordOf(store: Store, id: string): Promise<TaskRecord | null> {
  const [entry] = await store.peekMany([id]);
  return entry && !isForgotten(entry.record) ? entry.record : null;
}

function told(id: string, from: ReadonlyMap<string, string | null>): string {
  const way: string[] = [];
  for (let at: string | null = id; at !== null; at = from.get(at)!) way.unshift(bare(at));
  return way.join(" → ");
}
