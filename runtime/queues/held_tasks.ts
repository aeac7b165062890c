// Where ready tasks of a paused definition stand. They share queues with others, so claims take them out of
// the queue where they meet them: no claim meets them twice. When the definition goes on, they go back to
// where they stood. Records do not change on the way; they name their block by its first name.

import type { TaskRecord } from "../core/task.ts";
import { beside, keys, parse, prefixes } from "../platform/keys.ts";
import { heldId } from "../platform/outbox_subject.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import {
  heldDefinitions,
  movedBlock,
  partOf,
  queueKeyOf,
  type ReadyBlock,
  without,
} from "../store/ready_queue.ts";
import { writeBytes } from "../store/record_size.ts";
import type { Store } from "../store/store.ts";
import { type Control, isInForce } from "./control_set.ts";
import type { Controls } from "./controls.ts";

/** A block of a queue, and ids in it. */
export interface Held {
  block: Deno.KvEntry<ReadyBlock>;
  ids: string[];
}

/** Blocks of one place in the queue. */
const MOST_MOVED = 100;
/** Blocks that are read at once on the way back. */
const PER_READ = 90;
/** The part of a commit's bytes that is for them. */
const BYTES_SHARE = 0.7;

/**
 * Takes tasks of paused definitions out of their queue.
 *
 * @returns what was not taken: a definition goes on already
 */
export async function holdBack(store: Store, controls: Controls, held: readonly Held[]): Promise<Held[]> {
  const taken = await Promise.all(held.map((one) => holdBackOne(store, controls, one)));
  const left = held.filter((_, i) => !taken[i]);
  if (left.length > 0) await controls.lookAgain();
  return left;
}

/** The units of many blocks share commits. */
async function holdBackOne(store: Store, controls: Controls, { block, ids }: Held): Promise<boolean> {
  const place = parse.ready(block.key);
  const named = new Map(block.value.ids.map((id, i) => [id, block.value.tasks[i]]));
  const checks: Deno.AtomicCheck[] = [];
  const writes = [without(block, new Set(ids))];
  for (const [definition, of] of Map.groupBy(ids, (id) => named.get(id)!)) {
    // Whoever resumes it must find all that is held.
    const versionstamp = controls.now.get("definition", definition)?.versionstamp ?? null;
    if (versionstamp === null) return false;
    checks.push({ key: keys.control("definition", definition), versionstamp });
    const key = keys.held(definition, { ...place, block: movedBlock(place.block, store.ids.token()) });
    writes.push({ key, value: partOf(block.value, new Set(of)) });
  }
  if (await store.commit("claim", [], { checks, writes }) === null) return false;
  for (const id of ids) store.ready.forget(id, place.queue);
  return true;
}

/**
 * Puts tasks of a definition back into their queues, as many as one commit takes.
 *
 * @param outboxVersion the version of the outbox entry that asked for it
 * @returns false if there may be more, or something has changed meanwhile.
 */
export async function letGo(store: Store, definition: string, outboxVersion: string): Promise<boolean> {
  const { kv, clock } = store;
  const outboxKey = keys.outbox(heldId(definition));
  const control = await kv.get<Control>(keys.control("definition", definition));
  const pause = control.value?.paused;
  const limit = Math.min(PER_READ, kv.limits.checks - 2);
  const blocks = pause && isInForce(pause, clock.now())
    ? []
    : await kv.list<ReadyBlock>({ prefix: prefixes.held(definition) }, { limit });
  const checks: Deno.AtomicCheck[] = [{ key: outboxKey, versionstamp: outboxVersion }, control];
  if (blocks.length === 0) {
    return await store.commit("outbox", [], { checks, writes: [{ key: outboxKey }] }) !== null;
  }
  const writes: Write[] = [];
  let bytes = 0;
  for (const block of blocks) {
    const { place: { shard, priority, order, block: name, queue } } = parse.held(block.key);
    const key = keys.ready(shard, priority, order, movedBlock(name, store.ids.token()), queue);
    const write = { key, value: block.value };
    bytes += writeBytes(write);
    if (writes.length > 0 && bytes > BYTES_SHARE * kv.limits.bytes) break;
    writes.push({ key: block.key }, write);
    checks.push(block);
  }
  await store.commit("outbox", [], { checks, writes, rings: true });
  return false;
}

/**
 * The ids of those that stand in a block that was moved: held, or back in its queue under another name.
 *
 * @param records that are not where they first stood
 */
export async function whereMoved(kv: KvPort, records: readonly TaskRecord[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const record of records) {
    const key = queueKeyOf(record, kv.shards);
    const named = { prefix: beside(key) };
    const held = { prefix: prefixes.heldFrom(record.task, parse.ready(key)) };
    // Held first: it may go back meanwhile, and is held again at the earliest when a claim has met it.
    for (const selector of [held, named, held]) {
      const blocks = await kv.list<ReadyBlock>(selector, { limit: MOST_MOVED });
      if (blocks.some(({ value }) => value.ids.includes(record.id))) found.add(record.id);
    }
  }
  return found;
}

/**
 * Tasks of definitions that are not paused go back into their queues: whoever was to put them there may have
 * lost the request.
 */
export async function askForHeld(store: Store): Promise<void> {
  const { kv, clock } = store;
  for await (const { definition } of heldDefinitions(kv)) {
    const control = await kv.get<Control>(keys.control("definition", definition));
    const pause = control.value?.paused;
    if (pause && isInForce(pause, clock.now())) continue;
    await kv.writeBlind([outboxWrite(heldId(definition))], 0);
  }
}
