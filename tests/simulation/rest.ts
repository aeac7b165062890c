// What a database must look like once everything has come to rest: every key follows from a record, and
// every record has every key that follows from it.

import { entriesOf } from "../../runtime/store/index_entries.ts";
import type { StoredEvent } from "../../runtime/store/event_log.ts";
import type { GroupRecord, LogValue } from "../../runtime/store/group_counters.ts";
import type { Barrier } from "../../runtime/dependencies/barrier.ts";
import { isForgotten, isTerminal, keptUntil, type TaskRecord } from "../../runtime/core/task.ts";
import { type CheckedWorld, missingChunks } from "./checker.ts";
import type { Row } from "./fake_kv.ts";
import { collectGarbage } from "./leftovers.ts";

/** What is counted and fails no seed. */
export interface Gaps {
  /**
   * Chunks that no record names: a process died, or a commit was refused, between them and their record. The
   * engine removes them when it has found them abandoned for an hour, which is longer than a world lasts:
   * leftovers.ts shows that it does.
   */
  orphanChunks: number;
  /**
   * Blocks of followers whose upstream was never stored: its call was cut off between them and it
   * (runtime/commands/barrier_submit.ts).
   */
  orphanEdges: number;
  /**
   * Starts that hung, and were given up from outside: the probe for queues has no deadline
   * (runtime/platform/doorbells/queue.ts).
   */
  bootHangs: number;
}

export async function checkRest(world: CheckedWorld): Promise<Omit<Gaps, "bootHangs">> {
  const { checker, database } = world;
  const rows = database.all();
  const of = (...prefix: Deno.KvKeyPart[]) =>
    rows.filter(({ key }) => prefix.every((part, i) => key[i] === part));
  const violated = (invariant: string, what: string) => checker.violated(invariant, `at rest: ${what}`);
  const stored = [...checker.tasks.values()];
  const records = stored.filter((one): one is TaskRecord => !isForgotten(one));

  const none = ["ready", "queue", "held", "control", "lease", "worker", "stop", "late", "parked"];
  for (const kind of none) {
    for (const { key, value } of of(kind)) {
      violated("9", `${key.join("/")} is left: ${JSON.stringify(value)}`);
    }
  }
  for (const record of records) {
    for (const value of [record.input, record.result]) {
      if (!value || isPast(record, world)) continue;
      const missing = missingChunks(world, record.id, value);
      if (missing.length > 0) violated("1", `${world.nameOf(record.id)} has lost a value`);
    }
  }
  checkIndexes(world, rows, violated);
  for (const record of records) {
    if (!isPast(record, world)) checkEvents(record, of("event", record.id), violated);
  }
  for (const { value } of of("group").filter(({ key }) => key.length === 2)) {
    const group = value as GroupRecord;
    checkGroup(world, group, of("group", group.id, "done"), violated);
    if (of("due", "group", group.purgeAt!, group.id).length !== 1) {
      violated("9", `group ${group.id} has no timer for ${group.purgeAt}`);
    }
  }
  const listed = of("groups").map(({ key }) => key[2] as string);
  const there = of("group").filter(({ key }) => key.length === 2).map(({ key }) => key[1] as string);
  for (const id of new Set(listed).symmetricDifference(new Set(there))) {
    violated("9", `group ${id} is ${listed.includes(id) ? "listed, and gone" : "there, and not listed"}`);
  }
  checkLinks(world, rows, violated);
  checker.dependencies.atTheEnd((record) => isPast(record, world));
  const orphans = orphansOf(world, records);
  if (orphans.chunks.length + orphans.edges.length > 0) await checkCollected(world, records, violated);
  return { orphanChunks: orphans.chunks.length, orphanEdges: orphans.edges.length };
}

/** All of it goes, and nothing else. */
async function checkCollected(world: CheckedWorld, records: TaskRecord[], violated: Violated): Promise<void> {
  await collectGarbage(world);
  const { chunks, edges } = orphansOf(world, records);
  for (const { key } of [...chunks, ...edges]) violated("17", `${key.join("/")} is never removed`);
  for (const record of records) {
    for (const value of [record.input, record.result]) {
      if (!value || isPast(record, world)) continue;
      if (missingChunks(world, record.id, value).length > 0) {
        violated("1", `a value of ${world.nameOf(record.id)} was taken for abandoned`);
      }
    }
  }
}

type Violated = (invariant: string, what: string) => void;

function isPast(record: TaskRecord, { latest }: CheckedWorld): boolean {
  const until = keptUntil(record);
  return until !== null && until <= latest.wall;
}

function checkIndexes(world: CheckedWorld, rows: Row[], violated: Violated): void {
  const wanted = new Map<string, number | null>();
  for (const stored of world.checker.tasks.values()) {
    for (const { key, expireAt } of entriesOf(stored)) {
      // Of a cache key the last writer counts.
      if (key[0] !== "cache") wanted.set(key.join("/"), expireAt);
    }
  }
  for (const { key, expireAt } of rows) {
    if (!["index", "due", "unique"].includes(key[0] as string)) continue;
    // The timer of a group is checked with it.
    if (key[1] === "group" && key[0] === "due") continue;
    // What is left of a task that is gone goes by itself.
    if (!wanted.delete(key.join("/")) && expireAt === null) {
      violated("9", `${key.join("/")} belongs to no record`);
    }
  }
  for (const [name, expireAt] of wanted) {
    const [, kind, at] = name.split("/");
    const isDone = kind === "purge" && Number(at) <= world.latest.wall;
    if (!isDone && (expireAt === null || expireAt > world.latest.wall)) violated("9", `${name} is missing`);
  }
}

/** What stands beside tasks that wait, or are waited for. */
function checkLinks(world: CheckedWorld, rows: Row[], violated: Violated): void {
  const { tasks, gone } = world.checker;
  const recordOf = (id: string) => {
    const stored = tasks.get(id);
    return stored && !isForgotten(stored) ? stored : null;
  };
  for (const { key, value, expireAt } of rows) {
    const [kind, id] = key as string[];
    const name = key.join("/").replace(id, world.nameOf(id));
    const record = recordOf(id);
    switch (kind) {
      case "outbox":
        violated("9", `${name} is left`);
        break;
      case "join":
        // It goes with its task at the latest.
        if (!record || !record.deps || record.deps.released) violated("9", `${name} is left`);
        break;
      case "edge":
        if (gone.has(id) || tasks.has(id) && !record || id.startsWith("seal-")) {
          violated("9", `${name} is left`);
        }
        break;
      case "seal": {
        const { sealed, givenUp } = value as Barrier;
        if (!sealed && !givenUp || expireAt === null) violated("9", `${name} is open`);
      }
    }
  }
}

/** States of the history, events of the log: together they are dense. */
function checkEvents(record: TaskRecord, rows: Row[], violated: Violated): void {
  const places = new Set([
    ...record.history.map(({ seq }) => seq),
    ...rows.map(({ value }) => (value as StoredEvent).seq),
  ]);
  const dense = places.size === record.seq && Math.max(...places) === record.seq;
  if (!dense) violated("14", `${record.id} has events ${[...places].sort((a, b) => a - b)} of ${record.seq}`);
}

function checkGroup(world: CheckedWorld, group: GroupRecord, rows: Row[], violated: Violated): void {
  const seqs = rows.map(({ key }) => key[3] as number);
  if (seqs.some((seq, i) => seq !== i + 1) || seqs.length !== group.log) {
    violated("14", `the log of group ${group.id} has ${seqs} of ${group.log}`);
  }
  const first = new Set<string>();
  for (const { key, value } of rows) {
    const id = key[4] as string;
    if ((value as LogValue).again !== first.has(id)) {
      violated("14", `the log of group ${group.id} is wrong about ${id}`);
    }
    first.add(id);
  }
  const counted = Object.values(group.ended).reduce((sum, count) => sum + count, 0);
  const members = [...world.checker.tasks.values()].filter((stored): stored is TaskRecord => {
    return !isForgotten(stored) && stored.groups.includes(group.id);
  });
  const ended = members.filter(isTerminal).length;
  const goneToo = [...first].filter((id) => !members.some((member) => member.id === id)).length;
  if (counted !== ended + goneToo) {
    violated("9", `group ${group.id} counts ${counted} ends of ${ended + goneToo}`);
  }
  if (group.total !== members.length + goneToo) {
    violated("9", `group ${group.id} has a total of ${group.total}, and ${members.length + goneToo} tasks`);
  }
  for (const { id } of members.filter(isTerminal)) {
    if (!first.has(id)) violated("14", `the end of ${world.nameOf(id)} is not in the log of its group`);
  }
}

function orphansOf(
  { database, checker }: CheckedWorld,
  records: TaskRecord[],
): Record<"chunks" | "edges", Row[]> {
  const named = new Set<string>();
  for (const { id, input, result } of records) {
    for (const value of [input, result]) {
      if (value && "blob" in value) named.add(`${value.of ?? id}/${value.blob}`);
    }
  }
  // A deleted task keeps a value that others have from it.
  for (const { id, lent } of checker.tasks.values()) if (lent) named.add(`${id}/${lent.blob}`);
  const rows = database.all();
  const isKnown = (id: string) => checker.tasks.has(id) || checker.gone.has(id);
  return {
    chunks: rows.filter(({ key }) => key[0] === "blob" && !named.has(`${String(key[1])}/${String(key[2])}`)),
    edges: rows.filter(({ key }) => key[0] === "edge" && !isKnown(key[1] as string)),
  };
}
