// Parts for tests of the engine: records, seeded ids, a store on a database of its own.

import { type Ids, makeIds } from "../../runtime/platform/ids.ts";
import { keys } from "../../runtime/platform/keys.ts";
import type { KvLimits, KvPort } from "../../runtime/platform/kv.ts";
import type { Starter } from "../../runtime/store/starter.ts";
import { decode, encode } from "../../runtime/store/record_codec.ts";
import { Store } from "../../runtime/store/store.ts";
import { type Entry, isForgotten, type Stored, type TaskRecord } from "../../runtime/core/task.ts";
import { submitted } from "../../runtime/core/transitions.ts";
import { Values } from "../../runtime/store/values.ts";
import type { ClaimOptions } from "../../runtime/worker/claim.ts";
import { Folder } from "./folder.ts";
import { ManualClock, START } from "./manual_clock.ts";
import { openPatientKv } from "./patient_kv.ts";
import { Random } from "./random.ts";

/** The same bytes in every run. */
export function seeded(seed = 1): Random["fill"] {
  return new Random(seed).fill;
}

let drafts = 0;

/** A record without a state. */
export function aDraft(patch: Partial<TaskRecord> = {}): TaskRecord {
  const id = `019a0000-0000-7000-8000-${(++drafts).toString(16).padStart(12, "0")}`;
  return {
    id,
    task: "work",
    rev: 0,
    op: "",
    seq: 0,
    history: [],
    attempt: 0,
    maxAttempts: 1,
    crashes: 0,
    maxCrashes: 3,
    lease: null,
    input: { json: "{}" },
    result: null,
    error: null,
    progress: null,
    cancel: null,
    priority: 0,
    tags: [],
    metadata: "{}",
    groups: [],
    parentId: null,
    timeoutMs: null,
    retry: { delayMs: 1_000, factor: 2, maxDelayMs: 60_000, jitter: false },
    retentionMs: 60_000,
    createdAt: START,
    runAt: START,
    startedAt: null,
    finishedAt: null,
    expiresAt: null,
    ...patch,
  };
}

export interface Bench extends AsyncDisposable {
  kv: KvPort;
  clock: ManualClock;
  ids: Ids;
  store: Store;
  values: Values;
  /** Stores new tasks, each in its first state. */
  submit(...patches: Partial<TaskRecord>[]): Promise<Entry[]>;
  /** The record as KV has it. */
  record(id: string): Promise<TaskRecord>;
  /** Every key in the database. */
  all(): Promise<Deno.KvEntry<unknown>[]>;
}

export interface BenchOptions {
  path?: string;
  shards?: number;
  limits?: KvLimits;
  /** Put between the store and the database. */
  wrap?: (kv: Deno.Kv) => Deno.Kv;
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  starter?: () => Starter | null;
}

export async function aBench(options: BenchOptions = {}): Promise<Bench> {
  const { path = ":memory:" } = options;
  const kv = await openPatientKv(path, options);
  const clock = new ManualClock();
  const ids = makeIds(clock, seeded());
  const store = new Store({ kv, clock, ids, onCommit: options.onCommit, starter: options.starter });
  return {
    kv,
    clock,
    ids,
    store,
    values: new Values(kv, ids, store.turns),
    async submit(...patches) {
      const applied = await Promise.all(patches.map((patch) => {
        const now = clock.now();
        const draft = aDraft({ id: ids.id(), createdAt: now, runAt: now, ...patch });
        return store.commit("submit", [{ before: null, next: submitted(draft, now) }], { fresh: true });
      }));
      return applied.map((entries) => entries![0] as Entry);
    },
    record: async (id) => taskOf((await store.peekMany([id]))[0]),
    all: () => Array.fromAsync((kv.writer as Deno.Kv).list({ prefix: [] })),
    async [Symbol.asyncDispose]() {
      await store.idle();
      await kv.close();
    },
  };
}

/** What a claim takes: so many tasks, of these definitions. */
export function upTo(
  count: number,
  knows: (task: string) => boolean = () => true,
): Pick<ClaimOptions, "budgets" | "runnerOf"> {
  return { budgets: { inline: count, thread: 0 }, runnerOf: (task) => knows(task) ? "inline" : null };
}

export function taskOf(entry: Entry<Stored> | null | undefined): TaskRecord {
  if (!entry || isForgotten(entry.record)) throw new Error("no such task");
  return entry.record;
}

/** A record as it comes back from KV: without the fields that are undefined. */
export function asStored<T extends Stored>(record: T): T {
  return decode(encode(record)) as T;
}

/** The same test on every backend. */
export function onEachBackend(name: string, test: (path: string) => Promise<void>): void {
  Deno.test(`${name} (memory)`, () => test(":memory:"));
  Deno.test(`${name} (file)`, async () => {
    await using folder = await Folder.with();
    await test(folder.at("test.db"));
  });
}

export { keys };
