import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  eventsAfter,
  eventsOfPastEnd,
  type StoredEvent,
  type TaskEvent,
} from "../../../runtime/store/event_log.ts";
import type { Entry, TaskRecord } from "../../../runtime/core/task.ts";
import { claimed, reported, retried, settled } from "../../../runtime/core/transitions.ts";
import { aBench, type Bench, onEachBackend } from "../../support/builders.ts";

const lease = { worker: "w", token: "t" };
const error = { name: "Error", message: "no", retryable: false };

async function step(bench: Bench, entry: Entry, next: TaskRecord, events?: StoredEvent[]): Promise<Entry> {
  const applied = await bench.store.commit("settle", [{ before: entry, next, events }]);
  return applied![0] as Entry;
}

async function running(bench: Bench): Promise<Entry> {
  const [entry] = await bench.submit({});
  return await step(bench, entry, claimed(entry.record, bench.clock.now(), lease));
}

/** Writes log lines, up to 100 in a commit. */
async function logs(bench: Bench, entry: Entry, count: number): Promise<Entry> {
  for (let left = count; left > 0; left -= 100) {
    const { seq } = entry.record;
    const size = Math.min(left, 100);
    const events = Array.from({ length: size }, (_, i): StoredEvent => ({
      kind: "log",
      seq: seq + i + 1,
      at: 0,
      attempt: 1,
      message: "",
      data: null,
    }));
    entry = await step(bench, entry, reported(entry.record, size, null), events);
  }
  return entry;
}

async function allAfter(bench: Bench, entry: Entry, after: number): Promise<TaskEvent[]> {
  const all: TaskEvent[] = [];
  for (;;) {
    const page = await eventsAfter(bench.kv, entry, all.at(-1)?.seq ?? after);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

const seqs = (events: TaskEvent[]) => events.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

onEachBackend(
  "states and stored events are one dense sequence, over several pages, with two that close it",
  async (path) => {
    await using bench = await aBench({ path });
    let entry = await logs(bench, await running(bench), 700);
    entry = await step(bench, entry, settled(entry.record, 1, { kind: "failed", error }, () => 0));
    const events = await allAfter(bench, entry, 0);
    assert.deepEqual(seqs(events), range(1, 2 + 700 + 1 + 2));
    assert.deepEqual(events.slice(-3).map(({ kind }) => kind), ["state", "failure", "end"]);
  },
);

Deno.test("a reader can go on from any place", async () => {
  await using bench = await aBench();
  let entry = await logs(bench, await running(bench), 20);
  entry = await step(bench, entry, settled(entry.record, 1, { kind: "failed", error }, () => 0));
  const last = entry.record.seq + 2;
  for (let after = 0; after <= last; after++) {
    assert.deepEqual(seqs(await allAfter(bench, entry, after)), range(after + 1, last));
  }
});

Deno.test("a task that has not ended has no closing events", async () => {
  await using bench = await aBench();
  const entry = await logs(bench, await running(bench), 3);
  assert.deepEqual((await allAfter(bench, entry, 0)).map(({ kind }) => kind), [
    "state",
    "state",
    "log",
    "log",
    "log",
  ]);
});

Deno.test("states that have left the record are found in the event log", async () => {
  await using bench = await aBench();
  let [entry] = await bench.submit({});
  for (let i = 0; i < 150; i++) {
    const { record } = entry;
    const next = i % 2 ? settled(record, 1, { kind: "released" }, () => 0) : claimed(record, 1, lease);
    entry = await step(bench, entry, next);
  }
  const events = await allAfter(bench, entry, 0);
  assert.deepEqual(seqs(events), range(1, 151));
  assert.ok(events.every(({ kind }) => kind === "state"));
});

Deno.test("after a retry the past end keeps the places that its readers saw", async () => {
  await using bench = await aBench();
  let entry = await running(bench);
  entry = await step(bench, entry, settled(entry.record, 1, { kind: "failed", error }, () => 0));
  const seen = seqs(await allAfter(bench, entry, 0));
  const { record } = entry;
  entry = await step(bench, entry, retried(record, 2, record.input), eventsOfPastEnd(record));
  const events = await allAfter(bench, entry, 0);
  assert.deepEqual(seqs(events), range(1, seen.length + 1));
  assert.deepEqual(events.slice(-3).map(({ kind }) => kind), ["error", "log", "state"]);
});

Deno.test("events that are newer than the record that was read leave no gap", async () => {
  await using bench = await aBench();
  const old = await logs(bench, await running(bench), 3);
  let entry = await logs(bench, old, 200);
  entry = await step(bench, entry, settled(entry.record, 1, { kind: "released" }, () => 0));
  entry = await step(bench, entry, claimed(entry.record, 1, lease));
  await logs(bench, entry, 600);
  const page = seqs(await eventsAfter(bench.kv, old, 2));
  assert.deepEqual(page, range(3, 2 + page.length), "the states in between are skipped for good");
});
