// The tasks that have a tag when a stream begins. From its first event on, whose cursor names the view, their
// ids are kept while the stream is open and for a day after that, so that a reconnect continues over the same
// ones. A view is named by what is in it: however many read the same, it is there once. It is of one tag:
// whoever may read that stream learns nothing of another one by its cursor.

import { type Caller, knows } from "../core/caller.ts";
import { ValidationError } from "../core/errors.ts";
import { BoundedMap } from "../core/bounded_map.ts";
import { sha256 } from "../core/sha256.ts";
import { isForgotten } from "../core/task.ts";
import { bare, inTenant } from "../core/tenant.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { every } from "../platform/periodic.ts";
import type { Store } from "../store/store.ts";
import type { CompletionEvent } from "./completion_events.ts";
import { badCursor } from "./cursor.ts";

/** A stream by tag goes over at most so many tasks; more of them make a group. */
const MOST_IDS = 1_000;
const RENEWED_EVERY_MS = 60 * 60 * 1000;
/** A day after the last reader, who may have found that it was renewed just before. */
const KEPT_MS = 25 * RENEWED_EVERY_MS;
/** Views of which this process remembers when it has kept them. */
const MOST_REMEMBERED = 1_000;

export interface TagView {
  /** As cursors say it. */
  name: string;
  tag: string;
  ids: string[];
  /** For whom it was made. */
  caller: Caller;
}

/** In the database. Release 0.2 has kept a list of ids alone. */
interface KeptView {
  tag: string;
  /** 16 bytes each, without the tenant. */
  ids: Uint8Array;
  /** Left out for a caller who may know all tasks of the tenant. */
  patterns?: readonly string[];
}

export class TagViews {
  /** When this process has kept them (monotonic). */
  readonly #keptAt = new BoundedMap<string, number>(MOST_REMEMBERED);

  constructor(private readonly store: Store) {}

  /**
   * Nothing is stored yet.
   *
   * @throws {ValidationError} for a tag that too many tasks have
   */
  async make(tag: string, caller: Caller): Promise<TagView> {
    const ids = await idsTagged(this.store, tag, MOST_IDS + 1, caller);
    if (ids.length > MOST_IDS) {
      const message = `more than ${MOST_IDS} tasks have the tag ${JSON.stringify(tag)}: make a group of them`;
      throw new ValidationError([{ pointer: "/tag", message }]);
    }
    const content = JSON.stringify([tag, caller.tenant, caller.patterns, ids]);
    return { name: sha256().update(content).digest("hex").slice(0, 32), tag, ids, caller };
  }

  /**
   * It is kept for another day.
   *
   * @throws {ValidationError} for a view of another tag or caller, or one that nobody has read for a day
   */
  async read(name: string, tag: string, caller: Caller): Promise<TagView> {
    const { value } = await this.store.kv.get<KeptView | string[]>(keys.view(inTenant(name, caller.tenant)));
    if (!value) throw badCursor("nobody has read the stream that it belongs to for more than a day");
    const ids = Array.isArray(value) ? value : idsIn(value.ids, caller.tenant);
    const isOfTag = Array.isArray(value) ? await haveTag(this.store, ids, tag) : value.tag === tag;
    const patterns = Array.isArray(value) ? [] : value.patterns ?? [];
    if (!isOfTag || patterns.join() !== caller.patterns.join()) throw badCursor("it belongs to another tag");
    const view = { name, tag, ids, caller };
    await this.#keep(view);
    return view;
  }

  /** The stream over a view, which is kept from its first event on: before that nobody has a cursor of it. */
  async *keeping(view: TagView, stream: AsyncGenerator<CompletionEvent>): AsyncGenerator<CompletionEvent> {
    let stop: (() => Promise<void>) | null = null;
    try {
      for await (const event of stream) {
        // Behind the end nothing is read.
        if (stop === null && event.kind !== "end") {
          await this.#keep(view);
          // A write that fails is made up for by the next one: there are many in a day.
          stop = every(this.store.clock, RENEWED_EVERY_MS, () => this.#keep(view).catch(() => {}));
        }
        yield event;
      }
    } finally {
      await stop?.();
    }
  }

  async #keep({ name, tag, ids, caller: { tenant, patterns } }: TagView): Promise<void> {
    const { kv, clock } = this.store;
    const key = inTenant(name, tenant);
    const at = clock.monotonic();
    const keptAt = this.#keptAt.get(key);
    if (keptAt !== undefined && at - keptAt < RENEWED_EVERY_MS) return;
    const now = clock.now();
    const value: KeptView = { tag, ids: packed(ids) };
    if (patterns.length > 0) value.patterns = patterns;
    await kv.writeBlind([{ key: keys.view(key), value, expireAt: now + KEPT_MS }], now);
    this.#keptAt.set(key, at);
  }
}

/** A third of what the texts take. */
function packed(ids: string[]): Uint8Array {
  const digits = ids.map((id) => bare(id).replaceAll("-", "")).join("");
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

function idsIn(kept: Uint8Array, tenant: string): string[] {
  const digits = Array.from(kept, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return Array.from(digits.matchAll(/(.{8})(.{4})(.{4})(.{4})(.{12})/g), ([, ...parts]) => {
    return inTenant(parts.join("-"), tenant);
  });
}

/** A task keeps its tags as long as it is there. */
async function haveTag(store: Store, ids: string[], tag: string): Promise<boolean> {
  const found = await store.peekMany(ids);
  const there = found.flatMap((entry) => entry === null || isForgotten(entry.record) ? [] : entry.record);
  return ids.length === 0 || there.length > 0 && there.every(({ tags }) => tags.includes(tag));
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
