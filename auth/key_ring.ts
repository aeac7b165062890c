// The keys that a process knows: those of its settings, and those of the database. These are looked at again
// by the first call that comes 0.9 s after the last look, and every half second while streams are open. So a
// key that was revoked anywhere opens nothing a second later, and an idle process reads nothing. A secret
// that no key has is a reason to look at once: whoever has just made a key uses it.

import type { Caller } from "../runtime/core/caller.ts";
import type { Usage } from "../runtime/core/usage.ts";
import { BoundedMap } from "../runtime/core/bounded_map.ts";
import type { Clock, KvPort } from "../runtime/mod.ts";
import { type ApiKey, hexHashOf, hexOf } from "./api_keys.ts";
import { Callers } from "./callers.ts";
import { type KeyRecord, KeyStore } from "./key_store.ts";
import { type QuotaRule, QuotaStore } from "./quota_store.ts";

const STALE_AFTER_MS = 900;
const UNKNOWN_AFTER_MS = 100;
const WATCH_EVERY_MS = 500;
const USED_EVERY_MS = 60 * 60 * 1000;
/** Digits of a hash that tell one secret from another; a ticket shows them. */
const MARK_DIGITS = 20;
/** Hashing one takes longer than all else that a call with a key costs here. */
const MOST_SECRETS = 1_000;

/** A secret that opens something, and whose it is. */
export class HeldKey {
  readonly #ends = new Set<() => void>();
  #isOver = false;

  /** @param watched begins to look out for its end, and gives what stops that */
  constructor(
    readonly caller: Caller,
    /** What counts what it uses. */
    readonly usages: readonly Usage[],
    readonly hash: string,
    private readonly watched: () => () => void,
    /** Null for a key of the settings. */
    readonly id: string | null = null,
    /** When it ends by itself. */
    readonly until: number = Infinity,
  ) {}

  /** Stands for the secret in tickets. */
  get mark(): string {
    return this.hash.slice(0, MARK_DIGITS);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing that it has opened goes on. */
  end(): void {
    this.#isOver = true;
    for (const end of [...this.#ends]) end();
  }

  /**
   * Calls `end` once the key is revoked or has expired, unless the returned function is called before. While
   * anybody waits for that, the database is looked at by itself.
   */
  onEnd(end: () => void): () => void {
    this.#ends.add(end);
    const unwatch = this.watched();
    return () => {
      if (this.#ends.delete(end)) unwatch();
    };
  }
}

export class KeyRing {
  readonly #own: HeldKey[];
  #byMark: Map<string, HeldKey>;
  /** Those of the last calls that were right; of wrong ones nothing stays. */
  readonly #bySecret = new BoundedMap<string, HeldKey>(MOST_SECRETS);
  /** Undefined before the first look. */
  #version: string | null | undefined;
  #lookedAt = -Infinity;
  #looking: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;
  #watchers = 0;
  readonly #usedAt = new Map<string, number>();
  readonly #unnoted = new Set<string>();
  #rules: QuotaRule[] = [];

  readonly store: KeyStore;
  readonly quotas: QuotaStore;
  readonly callers: Callers;

  /**
   * @param keys of the settings
   * @param share of what all may have, that one caller may have where there are others
   */
  constructor(kv: KvPort, private readonly clock: Clock, keys: readonly ApiKey[] = [], share?: number) {
    this.store = new KeyStore(kv, clock);
    this.quotas = new QuotaStore(kv, clock);
    this.callers = new Callers(() => this.fresh(), share);
    this.#own = keys.map(({ name, scopes, hash }) => {
      const caller: Caller = { name, scopes, tenant: "", patterns: [] };
      return new HeldKey(caller, this.callers.known(caller), hexOf(hash), this.#watchKey);
    });
    this.#byMark = this.#marked([]);
    this.callers.update([], this.#live());
  }

  /** True if calls need a key: one was given or made, also if it is gone. */
  get isLocked(): boolean {
    return this.#own.length > 0 || typeof this.#version === "string";
  }

  /** The names of the keys of the settings. */
  get ownKeys(): readonly Caller[] {
    return this.#own.map(({ caller }) => caller);
  }

  /**
   * To be awaited before a key is looked for. Null: there is nothing to wait for.
   *
   * @throws {UnavailableError}
   */
  fresh(): Promise<void> | null {
    return this.clock.monotonic() - this.#lookedAt < STALE_AFTER_MS ? null : this.look();
  }

  /**
   * To be awaited before a secret that no key has is refused: the key may have been made just now. Null: the
   * last look was just now too, so that wrong secrets cannot make it look more than ten times a second.
   *
   * @throws {UnavailableError}
   */
  newest(): Promise<void> | null {
    return this.clock.monotonic() - this.#lookedAt < UNKNOWN_AFTER_MS ? null : this.look();
  }

  /** The key of a secret. What a wrong one takes does not depend on the secrets that there are. */
  find(secret: string): HeldKey | null {
    const known = this.#bySecret.get(secret);
    if (known !== undefined) return this.#isGood(known) ? known : null;
    const hash = hexHashOf(secret);
    const found = this.ofMark(hash.slice(0, MARK_DIGITS));
    if (found?.hash !== hash) return null;
    this.#bySecret.set(secret, found);
    return found;
  }

  /** True for a secret of the settings: it is good whether or not the database answers. */
  isOwn(secret: string): boolean {
    return this.#own.includes(this.find(secret)!);
  }

  ofMark(mark: string): HeldKey | null {
    const found = this.#byMark.get(mark);
    return found && this.#isGood(found) ? found : null;
  }

  #isGood({ isOver, until }: HeldKey): boolean {
    return !isOver && until > this.clock.now();
  }

  /** Whoever has a key that opens something. */
  #live(): Caller[] {
    return [...this.#byMark.values()].filter((held) => this.#isGood(held)).map(({ caller }) => caller);
  }

  /** The next look notes that it is in use, about once an hour. */
  use({ id }: HeldKey): void {
    if (id === null) return;
    const now = this.clock.now();
    if (Math.abs(now - (this.#usedAt.get(id) ?? -Infinity)) < USED_EVERY_MS) return;
    this.#usedAt.set(id, now);
    this.#unnoted.add(id);
  }

  readonly #watchKey = (): () => void => {
    this.#watchers++;
    this.#cancelTimer ??= this.clock.timer(() => this.#watch(), WATCH_EVERY_MS);
    return () => {
      if (--this.#watchers > 0) return;
      this.#cancelTimer?.();
      this.#cancelTimer = null;
    };
  };

  /** Reads what has changed. Many calls wait for one look. */
  look(): Promise<void> {
    return this.#looking ??= this.#look().finally(() => this.#looking = null);
  }

  async #look(): Promise<void> {
    const askedAt = this.clock.monotonic();
    const version = await this.store.version();
    const isChanged = version !== this.#version;
    if (isChanged) {
      const list = await this.store.list();
      if (list.version !== null) this.#rules = await this.quotas.list();
      const uses = list.version === null ? [] : await this.store.uses();
      for (const [id, at] of uses) this.#usedAt.set(id, Math.max(at, this.#usedAt.get(id) ?? 0));
      const before = this.#byMark;
      this.#byMark = this.#marked(list.records);
      this.#bySecret.clear();
      for (const held of before.values()) if (this.#byMark.get(held.mark) !== held) held.end();
      this.#version = list.version;
    }
    this.#lookedAt = askedAt;
    const expired = [...this.#byMark.values()].filter((held) => !this.#isGood(held) && !held.isOver);
    for (const held of expired) held.end();
    if (isChanged || expired.length > 0) this.callers.update(this.#rules, this.#live());
    await this.#note();
  }

  /** A note that is lost is made up for an hour later. */
  async #note(): Promise<void> {
    for (const id of this.#unnoted) {
      this.#unnoted.delete(id);
      await this.store.wasUsed(id, this.#usedAt.get(id)!).catch(() => {});
    }
  }

  /** The keys of the settings and of these records. One that has not changed is the same object as before. */
  #marked(records: KeyRecord[]): Map<string, HeldKey> {
    const marked = new Map<string, HeldKey>();
    const hold = (held: HeldKey) => {
      const known = this.#byMark?.get(held.mark);
      const isSame = known && known.id === held.id && known.until === held.until && !known.isOver;
      marked.set(held.mark, isSame ? known : held);
    };
    for (const record of records) {
      const { id, name, scopes, tenant = "", patterns = [], hash, former } = record;
      const caller: Caller = { name, scopes: new Set(scopes), tenant, patterns };
      const usages = this.callers.known(caller);
      const until = record.expiresAt ?? Infinity;
      hold(new HeldKey(caller, usages, hash, this.#watchKey, id, until));
      if (!former) continue;
      hold(new HeldKey(caller, usages, former.hash, this.#watchKey, id, Math.min(until, former.until)));
    }
    for (const held of this.#own) marked.set(held.mark, held);
    return marked;
  }

  async #watch(): Promise<void> {
    // A database that does not answer is asked again.
    const cancel = this.#cancelTimer;
    await this.look().catch(() => {});
    // All may have gone meanwhile, and others have come.
    if (this.#cancelTimer !== cancel || cancel === null) return;
    this.#cancelTimer = this.clock.timer(() => this.#watch(), WATCH_EVERY_MS);
  }
}
