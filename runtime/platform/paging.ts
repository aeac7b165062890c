// Lists of any length: a page at a time, or the first key of each group of keys.

import { after, behindAll } from "./keys.ts";
import type { KvPort } from "./kv.ts";

export interface PageOptions {
  size: number;
  /** Each page is four times as large as the one before, up to this size. Without it all have one size. */
  growTo?: number;
  /** From the last key to the first one. The selector must be a prefix alone, or have an end. */
  reverse?: boolean;
}

/** All entries of a selector. No page is empty; each is read when the one before is done with. */
export async function* pages<T>(
  kv: Pick<KvPort, "list">,
  selector: Deno.KvListSelector,
  { size, growTo = size, reverse = false }: PageOptions,
): AsyncGenerator<Deno.KvEntry<T>[]> {
  for (let limit = size;; limit = Math.min(4 * limit, growTo)) {
    const page = await kv.list<T>(selector, { limit, reverse });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    const last = page[page.length - 1].key;
    selector = reverse ? { ...selector, end: last } : { ...selector, start: after(last) };
  }
}

/**
 * The first key of each group under a prefix: one small read for each group, however many keys it has.
 *
 * @param groupOf the prefix that the keys of the same group share
 * @param start where to begin, if not at the first key
 */
export async function* firstOfEach(
  kv: Pick<KvPort, "list">,
  prefix: Deno.KvKey,
  groupOf: (key: Deno.KvKey) => Deno.KvKey,
  start: Deno.KvKey = after(prefix),
): AsyncGenerator<Deno.KvKey> {
  for (;;) {
    const [first] = await kv.list({ start, end: behindAll(prefix) }, { limit: 1 });
    if (!first) return;
    yield first.key;
    start = behindAll(groupOf(first.key));
  }
}

const KEYS_PER_DELETE = 500;

export async function deleteUnder(
  kv: Pick<KvPort, "list" | "writeBlind">,
  prefix: Deno.KvKey,
): Promise<void> {
  for await (const page of pages(kv, { prefix }, { size: KEYS_PER_DELETE })) {
    await kv.writeBlind(page.map(({ key }) => ({ key })), 0);
  }
}
