// The tasks that have a tag when a stream begins. Their ids are kept while the stream is open and for a day
// after that, so that a reconnect continues over the same ones. A view is of one tag: whoever may read that
// stream learns nothing of another one by its cursor.

import { type Caller, knows } from "../core/caller.ts";
import { ValidationError } from "../core/errors.ts";
import { isForgotten } from "../core/task.ts";
import { inTenant } from "../core/tenant.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { every } from "../platform/periodic.ts";
import type { Store } from "../store/store.ts";
import { badCursor } from "./cursor.ts";

/** A stream by tag goes over at most so many tasks; more of them make a group. */
const MOST_IDS = 1_000;
const KEPT_MS = 24 * 60 * 60 * 1000;
const RENEWED_EVERY_MS = KEPT_MS / 24;

interface TagView {
  tag: string;
  ids: string[];
  /** Of the caller for whom it was made; left out for one who may know all tasks of the tenant. */
  patterns?: readonly string[];
}

/** @throws {ValidationError} for a tag that too many tasks have */
export async function makeTagView(store: Store, view: string, tag: string, caller: Caller): Promise<TagView> {
  const ids = await idsTagged(store, tag, MOST_IDS + 1, caller);
  if (ids.length > MOST_IDS) {
    const message = `more than ${MOST_IDS} tasks have the tag ${JSON.stringify(tag)}: make a group of them`;
    throw new ValidationError([{ pointer: "/tag", message }]);
  }
  const kept: TagView = { tag, ids };
  if (caller.patterns.length > 0) kept.patterns = caller.patterns;
  await keep(store, inTenant(view, caller.tenant), kept);
  return kept;
}

/**
 * It is kept for another day.
 *
 * @throws {ValidationError} for a view of another tag, or one that nobody has read for a day
 */
export async function readTagView(store: Store, view: string, tag: string, caller: Caller): Promise<TagView> {
  const { value } = await store.kv.get<TagView | string[]>(keys.view(inTenant(view, caller.tenant)));
  if (!value) throw badCursor("nobody has read the stream that it belongs to for more than a day");
  // Release 0.2 has kept the ids alone.
  const kept: TagView = Array.isArray(value)
    ? { tag: await haveTag(store, value, tag) ? tag : "", ids: value }
    : value;
  const patterns = [kept.patterns ?? [], caller.patterns].map((all) => all.join());
  if (kept.tag !== tag || patterns[0] !== patterns[1]) throw badCursor("it belongs to another tag");
  await keep(store, inTenant(view, caller.tenant), kept);
  return kept;
}

/** A task keeps its tags as long as it is there. */
async function haveTag(store: Store, ids: string[], tag: string): Promise<boolean> {
  const found = await store.peekMany(ids);
  const there = found.flatMap((entry) => entry === null || isForgotten(entry.record) ? [] : entry.record);
  return ids.length === 0 || there.length > 0 && there.every(({ tags }) => tags.includes(tag));
}

/** The stream over a view, which is kept meanwhile. */
export async function* keepingView<T>(
  store: Store,
  view: string,
  kept: TagView,
  stream: AsyncGenerator<T>,
): AsyncGenerator<T> {
  // A write that fails is made up for by the next one: there are many in a day.
  const stop = every(store.clock, RENEWED_EVERY_MS, () => keep(store, view, kept).catch(() => {}));
  try {
    yield* stream;
  } finally {
    await stop();
  }
}

async function keep({ kv, clock }: Store, view: string, kept: TagView): Promise<void> {
  const now = clock.now();
  await kv.writeBlind([{ key: keys.view(view), value: kept, expireAt: now + KEPT_MS }], now);
}

/** Newest first. */
async function idsTagged(store: Store, tag: string, limit: number, caller: Caller): Promise<string[]> {
  const prefix = prefixes.index("tag", tag, caller.tenant);
  const page = await store.kv.list({ prefix }, { limit, reverse: true });
  const ids = page.map(({ key }) => parse.index(key).id);
  const found = await store.readMany(ids, "caller");
  return ids.filter((_, i) => {
    const record = found[i]?.record;
    return record && !isForgotten(record) && knows(caller, record);
  });
}
