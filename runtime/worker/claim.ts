// Claims tasks: the head of the ready queue becomes RUNNING under leases of this worker, many tasks in one
// commit.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { type Entry, isReady, type TaskRecord } from "../core/task.ts";
import { canExpire, claimed, expired } from "../core/transitions.ts";
import { turnsOf } from "../core/limits.ts";
import { keys } from "../platform/keys.ts";
import type { KvLimits, Write } from "../platform/kv.ts";
import type { Change } from "../store/commit_unit.ts";
import type { Controls } from "../queues/controls.ts";
import { askLimits } from "../queues/concurrency.ts";
import { type Held, holdBack } from "../queues/held_tasks.ts";
import { isQueuedAt, without } from "../store/ready_queue.ts";
import { recordBytes } from "../store/record_size.ts";
import type { Store } from "../store/store.ts";
import type { CallerSlots, Reservation } from "./caller_slots.ts";
import { type Budgets, type Hints, type More, type Part, QueueScan } from "./queue_scan.ts";

export interface ClaimOptions {
  worker: string;
  shard: number;
  /** Default: the default queue. */
  queue?: string;
  budgets: Budgets;
  /** Null for definitions that this process does not have. */
  runnerOf: (task: string) => RunnerKind | null;
  /** More writes for the same commit: used-up lease blocks are deleted with it. */
  writes?: () => Write[];
  /** Of the last claim of this shard. */
  hints?: Hints;
  /** Passes over tasks of callers who have enough. Left out: takes all. */
  callers?: CallerSlots;
  /** Asked as the commit is sent: a worker that stops meanwhile takes nothing. Left out: it does not stop. */
  takesWork?: () => boolean;
  /** What is paused is not taken. Left out: nothing is. */
  controls?: Controls;
  /** Where it keeps room for those that it takes. */
  reservation?: Reservation;
}

export interface Claimed {
  entries: Entry[];
  /** The lease block that lists the tasks; null if nothing was claimed. */
  block: string | null;
  /** What the shard may hold beyond them. */
  more: More;
  /** Another worker was faster with one of the tasks. */
  beaten?: boolean;
  /** For the next claim of this shard. */
  hints: Hints;
}

/** A counter with its outbox entry. */
const COUNTER_BYTES = 1_500;
/** The part of a commit's bytes that is for records. */
const RECORDS_SHARE = 0.8;

/**
 * Claims as many tasks of each kind as there is budget for, larger priority first, then first in, first out.
 * If another worker is faster with any of them, nothing is claimed, and `more` asks for another try.
 */
export async function claim(store: Store, options: ClaimOptions): Promise<Claimed> {
  const { controls, queue = DEFAULT_QUEUE } = options;
  const isPaused = controls?.hasPausedDefinitions ? (task: string) => controls.isPaused(task) : undefined;
  const scan = await new QueueScan(store, { ...options, isPaused }).run();
  const { parts } = scan;
  const heldBack = scan.held.length > 0 ? await holdBackAll(store, controls!, scan.held) : new Map();
  if (parts.length === 0) return { entries: [], block: null, ...scan.next([], false) };

  const { changes, late, unlimited, taken, left } = await select(store, parts, options);
  const isStale = changes.length + unlimited.length < taken.size;
  await Promise.all(late.map(async (entry) => {
    if (await expire(store, entry)) return;
    // The known record was outdated: the task may wait here again.
    taken.delete(entry.record.id);
    left.add(options.runnerOf(entry.record.task)!);
  }));
  await Promise.all(unlimited.map(async (entry) => {
    if (!await askLimits(store, entry)) taken.delete(entry.record.id);
  }));
  const asked = RUNNER_KINDS.filter((kind) => options.budgets[kind] > 0);
  // A block loses only the ids that this claim wanted of it. Another block may name the same task again.
  const writes = parts.filter(({ wanted }) => wanted.some((id) => taken.has(id)))
    .map(({ block, wanted }) => {
      return without(block, new Set([...wanted.filter((id) => taken.has(id)), ...heldBack.get(block) ?? []]));
    });
  if (changes.length === 0) {
    await store.kv.writeBlind(writes, store.clock.now());
    return { entries: [], block: null, ...scan.next(asked, isStale) };
  }
  const block = store.ids.token();
  writes.push({ key: keys.lease(options.worker, block), value: changes.map(({ next }) => next.id) });
  writes.push(...options.writes?.() ?? []);
  const { takesWork = () => true } = options;
  const isOpen = () =>
    !controls || controls.isFresh && controls.isOpen(queue) && !isAnyHeld(changes, controls);
  const isStillRight = () => takesWork() && isOpen();
  const applied = await store.commit("claim", changes, { writes, isStillRight });
  if (applied) {
    // After a commit that was read back, some tasks may have moved on: even to a new lease of this worker.
    const mine = (applied as Entry[]).filter(({ record }, i) => {
      return record.lease?.token === (changes[i].next as TaskRecord).lease!.token;
    });
    return { entries: mine, block, ...scan.next([...left], isStale) };
  }
  for (const id of taken) store.ready.forget(id, queue);
  return { entries: [], block: null, ...scan.next(asked, isStale), beaten: true };
}

/** By block, the ids that have left it. */
async function holdBackAll(
  store: Store,
  controls: Controls,
  held: Held[],
): Promise<Map<Part["block"], string[]>> {
  const left = await holdBack(store, controls, held);
  return new Map(held.filter((one) => !left.includes(one)).map(({ block, ids }) => [block, ids]));
}

/** Since they were selected a pause or a limit may have come. */
function isAnyHeld(changes: Change[], controls: Controls): boolean {
  if (!controls.hasPausedDefinitions && !controls.hasLimits) return false;
  return changes.some(({ next }) => {
    const record = next as TaskRecord;
    return controls.isPaused(record.task) || controls.lacksLimits(record);
  });
}

/** What a claim does with the tasks of its parts. */
interface Selection {
  changes: Change[];
  /** Tasks that have expired in the queue. */
  late: Entry[];
  /** Tasks that became ready before there was a limit which they are under. */
  unlimited: Entry[];
  /** Ids that leave their block. */
  taken: Set<string>;
  /** Kinds of which some stay where they are. */
  left: Set<RunnerKind>;
}

async function select(
  store: Store,
  parts: Part[],
  { worker, queue, budgets, runnerOf, reservation, controls }: ClaimOptions,
): Promise<Selection> {
  const blocksOf = blocksById(parts);
  const isHere = (record: TaskRecord) =>
    isReady(record) && blocksOf.get(record.id)!.some((key) => isQueuedAt(record, key));
  const known = await store.readReady([...blocksOf.keys()], isHere, queue);
  const now = store.clock.now();
  const changes: Change[] = [];
  const late: Entry[] = [];
  const unlimited: Entry[] = [];
  const taken = new Set<string>();
  const left = new Set<RunnerKind>();
  const turns = new Set<string>();
  const slots = { ...budgets };
  let room = RECORDS_SHARE * store.kv.limits.bytes;
  for (const id of blocksOf.keys()) {
    if (store.newer.has(id)) continue;
    const entry = known.get(id);
    // A task that was cancelled, forgotten or claimed since it was queued only leaves the block.
    if (!entry || !isHere(entry.record)) taken.add(id);
    else if (canExpire(entry.record) && entry.record.expiresAt! <= now) {
      taken.add(id);
      late.push(entry);
    } else if (controls?.lacksLimits(entry.record)) {
      taken.add(id);
      unlimited.push(entry);
      left.add(runnerOf(entry.record.task)!);
    } else {
      const kind = runnerOf(entry.record.task)!;
      const { counters, isOver } = counted(entry.record, turns, changes.length, store.kv.limits);
      const isFull = slots[kind] === 0 || isOver;
      const next = claimed(entry.record, now, { worker, token: store.ids.token() });
      if (!isFull) room -= recordBytes(next) + counters.length * COUNTER_BYTES;
      // No slot is left, or the commit is full: the rest waits for the next claim.
      if (isFull || room < 0 && changes.length > 0) left.add(kind);
      else if (reservation?.take(kind, entry.record) ?? true) {
        slots[kind]--;
        taken.add(id);
        changes.push({ before: entry, next });
        for (const name of counters) turns.add(name);
      }
    }
  }
  return { changes, late, unlimited, taken, left };
}

/**
 * The counters that the start of a task steps, beyond those of the claim so far: it gives its turn to another
 * task of its key. Each is checked, as the record is.
 */
function counted(
  record: TaskRecord,
  turns: ReadonlySet<string>,
  taken: number,
  { checks }: KvLimits,
): { counters: string[]; isOver: boolean } {
  const counters = record.limits === undefined ? [] : turnsOf(record).filter((name) => !turns.has(name));
  const all = turns.size + counters.length;
  // One more for the rules.
  return { counters, isOver: taken + 1 + all + Number(all > 0) > checks };
}

async function expire(store: Store, entry: Entry): Promise<boolean> {
  const next = expired(entry.record, store.clock.now());
  if (await store.commit("settle", [{ before: entry, next }])) return true;
  store.ready.forget(entry.record.id, entry.record.queue);
  return false;
}

/**
 * The blocks of each task. A task that came back into the queue may still be in its old block too, and where
 * clocks differ either block may come first.
 */
function blocksById(parts: Part[]): Map<string, Deno.KvKey[]> {
  const blocksOf = new Map<string, Deno.KvKey[]>();
  for (const { block, wanted } of parts) {
    for (const id of wanted) {
      const known = blocksOf.get(id);
      if (known) known.push(block.key);
      else blocksOf.set(id, [block.key]);
    }
  }
  return blocksOf;
}
