// A task's event log: the reports of its function (progress, log lines, chunks) and states that no longer fit
// into the record's history. Both share one dense sequence, so a reader can resume anywhere.

import type { KvPort } from "../platform/kv.ts";
import { keys, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import {
  type Entry,
  type HistoryEntry,
  isTerminal,
  type Progress,
  type TaskError,
  type TaskRecord,
} from "../core/task.ts";

/** User data is JSON text. */
export type StoredEvent =
  & { seq: number; at: number; attempt: number }
  & (
    | { kind: "progress"; progress: Progress }
    | { kind: "log"; message: string; data: string | null }
    | { kind: "chunk"; chunk: string }
    | { kind: "state"; state: HistoryEntry }
    /** The error of an end that was followed by a retry, or of an attempt that was followed by another. */
    | { kind: "error"; error: TaskError | null; state: HistoryEntry }
  );

export type TaskEvent =
  | StoredEvent
  | { kind: "result" | "end"; seq: number; at: number; attempt: number; entry: Entry }
  | { kind: "failure"; seq: number; at: number; attempt: number; entry: Entry };

/** Characters of JSON of one event's data: with two bytes each it still fits a KV value. */
export const LONGEST_EVENT = 30_000;

const PAGE_EVENTS = 500;
const PAGE_BYTES = 64 * 1024;
const PER_READ = 25;

/**
 * A page of events after `after`, dense and in order. The record was read before, so every stored event up to
 * its `seq` is there. Two more events close the sequence of an ended task: its result or error, then `end`.
 */
export async function eventsAfter(kv: KvPort, entry: Entry, after: number): Promise<TaskEvent[]> {
  const { record } = entry;
  const states = record.history.filter((state) => state.seq > after);
  const events: TaskEvent[] = states.map((state) => ({
    kind: "state",
    seq: state.seq,
    at: state.at,
    attempt: state.attempt,
    state,
  }));
  let upTo = record.seq;
  if (record.hasEvents && after < record.seq) {
    const stored = await storedAfter(kv, record.id, after);
    // After a full page more stored events may follow. After `record.seq` there may be states that it does
    // not know.
    if (stored.more) upTo = Math.min(upTo, stored.events[stored.events.length - 1].seq);
    events.push(...stored.events);
    events.sort((a, b) => a.seq - b.seq);
  }
  const page = events.filter(({ seq }) => seq <= upTo);
  if (upTo === record.seq && isTerminal(record)) {
    page.push(...closing(entry).filter(({ seq }) => seq > after));
  }
  return page;
}

/** Bounded in bytes: a slow reader holds a page in memory. */
async function storedAfter(
  kv: KvPort,
  id: string,
  after: number,
): Promise<{ events: StoredEvent[]; more: boolean }> {
  const events: StoredEvent[] = [];
  let bytes = 0;
  const selector = { prefix: prefixes.events(id), start: keys.event(id, after + 1) };
  for await (const part of pages<StoredEvent>(kv, selector, { size: PER_READ })) {
    for (const { value } of part) {
      events.push(value);
      bytes += value.kind === "chunk"
        ? value.chunk.length
        : value.kind === "log"
        ? value.message.length + (value.data?.length ?? 0)
        : 0;
    }
    if (events.length >= PAGE_EVENTS || bytes >= PAGE_BYTES) return { events, more: true };
  }
  return { events, more: false };
}

function closing(entry: Entry): TaskEvent[] {
  const { record } = entry;
  const at = record.finishedAt!;
  const { attempt, seq } = record;
  const completed = record.history[record.history.length - 1].type === "COMPLETED";
  return [
    { kind: completed ? "result" : "failure", seq: seq + 1, at, attempt, entry },
    { kind: "end", seq: seq + 2, at, attempt, entry },
  ];
}

/**
 * The error of an attempt, behind the state in which its task waits for the next one. Only where its stack is
 * kept: all else of it is in the state's message, and in the log.
 *
 * @param record as it is with that event
 */
export function attemptFailed(
  record: TaskRecord,
  error: TaskError,
): { next: TaskRecord; event: StoredEvent } {
  const state = record.history[record.history.length - 1];
  const seq = record.seq + 1;
  return {
    next: { ...record, seq, hasEvents: true },
    event: { kind: "error", seq, at: state.at, attempt: state.attempt, error, state },
  };
}

/** Two events in the places of the two that had closed the sequence before the retry. */
export function eventsOfPastEnd(record: TaskRecord): StoredEvent[] {
  const state = record.history[record.history.length - 1];
  const common = { at: state.at, attempt: state.attempt };
  return [
    { kind: "error", seq: record.seq + 1, ...common, error: record.error, state },
    { kind: "log", seq: record.seq + 2, ...common, message: "retried on request", data: null },
  ];
}
