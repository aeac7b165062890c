// The engine without one of its safeguards, to see that the checker notices. Each is taken away where the
// engine meets KV, so that the engine itself needs no switch for it.

import { decode, encode } from "../../runtime/store/record_codec.ts";
import { keys, prefixes } from "../../runtime/platform/keys.ts";
import { outboxSubject } from "../../runtime/platform/outbox_subject.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import type { Commit, Transport } from "./fake_kv.ts";
import { encodeKey } from "./key_order.ts";
import type { Weaken } from "./surroundings.ts";

export const WEAKENED = {
  /** Outcomes of attempts are written whatever the record has become. */
  "fencing": withCommits((commit) =>
    dropChecks(commit, (record) => {
      return record.rev > 1 && record.lease === null && OUTCOMES.includes(typeOf(record));
    })
  ),
  /** A commit that was reported as failed is never recognised as applied. */
  "read-back": (wire) => ({
    now: wire.now,
    read: (look) => wire.read(() => withoutOps(look())),
    commit: (commit, apply) => wire.commit(commit, apply),
  }),
  /** Chunks of values are still on their way when their record is written. */
  "blob-order": (wire, process, { scheduler, random }) => ({
    now: wire.now,
    read: (look) => wire.read(look),
    commit(commit, apply) {
      const onlyChunks = commit.mutations.length > 0 &&
        commit.mutations.every(({ key, kind }) => key[0] === "blob" && kind === "set");
      if (!onlyChunks) return wire.commit(commit, apply);
      scheduler.after(random.float() * 20, () => void apply(), process);
      return Promise.resolve({ ok: true, versionstamp: "0".repeat(20) });
    },
  }),
  /** A claim takes what the queue names, whether it still waits there or not. */
  "ready-check": withCommits((commit) => {
    if (commit.mutations.some(({ key, kind }) => key[0] === "lease" && kind === "set")) {
      dropChecks(commit, (record) => typeOf(record) === "RUNNING");
    }
  }),
  /** The end of a task is not told to dependents of its own call. */
  "join-step": withCommits((commit) => {
    const followers = new Set(
      recordsOf(commit).filter(isTerminal).flatMap(({ next = [] }) =>
        next.flatMap((id) => [joinOf(id), noteOf(id)])
      ),
    );
    commit.mutations = commit.mutations.filter(({ at }) => !followers.has(at));
  }),
  /** A function submits, and runs its children again, whatever has become of its task. */
  "parent-check": withCommits((commit) => {
    const written = new Set(commit.mutations.map(({ at }) => at));
    const parents = new Set(
      recordsOf(commit).flatMap(({ parentId }) => parentId === null ? [] : [encodeKey(keys.task(parentId))]),
    );
    commit.checks = commit.checks.filter(({ at }) => !parents.has(at) || written.has(at));
  }),
  /** A task is stored with what its upstreams were, whether they are still so or not. */
  "upstream-check": withCommits((commit) => {
    if (!recordsOf(commit).some(({ rev }) => rev === 1)) return;
    const upstreams = new Set(
      commit.mutations.filter(({ key }) => key[0] === "edge").map(({ key }) =>
        encodeKey(keys.task(key[1] as string))
      ),
    );
    commit.checks = commit.checks.filter(({ at }) => !upstreams.has(at));
  }),
  /** The outbox processor removes an entry, whether it is still the one that it has seen or not. */
  "note-check": withCommits((commit) => {
    const notes = encodeKey(prefixes.outbox);
    commit.checks = commit.checks.filter(({ at }) => !at.startsWith(notes));
  }),
  /** The end of a group is not told to those that wait for it. */
  "group-end": withCommits((commit) => {
    commit.mutations = commit.mutations.filter(({ key, kind }) => {
      return key[0] !== "outbox" || kind !== "set" || outboxSubject(key[1] as string).kind !== "group-end";
    });
  }),
  /** Who waits for a group is told, and noted, whether the group is still as it was or not. */
  "group-check": withCommits((commit) => {
    const groups = new Set(
      commit.mutations.filter(({ key }) => key[0] === "group" && key[2] === "edge").map(({ key }) =>
        encodeKey(keys.group(key[1] as string))
      ),
    );
    commit.checks = commit.checks.filter(({ at }) => !groups.has(at));
  }),
  /** What takes a task back is submitted, whether another process was first or not. */
  "saga-check": withCommits((commit) => {
    if (!recordsOf(commit).some(({ rev, compensates }) => rev === 1 && compensates !== undefined)) return;
    const groups = encodeKey(["group"]);
    commit.checks = commit.checks.filter(({ at }) => !at.startsWith(groups));
  }),
} satisfies Record<string, Weaken>;

const OUTCOMES = ["COMPLETED", "FAILED", "SCHEDULED"];

function withCommits(change: (commit: Commit) => void): Weaken {
  return (wire: Transport) => ({
    now: wire.now,
    read: (look) => wire.read(look),
    commit(commit, apply) {
      change(commit);
      return wire.commit(commit, apply);
    },
  });
}

function recordsOf({ mutations }: Commit): TaskRecord[] {
  return mutations.filter(({ key, kind }) => key[0] === "task" && kind === "set")
    .map(({ value }) => decode(value as Uint8Array)).filter((stored): stored is TaskRecord =>
      !isForgotten(stored)
    );
}

function joinOf(id: string): string {
  return encodeKey(keys.dependencyCounter(id));
}

function noteOf(id: string): string {
  return encodeKey(keys.outbox(id));
}

/** Forgets the checks of the records that are about to become such. */
function dropChecks(commit: Commit, such: (record: TaskRecord) => boolean): void {
  const free = new Set(
    commit.mutations.filter(({ key, kind, value }) => {
      if (key[0] !== "task" || kind !== "set") return false;
      const record = decode(value as Uint8Array);
      return !isForgotten(record) && such(record);
    }).map(({ at }) => at),
  );
  commit.checks = commit.checks.filter(({ at }) => !free.has(at));
}

/** What was read, with every record as if it had been written by somebody unknown. */
function withoutOps<T>(found: T): T {
  if (!Array.isArray(found)) return found;
  return found.map((one) => {
    const entry = (one?.entry ?? one) as Deno.KvEntryMaybe<unknown> | null;
    if (entry?.key?.[0] !== "task" || !(entry.value instanceof Uint8Array)) return one;
    const anonymous = { ...decode(entry.value), op: "?", ops: [] } satisfies Stored;
    const changed = { ...entry, value: encode(anonymous) };
    return one.entry ? { ...one, entry: changed } : changed;
  }) as T;
}
