// How many tasks of a group are in each state.

import type { GroupPolicy } from "../core/group_policy.ts";
import type { GroupState, StateType } from "../core/states.ts";
import { isForgotten, typeOf } from "../core/task.ts";
import { parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { doneOf, endOfGroup, type GroupRecord, isCompensating } from "../store/group_record.ts";
import type { Waiting } from "../store/index_entries.ts";
import type { Store } from "../store/store.ts";
import { compensationOf, type CompensationStatus } from "./compensation_status.ts";
import type { GroupError } from "./group_errors.ts";
import type { GroupMembers } from "./group_members.ts";

export interface GroupStatus {
  id: string;
  total: number;
  /** How many have ended. */
  done: number;
  /** How many tasks are in each state; states without a task are left out. */
  counts: Partial<Record<StateType, number>>;
  createdAt: number;
  state: GroupState;
  /** Null until it has ended. */
  endedAt: number | null;
  policy: GroupPolicy | null;
  errors: GroupError[];
  compensation: CompensationStatus | null;
}

/** For fewer tasks than this their records are read at once. */
const FEW = 200;
/** Timers and leases of others are among them: however many there are, each read is a small one. */
const PER_READ = 500;

/** Costs what the group costs, however many tasks of others run or are scheduled. */
export async function statusOf(
  store: Store,
  members: GroupMembers,
  group: GroupRecord,
  errors: GroupError[],
): Promise<GroupStatus> {
  const { id, total, createdAt } = group;
  const done = doneOf(group);
  const counts = endedOf(group.ended);
  let rest = total - done;
  if (rest > 0) {
    const driven = total > FEW ? await drivenOf(store, group, rest) : null;
    for (const type of (driven ?? await members.unfinishedTypes(id, rest)).slice(0, rest)) {
      counts[type] = (counts[type] ?? 0) + 1;
      rest--;
    }
    // Whatever else has not ended waits.
    if (rest > 0) counts.PENDING = (counts.PENDING ?? 0) + rest;
  }
  const compensation = await compensationOf(store, group);
  return { id, total, done, counts, createdAt, ...howItStands(group), errors, compensation };
}

/** A retry has taken back the ends of some: of their state there may be none any more. */
export function endedOf(ended: GroupRecord["ended"]): GroupStatus["counts"] {
  return Object.fromEntries(Object.entries(ended).filter(([, count]) => count > 0));
}

export function howItStands(group: GroupRecord): Pick<GroupStatus, "state" | "endedAt" | "policy"> {
  const { policy = null, stopped, outcome, changedAt, createdAt } = group;
  const end = endOfGroup(group);
  if (end === null) {
    const isEnding = stopped !== undefined || isCompensating(group);
    return { state: isEnding ? "CANCELLING" : "RUNNING", endedAt: null, policy };
  }
  return { state: end, endedAt: outcome?.at ?? changedAt ?? createdAt, policy };
}

/**
 * The states of those that run or are scheduled, as leases and timers tell. Null if there are more of these
 * in the database than the group has tasks.
 *
 * @param rest how many tasks of the group have not ended
 */
async function drivenOf(store: Store, { id, total }: GroupRecord, rest: number): Promise<StateType[] | null> {
  const together = await startingTogether(store, id, total, rest);
  if (together.length >= rest) return together;
  const isScheduled = await scheduled(store, id, total, rest);
  if (isScheduled === null || isScheduled.length >= rest) return isScheduled;
  const runs = await running(store, id, total);
  return runs && [...runs, ...isScheduled];
}

/** Tasks of one call mostly start at one instant: those that start with the last one of the group. */
async function startingTogether(
  store: Store,
  group: string,
  total: number,
  rest: number,
): Promise<StateType[]> {
  const selector = { prefix: prefixes.index("group", group) };
  const [last] = await store.kv.list(selector, { limit: 1, reverse: true });
  const [entry] = last ? await store.readMany([parse.index(last.key).id], "caller") : [];
  if (!entry || isForgotten(entry.record) || typeOf(entry.record) !== "SCHEDULED") return [];
  return await scheduled(store, group, total, rest, prefixes.dueAt("start", entry.record.runAt)) ?? [];
}

async function running(store: Store, group: string, most: number): Promise<StateType[] | null> {
  const ids = new Set<string>();
  let blocks = 0;
  for await (const page of pages<string[]>(store.kv, { prefix: prefixes.leases }, { size: PER_READ })) {
    blocks += page.length;
    for (const { value } of page) for (const id of value) ids.add(id);
    if (blocks > most || ids.size > most) return null;
  }
  const entries = await store.readMany([...ids], "caller");
  return entries.flatMap((entry) => {
    const record = entry?.record;
    const runs = record && !isForgotten(record) && record.lease !== null && record.groups.includes(group);
    return runs ? [typeOf(record)] : [];
  });
}

async function scheduled(
  { kv }: Store,
  group: string,
  most: number,
  rest: number,
  prefix: Deno.KvKey = prefixes.due("start"),
): Promise<StateType[] | null> {
  const own: StateType[] = [];
  let timers = 0;
  for await (const page of pages<Waiting>(kv, { prefix }, { size: PER_READ })) {
    for (const { value } of page) if (value.groups.includes(group)) own.push("SCHEDULED");
    if (own.length >= rest) break;
    timers += page.length;
    if (timers > most) return null;
  }
  return own;
}
