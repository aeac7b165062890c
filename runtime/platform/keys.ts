// Every key that Errand writes is spelled and read here, and nowhere else (tests/imports_test.ts).

import { DEFAULT_QUEUE } from "../core/queue.ts";
import { tenantOf } from "../core/tenant.ts";
import type { DueKind } from "./due_kind.ts";
import { BARRIER } from "./outbox_subject.ts";

export type { DueKind };

type Key = Deno.KvKey;

/** What may be paused. */
export type ControlKind = "queue" | "definition" | "all";

/** Where a block of ready tasks stands. */
export interface ReadyPlace {
  queue: string;
  shard: number;
  priority: number;
  order: number;
  block: string;
}

export type IndexKind = "state" | "task" | "tag" | "group" | "parent" | "again";

export const keys = {
  /** The record, or its tombstone. Those of a tenant stand together, behind all of the default one. */
  task: (id: string): Key => {
    const tenant = tenantOf(id);
    return tenant === "" ? ["task", id] : ["task", OTHERS + tenant, id];
  },
  /**
   * A queue, in blocks of ids: larger priority first, then first in, first out. Named ones stand where
   * releases that know no queues do not look.
   */
  ready: (shard: number, priority: number, order: number, block: string, queue = DEFAULT_QUEUE): Key =>
    queue === DEFAULT_QUEUE
      ? ["ready", shard, 10 - priority, order, block]
      : ["queue", queue, shard, 10 - priority, order, block],
  /** A block of ready tasks of one definition, taken out of its queue while the definition is paused. */
  held: (definition: string, { queue, shard, priority, order, block }: ReadyPlace): Key => [
    "held",
    definition,
    queue,
    shard,
    10 - priority,
    order,
    block,
  ],
  /** What was said of a queue, a definition, or all of them: a pause. */
  control: (kind: ControlKind, name: string): Key => ["control", kind, name],
  /** Changed with each of those: processes look at it. */
  controlsVersion: ["controls"] as Key,
  /** A timer: what is due for a task, a barrier or a group at an instant. */
  due: (kind: DueKind, at: number, id: string): Key => ["due", kind, at, id],
  /** What a worker runs, in blocks of ids: one for each claim. */
  lease: (worker: string, block: string): Key => ["lease", worker, block],
  stop: (worker: string, id: string): Key => ["stop", worker, id],
  worker: (worker: string): Key => ["worker", worker],
  event: (id: string, seq: number): Key => ["event", id, seq],
  blob: (id: string, blob: string, chunk: number): Key => ["blob", id, blob, chunk],
  idem: (key: string, tenant = ""): Key => tenant === "" ? ["idem", key] : ["idem", tenant, key],
  group: (group: string): Key => ["group", group],
  /** That the group is there: those of a tenant stand together, by id, without their logs in between. */
  listedGroup: (group: string): Key => ["groups", tenantOf(group), group],
  /** The task that has a unique key (core/unique_key.ts). */
  unique: (digest: string): Key => ["unique", digest],
  /** The task whose result a submit may take (core/cache.ts). */
  cache: (digest: string): Key => ["cache", digest],
  /** Ids that a call got in place of its own, for a repeat of it. */
  sameAs: (call: string, place: number): Key => ["same", call, place],
  /** A group's completion log, dense from 1. Its edges are not under `edge`: older releases remove such. */
  groupDone: (group: string, seq: number, id: string): Key => ["group", group, "done", seq, id],
  groupEdge: (group: string, block: string): Key => ["group", group, "edge", block],
  /** How many tasks a task still waits for. */
  dependencyCounter: (id: string): Key => ["join", id],
  /** Tasks that wait for a task or a barrier, in blocks of ids: one for each call that made them. */
  edge: (upstream: string, block: string): Key => ["edge", upstream, block],
  /** Work that must follow a commit: see outbox_subject.ts for what the id may be. */
  outbox: (subject: string): Key => ["outbox", subject],
  /** Holds back the tasks of a call of several commits until all of them are stored. */
  barrier: (barrier: string): Key => ["seal", barrier],
  /** Changed with each event of its kind: processes watch it. */
  bell: (news: string): Key => ["bell", news],
  /** How many tasks of a group may run at once, and which one is next. */
  concurrencyLimit: (group: string): Key => ["window", group],
  /** How many tasks have a slot of a limit, and how many wait for one (store/limit_counters.ts). */
  limit: (name: string): Key => ["limit", ...limitParts(name)],
  /** A task that waits for a slot of a limit: larger priority first, then first come, first served. */
  parked: (name: string, priority: number, order: number, id: string): Key => [
    "parked",
    ...limitParts(name),
    10 - priority,
    order,
    id,
  ],
  /** What a tenant's operators have said of its limits. */
  limitRules: (tenant: string): Key => ["limit-rules", tenant],
  /** A task that needs a slot of its group again. */
  readmission: (group: string, id: string): Key => ["late", group, id],
  /**
   * Lists: by end state, by definition (those that have ended or have gone back to an earlier state), by tag,
   * by group, by parent; "again": those that have gone back and not ended, by definition.
   */
  index: (
    kind: IndexKind,
    value: string,
    id: string,
  ): Key => ["index", kindIn(kind, tenantOf(id)), value, id],
  /** A schedule: what it says, and where it stands. Those of a tenant stand together, as tasks do. */
  schedule: (name: string, tenant: string): Key =>
    tenant === "" ? ["schedule", name] : ["schedule", OTHERS + tenant, name],
  /** Which schedules the code of a definition declares, as a process has written them. */
  declaredSchedules: (definition: string): Key => ["declared-schedules", definition],
  /** Set once an id does not tell the time of its submit: then lists by time read all ids. */
  oddIds: ["odd-ids"] as Key,
  /** The ids that a stream by tag found when it began. */
  view: (view: string): Key => ["view", view],
  /** Which form all of this has (store/format.ts). */
  format: ["format"] as Key,
  /** Written to see that writes are taken. */
  readiness: ["readiness"] as Key,
  /** Never written: for commits that must fail, and for reads whose answer nobody needs. */
  never: (n = 0): Key => ["errand", "never", n],
} as const;

export const prefixes = {
  /** The records of all tenants. */
  task: ["task"] as Key,
  /** Of the default queue. */
  allReady: ["ready"] as Key,
  allNamedQueues: ["queue"] as Key,
  queue: (queue: string): Key => queue === DEFAULT_QUEUE ? ["ready"] : ["queue", queue],
  ready: (shard: number, queue = DEFAULT_QUEUE): Key =>
    queue === DEFAULT_QUEUE ? ["ready", shard] : ["queue", queue, shard],
  allHeld: ["held"] as Key,
  held: (definition: string): Key => ["held", definition],
  heldFrom: (definition: string, { queue, shard, priority, order }: ReadyPlace): Key => [
    "held",
    definition,
    queue,
    shard,
    10 - priority,
    order,
  ],
  controls: ["control"] as Key,
  due: (kind: DueKind): Key => ["due", kind],
  dueAt: (kind: DueKind, at: number): Key => ["due", kind, at],
  leases: ["lease"] as Key,
  leasesOf: (worker: string): Key => ["lease", worker],
  stopsOf: (worker: string): Key => ["stop", worker],
  workers: ["worker"] as Key,
  dependencyCounters: ["join"] as Key,
  declaredSchedules: ["declared-schedules"] as Key,
  edges: (upstream: string): Key => ["edge", upstream],
  outbox: ["outbox"] as Key,
  unique: ["unique"] as Key,
  sameAs: (call: string): Key => ["same", call],
  concurrencyLimits: ["window"] as Key,
  allParked: ["parked"] as Key,
  parked: (name: string): Key => ["parked", ...limitParts(name)],
  allLimits: ["limit"] as Key,
  limits: (tenant: string): Key => ["limit", tenant],
  /** Of limits behind one. */
  limitsBehind: (tenant: string, key: string): Key => ["limit", tenant, `${key}\0`],
  readmissions: ["late"] as Key,
  readmissionsOf: (group: string): Key => ["late", group],
  allEvents: ["event"] as Key,
  allBlobs: ["blob"] as Key,
  allEdges: ["edge"] as Key,
  again: (tenant: string): Key => ["index", kindIn("again", tenant)],
  events: (id: string): Key => ["event", id],
  blobs: (id: string): Key => ["blob", id],
  chunks: (id: string, blob: string): Key => ["blob", id, blob],
  groupDone: (group: string): Key => ["group", group, "done"],
  listedGroups: (tenant: string): Key => ["groups", tenant],
  groupEdges: (group: string): Key => ["group", group, "edge"],
  /** @param tenant whose tasks; what belongs to an id is in its tenant anyway */
  index: (kind: IndexKind, value: string, tenant = ""): Key => ["index", kindIn(kind, tenant), value],
};

export const parse = {
  task: (key: Key) => key[key.length - 1] as string,
  ready: (key: Key): ReadyPlace =>
    key[0] === "ready" ? placeIn(DEFAULT_QUEUE, key.slice(1)) : placeIn(key[1] as string, key.slice(2)),
  held: (key: Key) => ({
    definition: key[1] as string,
    place: placeIn(key[2] as string, key.slice(3)),
  }),
  control: (key: Key) => ({ kind: key[1] as ControlKind, name: key[2] as string }),
  due: (key: Key) => ({ kind: key[1] as DueKind, at: key[2] as number, id: key[3] as string }),
  lease: (key: Key) => ({ worker: key[1] as string, block: key[2] as string }),
  stop: (key: Key) => ({ worker: key[1] as string, id: key[2] as string }),
  worker: (key: Key) => key[1] as string,
  event: (key: Key) => ({ id: key[1] as string, seq: key[2] as number }),
  blob: (key: Key) => ({ id: key[1] as string, blob: key[2] as string, chunk: key[3] as number }),
  groupDone: (key: Key) => ({ group: key[1] as string, seq: key[3] as number, id: key[4] as string }),
  listedGroup: (key: Key) => key[2] as string,
  dependencyCounter: (key: Key) => key[1] as string,
  schedule: (key: Key) => key[key.length - 1] as string,
  declaredSchedules: (key: Key) => key[1] as string,
  edge: (key: Key) => ({ upstream: key[1] as string, block: key[2] as string }),
  outbox: (key: Key) => key[1] as string,
  unique: (key: Key) => key[1] as string,
  concurrencyLimit: (key: Key) => key[1] as string,
  limit: (key: Key) => `${key[1] as string}\n${key[2] as string}`,
  parked: (key: Key) => key[5] as string,
  readmission: (key: Key) => ({ group: key[1] as string, id: key[2] as string }),
  index: (key: Key) => ({ kind: key[1] as IndexKind, value: key[2] as string, id: key[3] as string }),
};

function placeIn(queue: string, [shard, rank, order, block]: Key): ReadyPlace {
  return {
    queue,
    shard: shard as number,
    priority: 10 - (rank as number),
    order: order as number,
    block: block as string,
  };
}

export const isOutboxKey = (key: Key): boolean => key[0] === "outbox";
export const isDependencyCounterKey = (key: Key): boolean => key[0] === "join";
export const isLimitKey = (key: Key): boolean => key[0] === "limit";
export const isUniqueKey = (key: Key): boolean => key[0] === "unique";
export const isHeldKey = (key: Key): boolean => key[0] === "held";
export const isIndexKey = (key: Key): boolean => key[0] === "index";

/** A name is the tenant and the key (core/limits.ts). */
function limitParts(name: string): [tenant: string, key: string] {
  const at = name.indexOf("\n");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** Sorts behind all ids. */
const OTHERS = "~";

/** Groups and parents are ids, and so have their tenant already. */
function kindIn(kind: IndexKind, tenant: string): string {
  return tenant === "" || kind === "group" || kind === "parent" ? kind : `${kind}~${tenant}`;
}

/** The keys of a tenant's records, with ids from `from` on and below `before`. */
export function tasksOf(tenant: string, from: string, before: string | null): Deno.KvListSelector {
  return tenant === ""
    ? idRange(["task"], from, before ?? OTHERS)
    : idRange(["task", OTHERS + tenant], from, before);
}

/** The keys of a tenant's schedules, with names from `from` on. */
export function schedulesOf(tenant: string, from: string): Deno.KvListSelector {
  return tenant === ""
    ? idRange(["schedule"], from, OTHERS)
    : idRange(["schedule", OTHERS + tenant], from, null);
}

/** The timers of a kind, from one instant on and before another one. */
export function dueBetween(kind: DueKind, from: number, before: number): Deno.KvListSelector {
  return { start: ["due", kind, from], end: ["due", kind, before] };
}

/** All edges of barriers. */
export const barrierEdges: Deno.KvListSelector = {
  start: ["edge", BARRIER],
  end: ["edge", BARRIER + "\uffff"],
};

/** Where a list goes on behind a key. */
export function after(key: Key): Key {
  return [...key, ""];
}

/** The prefix of the keys that differ from this one in their last part. */
export function beside(key: Key): Key {
  return key.slice(0, -1);
}

/** Behind every key that begins with this one. Deno KV sorts strings before numbers. */
export function behindAll(prefix: Key): Key {
  return [...prefix, Number.MAX_VALUE];
}

/** Keys under a prefix that go on with an id not below `from` and, if given, below `before`. */
export function idRange(prefix: Key, from: string, before: string | null): Deno.KvListSelector {
  const start = [...prefix, from];
  if (before !== null) return { start, end: [...prefix, before < from ? from : before] };
  return from === "" ? { prefix } : { prefix, start };
}

export function keyBytes(key: Key): number {
  // All parts are ASCII but tags and the keys of limits, whose characters may take three bytes.
  const perCharacter = typeof key[1] === "string" && key[1].startsWith("tag") || isOfLimit(key) ? 3 : 1;
  let bytes = 0;
  for (const part of key) bytes += typeof part === "string" ? part.length * perCharacter + 2 : 9;
  return bytes;
}

function isOfLimit(key: Key): boolean {
  return key[0] === "limit" || key[0] === "parked" || key[0] === "outbox";
}
