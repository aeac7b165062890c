// The tasks that have a tag when a stream begins. Their ids are kept, so that a reconnect continues over the
// same ones.

import { ValidationError } from "../core/errors.ts";
import { isForgotten } from "../core/task.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";

/** A stream by tag goes over at most so many tasks; more of them make a group. */
const MOST_IDS = 1_000;
const KEPT_MS = 24 * 60 * 60 * 1000;

/** @throws {ValidationError} for a tag that too many tasks have */
export async function makeTagView(store: Store, view: string, tag: string): Promise<string[]> {
  const ids = await idsTagged(store, tag, MOST_IDS + 1);
  if (ids.length > MOST_IDS) {
    const message = `more than ${MOST_IDS} tasks have the tag ${JSON.stringify(tag)}: make a group of them`;
    throw new ValidationError([{ pointer: "/tag", message }]);
  }
  const now = store.clock.now();
  await store.kv.writeBlind([{ key: keys.view(view), value: ids, expireAt: now + KEPT_MS }], now);
  return ids;
}

/** Null if it was made too long ago. */
export async function readTagView(store: Store, view: string): Promise<string[] | null> {
  return (await store.kv.get<string[]>(keys.view(view))).value;
}

/** Newest first. */
async function idsTagged(store: Store, tag: string, limit: number): Promise<string[]> {
  const page = await store.kv.list({ prefix: prefixes.index("tag", tag) }, { limit, reverse: true });
  const ids = page.map(({ key }) => parse.index(key).id);
  const found = await store.readMany(ids);
  return ids.filter((_, i) => found[i] !== null && !isForgotten(found[i].record));
}
