// Bounds what callers keep stored, where a quota says so: records, inputs and results of their tasks, until
// these are deleted or their retention is over. It is counted by reading the tasks of the caller's tenant,
// now and then, and followed from there by what is submitted here: results, and what other processes take,
// are seen at the next count.

import type { Caller } from "../core/caller.ts";
import { StorageFullError } from "../core/errors.ts";
import { isForgotten, type Stored, type StoredValue } from "../core/task.ts";
import { labelOf, type Usage, type Usages } from "../core/usage.ts";
import { tasksOf } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Checked } from "./prepare.ts";

/** The pause after a count, in multiples of the time it took: counting must not become the main work. */
const PAUSE_FACTOR = 10;
const SHORTEST_PAUSE_MS = 100;
/** It is counted again once this part of a quota was given away: results come on top. */
const TRUSTED_PART = 0.1;
const RECORDS_PER_READ = 200;
/** Of a task without its input and its options. */
const RECORD_BYTES = 1_000;

interface Tenant {
  name: string;
  /** Who is counted, by the names of keys. */
  readonly seen: Map<string, readonly Usage[]>;
  /** Let in since the last count. */
  admitted: number;
  /** While it is counted: what each has got meanwhile. */
  meanwhile: Map<Usage, number> | null;
  nextCountAt: number;
  counting: Promise<void> | null;
}

export class StoredLimit {
  readonly #tenants = new Map<string, Tenant>();
  #isStopped = false;

  constructor(private readonly store: Store, private readonly usages: Usages) {}

  /** @throws {StorageFullError} if there is no room for these tasks */
  async admit(checked: readonly Checked[], caller: Caller): Promise<void> {
    if (caller.name === null) return;
    const usages = this.usages.of(caller);
    const bounded = usages.filter((usage) => usage.quota("storedBytes") !== undefined);
    if (bounded.length === 0) return;
    const tenant = this.#tenant(caller.tenant);
    tenant.seen.set(caller.name, usages);
    const bytes = checked.reduce((sum, one) => sum + bytesOf(one), 0);
    const least = Math.min(...bounded.map((usage) => usage.quota("storedBytes")!));
    // At first nothing is known: a count of very many tasks holds up nobody.
    if (tenant.admitted + bytes > TRUSTED_PART * least) this.#count(tenant).catch(() => {});
    if (fullFor(bytes, bounded)) await this.#count(tenant);
    const full = fullFor(bytes, bounded);
    if (full) throw full;
    tenant.admitted += bytes;
    for (const usage of usages) {
      usage.storedBytes += bytes;
      tenant.meanwhile?.set(usage, (tenant.meanwhile.get(usage) ?? 0) + bytes);
    }
  }

  /** Counts what a tenant's callers keep, unless it was counted just now. */
  async count(tenant: string): Promise<void> {
    await this.#count(this.#tenant(tenant));
  }

  /** Counts no more. Resolves once no count is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled([...this.#tenants.values()].map(({ counting }) => counting));
  }

  #tenant(name: string): Tenant {
    let tenant = this.#tenants.get(name);
    if (!tenant) {
      const unknown = { admitted: Infinity, meanwhile: null, nextCountAt: -Infinity, counting: null };
      this.#tenants.set(name, tenant = { name, seen: new Map(), ...unknown });
    }
    return tenant;
  }

  async #count(tenant: Tenant): Promise<void> {
    const { clock } = this.store;
    if (this.#isStopped || tenant.counting === null && clock.monotonic() < tenant.nextCountAt) return;
    tenant.counting ??= this.#countAll(tenant).finally(() => tenant.counting = tenant.meanwhile = null);
    await tenant.counting;
  }

  async #countAll(tenant: Tenant): Promise<void> {
    const { clock, kv } = this.store;
    const startedAt = clock.monotonic();
    const meanwhile: Map<Usage, number> = tenant.meanwhile = new Map();
    tenant.admitted = 0;
    const names = new Map<string | null, number>();
    const selector = tasksOf(tenant.name, "", null);
    for await (const page of pages<Uint8Array>(kv, selector, { size: RECORDS_PER_READ })) {
      if (this.#isStopped) return;
      for (const entry of page) {
        const found = entryOrNewer(entry);
        if (found === null || isNewerRecord(found)) continue;
        const name = isForgotten(found.record) ? null : found.record.caller ?? null;
        names.set(name, (names.get(name) ?? 0) + entry.value.byteLength + apartBytes(found.record));
      }
    }
    let all = 0;
    for (const [name, bytes] of names) {
      all += bytes;
      if (name !== null) tenant.seen.set(name, this.usages.of({ name, tenant: tenant.name }));
    }
    for (const [name, [own, ofTenant]] of tenant.seen) {
      own.storedBytes = (names.get(name) ?? 0) + (meanwhile.get(own) ?? 0);
      if (ofTenant) ofTenant.storedBytes = all + (meanwhile.get(ofTenant) ?? 0);
    }
    const tookMs = clock.monotonic() - startedAt;
    tenant.nextCountAt = clock.monotonic() + Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * tookMs);
  }
}

/** With its metadata, its tags and the keys of its limits, which may be longer than all else. */
function bytesOf({ input, submission: { options } }: Checked): number {
  return RECORD_BYTES + input.length + (options === undefined ? 0 : JSON.stringify(options).length);
}

function fullFor(bytes: number, bounded: readonly Usage[]): StorageFullError | null {
  for (const usage of bounded) {
    const most = usage.quota("storedBytes");
    if (most !== undefined && usage.storedBytes + bytes > most) {
      return new StorageFullError(labelOf(usage.of), usage.storedBytes, most);
    }
  }
  return null;
}

/** What a task keeps beside its record. */
function apartBytes(record: Stored): number {
  if (isForgotten(record)) return 0;
  const sizeOf = (value: StoredValue | null) => value && "bytes" in value ? value.bytes : 0;
  return sizeOf(record.input) + sizeOf(record.result);
}
