// Lists of groups, newest first. What is told of one is what its record counts, and the definitions of its
// first tasks. All tasks of a group are read only for a key that may know some definitions or queues. A page
// is bounded as one of tasks is (list.ts).

import { ANYBODY, type Caller, knows } from "../core/caller.ts";
import type { GroupPolicy } from "../core/group_policy.ts";
import type { GroupState, StateType } from "../core/states.ts";
import { idRange, keys, parse, prefixes } from "../platform/keys.ts";
import { doneOf, type GroupRecord } from "../store/group_record.ts";
import type { Store } from "../store/store.ts";
import { type GroupMembers, presentOrNull } from "./group_members.ts";
import { endedOf, howItStands } from "./group_status.ts";
import { boundsBetween, endOf } from "./id_bounds.ts";
import { ReadingTime } from "./reading_time.ts";

export interface GroupListQuery {
  /** Any of these. None, or left out: all. */
  states?: readonly GroupState[];
  /** Milliseconds since the epoch; both ends exclusive. */
  createdAfter?: number;
  createdBefore?: number;
  /** The id that the last page ended at. */
  cursor?: string;
  limit: number;
  /** Whose groups. Default: those of the default tenant, all of them. */
  caller?: Caller;
}

export interface GroupSummary {
  id: string;
  total: number;
  /** How many have ended. */
  done: number;
  /** How many of those are in each state. */
  ended: Partial<Record<StateType, number>>;
  /** Of its first tasks. */
  definitions: string[];
  createdAt: number;
  state: GroupState;
  endedAt: number | null;
  policy: GroupPolicy | null;
}

export interface GroupPage {
  groups: GroupSummary[];
  nextCursor: string | null;
}

/** Records of groups that one page reads. */
const MOST_READ = 5_000;
const PER_READ = 100;
/** Tasks of a group whose definitions are told. */
const FIRST_TASKS = 3;

export async function listGroups(
  store: Store,
  members: GroupMembers,
  query: GroupListQuery,
): Promise<GroupPage> {
  const { cursor = null, limit, createdAfter, createdBefore, caller = ANYBODY } = query;
  const bounds = boundsBetween(createdAfter, createdBefore);
  const time = new ReadingTime(store.clock);
  const found: GroupRecord[] = [];
  let nextCursor = cursor;
  for (let read = 0; read < MOST_READ && (read === 0 || !time.isOver);) {
    const records = await newest(store, caller.tenant, bounds.from, endOf(bounds, nextCursor));
    const isLast = records.length < PER_READ;
    for (const [i, { id, record }] of records.entries()) {
      const isKnown = record !== null && fits(record, query) && await knowsAll(members, id, caller);
      if (isKnown) found.push(record);
      nextCursor = isLast && i === records.length - 1 ? null : id;
      // To look at all tasks of one group may take long.
      const isEnough = found.length === limit || caller.patterns.length > 0 && time.isOver;
      if (isEnough) return { groups: await summariesOf(store, found), nextCursor };
    }
    if (isLast) return { groups: await summariesOf(store, found), nextCursor: null };
    read += records.length;
  }
  return { groups: await summariesOf(store, found), nextCursor };
}

async function newest(
  { kv }: Store,
  tenant: string,
  from: string,
  end: string | null,
): Promise<{ id: string; record: GroupRecord | null }[]> {
  const selector = idRange(prefixes.listedGroups(tenant), from, end);
  const listed = await kv.list(selector, { limit: PER_READ, reverse: true });
  const ids = listed.map(({ key }) => parse.listedGroup(key));
  const records = await kv.getMany<GroupRecord>(ids.map(keys.group));
  return ids.map((id, i) => ({ id, record: records[i].value }));
}

function fits(record: GroupRecord, { states = [], createdAfter, createdBefore }: GroupListQuery): boolean {
  return (createdAfter === undefined || record.createdAt > createdAfter) &&
    (createdBefore === undefined || record.createdAt < createdBefore) &&
    (states.length === 0 || states.includes(howItStands(record).state));
}

/** Who may not know all of its tasks may not know the group. */
export async function knowsAll(members: GroupMembers, group: string, caller: Caller): Promise<boolean> {
  if (caller.patterns.length === 0) return true;
  for await (const page of members.present(group)) {
    if (page.some(({ record }) => !knows(caller, record))) return false;
  }
  return true;
}

async function summariesOf(store: Store, records: GroupRecord[]): Promise<GroupSummary[]> {
  const first = await Promise.all(records.map(({ id }) => firstTasks(store, id)));
  const entries = await store.readMany([...new Set(first.flat())], "caller");
  const nameOf = new Map(
    entries.map(presentOrNull).flatMap((entry) => entry ? [[entry.record.id, entry.record.task]] : []),
  );
  return records.map((record, i) => {
    const { id, total, ended, createdAt } = record;
    const definitions = new Set(first[i].flatMap((task) => nameOf.get(task) ?? []));
    return {
      id,
      total,
      done: doneOf(record),
      ended: endedOf(ended),
      definitions: [...definitions],
      createdAt,
      ...howItStands(record),
    };
  });
}

async function firstTasks({ kv }: Store, group: string): Promise<string[]> {
  const listed = await kv.list({ prefix: prefixes.index("group", group) }, { limit: FIRST_TASKS });
  return listed.map(({ key }) => parse.index(key).id);
}
