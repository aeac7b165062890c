// Every key that Errand writes. Nothing else in the code spells one out.

type Key = Deno.KvKey;

export const keys = {
  /** The record, or its tombstone. */
  task: (id: string): Key => ["task", id],
  /** The queue, in blocks of ids: larger priority first, then first in, first out. */
  ready: (shard: number, priority: number, order: number, block: string): Key => [
    "ready",
    shard,
    10 - priority,
    order,
    block,
  ],
  /** A timer: what is due for a task at an instant. */
  due: (kind: DueKind, at: number, id: string): Key => ["due", kind, at, id],
  /** What a worker runs, in blocks of ids: one for each claim. */
  lease: (worker: string, block: string): Key => ["lease", worker, block],
  /** A task that its worker shall stop. */
  stop: (worker: string, id: string): Key => ["stop", worker, id],
  /** A worker's heartbeat. */
  worker: (worker: string): Key => ["worker", worker],
  /** One entry of a task's event log. */
  event: (id: string, seq: number): Key => ["event", id, seq],
  /** One chunk of a large value. */
  blob: (id: string, blob: string, chunk: number): Key => ["blob", id, blob, chunk],
  /** What was answered to an idempotency key. */
  idem: (key: string): Key => ["idem", key],
  /** A group's counters. */
  group: (group: string): Key => ["group", group],
  /** A group's completion log, dense from 1. */
  groupDone: (group: string, seq: number, id: string): Key => ["group", group, "done", seq, id],
  /** What a task that waits for others still waits for. */
  join: (id: string): Key => ["join", id],
  /** Tasks that follow a task or a seal, in blocks of ids: one for each call that made them. */
  edge: (upstream: string, block: string): Key => ["edge", upstream, block],
  /** A follow-up that is still to be done: look at this task, or seal. */
  outbox: (id: string): Key => ["outbox", id],
  /** Set once all tasks of a call of several commits are there. */
  seal: (call: string): Key => ["seal", call],
  /** Set to another value with each news: what processes watch. */
  bell: (news: string): Key => ["bell", news],
  /** How many tasks of a group run at once, and which is the next. */
  window: (group: string): Key => ["window", group],
  /** A task that waits for a slot of its group once more. */
  late: (group: string, id: string): Key => ["late", group, id],
  /** Lists: by end state, by definition, by tag, by group, by parent. */
  index: (kind: IndexKind, value: string, id: string): Key => ["index", kind, value, id],
  /** Set once a task has an id whose time is not that of its submit: then instants do not narrow a range of ids. */
  oddIds: ["odd-ids"] as Key,
  /** The ids that a stream by tag found when it began. */
  view: (view: string): Key => ["view", view],
} as const;

/** What the service around the engine keeps in the same database. */
export const serviceKeys = {
  /** Where the app is reached, as its callers spell it. */
  origin: ["origin"] as Key,
  /** What tickets are signed with: made once, and the same for all processes. */
  ticketSecret: ["ticket-secret"] as Key,
} as const;

/**
 * Kinds of timers: start a scheduled task, expire a waiting one, remove what a gone one stored, undo a call that was cut
 * off before its seal, count the group of a call that was cut off.
 */
export type DueKind = "start" | "expire" | "purge" | "unseal" | "recount";

export type IndexKind = "state" | "task" | "tag" | "group" | "parent";

export const prefixes = {
  task: ["task"] as Key,
  allReady: ["ready"] as Key,
  ready: (shard: number): Key => ["ready", shard],
  due: (kind: DueKind): Key => ["due", kind],
  leases: ["lease"] as Key,
  leasesOf: (worker: string): Key => ["lease", worker],
  stopsOf: (worker: string): Key => ["stop", worker],
  workers: ["worker"] as Key,
  joins: ["join"] as Key,
  edges: (upstream: string): Key => ["edge", upstream],
  outbox: ["outbox"] as Key,
  windows: ["window"] as Key,
  late: ["late"] as Key,
  lateOf: (group: string): Key => ["late", group],
  allEvents: ["event"] as Key,
  allBlobs: ["blob"] as Key,
  allEdges: ["edge"] as Key,
  events: (id: string): Key => ["event", id],
  blobs: (id: string): Key => ["blob", id],
  groupDone: (group: string): Key => ["group", group, "done"],
  index: (kind: IndexKind, value: string): Key => ["index", kind, value],
};

/** Which shard of the ready queue a task belongs to: the same in every process. */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0;
  return (hash >>> 0) % shards;
}
