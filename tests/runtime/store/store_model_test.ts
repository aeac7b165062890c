// Random lives of a few tasks. After all of them settle, every key in the database must follow from the
// records.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { claim } from "../../../runtime/worker/claim.ts";
import { decode } from "../../../runtime/store/record_codec.ts";
import { entriesOf } from "../../../runtime/store/index_entries.ts";
import { eventsOfPastEnd } from "../../../runtime/store/event_log.ts";
import { type GroupRecord, newGroup } from "../../../runtime/store/group_counters.ts";
import { keys } from "../../../runtime/platform/keys.ts";
import { isQueuedAt, type ReadyBlock } from "../../../runtime/store/ready_queue.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../../../runtime/core/task.ts";
import { Timers } from "../../../runtime/maintenance/timers.ts";
import {
  cancelled,
  cancelRequested,
  reclaimed,
  retried,
  settled,
} from "../../../runtime/core/transitions.ts";
import { aBench, type Bench, upTo } from "../../support/builders.ts";
import { FaultyKv, MISHAPS } from "../../support/faulty_kv.ts";

const GROUP = "g";

type Step =
  | { do: "submit"; delayMs: number; ttlMs: number; maxAttempts: number; grouped: boolean; tagged: boolean }
  | { do: "claim"; limit: number; worker: string }
  | { do: "settle" | "fail" | "release" | "reclaim" | "cancel" | "retry" | "forget" | "tag"; task: number }
  | { do: "wait"; ms: number }
  | { do: "mishap"; which: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("submit" as const),
      delayMs: fc.constantFrom(0, 0, 50),
      ttlMs: fc.constantFrom(0, 0, 30, 100),
      maxAttempts: fc.constantFrom(1, 2),
      grouped: fc.boolean(),
      tagged: fc.boolean(),
    }),
    fc.record({ do: fc.constant("claim" as const), limit: fc.nat(4), worker: fc.constantFrom("w", "v") }),
    fc.record({
      do: fc.constantFrom(
        ...(["settle", "fail", "release", "reclaim", "cancel", "retry", "forget", "tag"] as const),
      ),
      task: fc.nat(7),
    }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(10, 40) }),
    fc.record({ do: fc.constant("mishap" as const), which: fc.nat(2) }),
  ),
  { minLength: 10, maxLength: 50 },
);

async function run(bench: Bench, faulty: FaultyKv, sequence: Step[]): Promise<void> {
  const { store, clock } = bench;
  const timers = new Timers(store, bench.values);
  const ids: string[] = [];
  const total = sequence.filter((step) => step.do === "submit" && step.grouped).length;
  const now = clock.now();
  await bench.kv.writeBlind(newGroup({ id: GROUP, total }, now), now);
  for (const step of sequence) {
    if (step.do === "wait") {
      clock.advance(step.ms);
      await clock.run(tolerant(timers.tick()));
    } else if (step.do === "mishap") {
      faulty.next.push(MISHAPS[step.which]);
    } else if (step.do === "submit") {
      const [entry] = await clock.run(bench.submit({
        runAt: clock.now() + step.delayMs,
        expiresAt: step.ttlMs === 0 ? null : clock.now() + step.ttlMs,
        maxAttempts: step.maxAttempts,
        retry: { delayMs: 20, factor: 1, maxDelayMs: 20, jitter: false },
        groups: step.grouped ? [GROUP] : [],
        tags: step.tagged ? ["t"] : [],
        retentionMs: 3_600_000,
      }));
      ids.push(entry.record.id);
    } else if (step.do === "claim") {
      const { worker, limit } = step;
      if (limit > 0) await clock.run(tolerant(claim(store, { worker, shard: 0, ...upTo(limit) })));
    } else if (ids.length > 0) {
      const id = ids[step.task % ids.length];
      await clock.run(store.update("settle", id, ({ record }) => move(step.do, record, clock.now())));
    }
  }
  faulty.next.length = 0;
}

/** A write outside the store's commits is not tried again: the next round does it. */
async function tolerant(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!/a mishap/.test(`${error.message} ${error.cause}`)) throw error;
  });
}

const error = { name: "Error", message: "no", retryable: true };

/** The step, if the state allows it. */
function move(what: string, stored: Stored, now: number) {
  if (isForgotten(stored)) return null;
  const record = stored;
  const type = typeOf(record);
  const runs = record.lease !== null;
  const next = (next: Stored) => ({ next });
  switch (what) {
    case "settle":
      return runs ? next(settled(record, now, { kind: "completed", result: { json: "1" } }, () => 0)) : null;
    case "fail":
      return runs ? next(settled(record, now, { kind: "failed", error }, () => 0)) : null;
    case "release":
      return runs ? next(settled(record, now, { kind: "released" }, () => 0)) : null;
    case "reclaim":
      return runs ? next(reclaimed(record, now)) : null;
    case "cancel":
      if (type === "RUNNING") return next(cancelRequested(record, now, null, 10));
      return isTerminal(record) || type === "CANCELLING" ? null : next(cancelled(record, now, null));
    case "retry":
      if (!isTerminal(record) || type === "COMPLETED") return null;
      return { next: retried(record, now, record.input), events: eventsOfPastEnd(record) };
    case "forget":
      return isTerminal(record) ? next({ id: record.id, op: "", rev: record.rev, forgottenAt: now }) : null;
    default:
      return next({ ...record, tags: record.tags.length ? [] : ["t"] });
  }
}

/** Every key follows from a record, and every record has every key that follows from it. */
async function requireSound(bench: Bench): Promise<void> {
  const all = await bench.all();
  const of = (...prefix: string[]) => all.filter(({ key }) => prefix.every((part, i) => key[i] === part));
  const stored = of("task").map(({ value }) => decode(value as Uint8Array));
  const byId = new Map(stored.map((record) => [record.id, record]));
  const tasks = stored.filter((record): record is TaskRecord => !isForgotten(record));

  // A purge that is due may have been done already.
  const isDone = (key: Deno.KvKey) => key[1] === "purge" && key[2] as number <= bench.clock.now();
  const names = (some: Deno.KvKey[]) => some.filter((key) => !isDone(key)).map((key) => key.join("/")).sort();
  const wanted = names(stored.flatMap(entriesOf).map(({ key }) => key));
  const groups = of("due", "group").map(({ key }) => key);
  const wantedOfGroups = of("group").filter(({ key }) => key.length === 2).map(({ value }) => {
    const { id, purgeAt } = value as GroupRecord;
    return keys.due("group", purgeAt!, id);
  });
  assert.deepEqual(names(groups), names(wantedOfGroups), "timers of groups");
  const found = names(["index", "due", "stop"].flatMap((kind) => of(kind)).map(({ key }) => key))
    .filter((name) => !names(groups).includes(name));
  assert.deepEqual(found, wanted, "indexes, timers and stops");

  const blocks = of("ready") as Deno.KvEntry<ReadyBlock>[];
  for (const { value: { ids, tasks } } of blocks) assert.equal(ids.length, tasks.length);
  for (const record of tasks) {
    const naming = blocks.filter(({ key, value }) =>
      isQueuedAt(record, key) && value.ids.includes(record.id)
    );
    assert.equal(
      naming.length,
      typeOf(record) === "PENDING" ? 1 : 0,
      `ready blocks of a ${typeOf(record)} task`,
    );
    if (record.lease === null) continue;
    const leases = of("lease", record.lease.worker).filter(({ value }) =>
      (value as string[]).includes(record.id)
    );
    assert.ok(leases.length >= 1, "a running task without a lease block");
  }
  for (const { key: [, id] } of of("event")) {
    const record = byId.get(id as string)!;
    assert.ok(isForgotten(record) || record.hasEvents, "events that no purge would find");
  }
  for (const record of tasks) requireDense(record, of("event", record.id).map(({ key }) => key[2] as number));
  requireGroup(
    tasks,
    stored,
    (await bench.kv.get<GroupRecord>(keys.group(GROUP))).value!,
    of("group", GROUP).filter(({ key }) => key[2] === "done"),
  );
}

function requireDense(record: TaskRecord, events: number[]): void {
  const seqs = [...events, ...record.history.map(({ seq }) => seq)];
  const unique = [...new Set(seqs)].sort((a, b) => a - b);
  assert.deepEqual(unique, Array.from({ length: record.seq }, (_, i) => i + 1), "the event sequence");
}

function requireGroup(
  tasks: TaskRecord[],
  stored: Stored[],
  group: GroupRecord,
  log: Deno.KvEntry<unknown>[],
): void {
  assert.deepEqual(log.map(({ key }) => key[3]), Array.from({ length: group.log }, (_, i) => i + 1));
  const logged = log.map(({ key }) => key[4]);
  for (const record of tasks.filter(({ groups }) => groups.includes(GROUP))) {
    if (isTerminal(record)) assert.ok(logged.includes(record.id), "an end that is not logged");
  }
  const again = new Set<unknown>();
  for (const { key, value } of log) {
    assert.equal(
      (value as { again: boolean }).again,
      again.has(key[4]),
      "the first end of each task is its first",
    );
    again.add(key[4]);
  }
  const forgotten = stored.filter((record) => isForgotten(record) && logged.includes(record.id)).length;
  const ended = tasks.filter((record) => record.groups.includes(GROUP) && isTerminal(record)).length;
  const counted = Object.values(group.ended).reduce((sum, count) => sum + count, 0);
  assert.equal(counted, ended + forgotten, "a forgotten task still counts as ended");
}

Deno.test("after any life of any tasks, with any mishaps, the keys are those that follow from the records", async () => {
  const lives = fc.asyncProperty(steps, async (sequence) => {
    const faulty = new FaultyKv();
    await using bench = await aBench({ wrap: faulty.wrap });
    await run(bench, faulty, sequence);
    await requireSound(bench);
  });
  await fc.assert(lives, { numRuns: 60, seed: 20_300_101 });
});
