// From a record to what goes over the wire. Inputs and results are spliced in as the JSON text that was stored, so
// they arrive exactly as they were given and are never parsed on the way.

import type { TypedResponse } from "hono";
import { isoAt } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/mod.ts";
import {
  type Entry,
  type HistoryEntry,
  isTerminal,
  stateOf,
  type TaskError,
  type TaskRecord,
} from "../runtime/task.ts";

/** JSON text. */
export type Text = string;

/** A task with its input, result and history. */
export async function taskText(runtime: Runtime, { record }: Entry): Promise<Text> {
  const input = "json" in record.input ? record.input.json : await runtime.value(record.id, record.input);
  return withValues(record, input, await resultText(runtime, record), true);
}

/** A task as it was answered right after its submit. */
export async function submittedText(runtime: Runtime, { record }: Entry): Promise<Text> {
  const first = record.history[0];
  const asSubmitted: TaskRecord = {
    ...record,
    history: [first],
    attempt: 0,
    maxAttempts: record.maxAttempts - (record.retriedAtAttempt ?? 0),
    result: null,
    error: null,
    progress: null,
    startedAt: null,
    finishedAt: null,
  };
  return await taskText(runtime, { record: asSubmitted, versionstamp: "" });
}

/** A task as lists show it: without input, result and history. */
export function summaryText(record: TaskRecord): Text {
  return withValues(record, null, null, false);
}

export async function resultText(runtime: Runtime, record: TaskRecord): Promise<Text> {
  if (!record.result) return "null";
  return "json" in record.result ? record.result.json : await runtime.value(record.id, record.result);
}

/** `{id, state, …}` with further members that are JSON text already. */
export function stateText(record: TaskRecord, members: Record<string, Text> = {}): Text {
  const head = `"id":${JSON.stringify(record.id)},"state":${JSON.stringify(stateView(stateOf(record)))}`;
  return `{${head}${Object.entries(members).map(([name, text]) => `,"${name}":${text}`).join("")}}`;
}

export function stateView({ type, name, message, at }: HistoryEntry) {
  return { type, name, message, at: isoAt(at) };
}

export function historyView({ seq, type, name, message, at, attempt }: HistoryEntry) {
  return { seq, type, name, message, at: isoAt(at), attempt };
}

export function errorText(error: TaskError | null): Text {
  return JSON.stringify(error);
}

function withValues(record: TaskRecord, input: Text | null, result: Text | null, whole: boolean): Text {
  const { id, task, attempt, maxAttempts, error, progress, priority, tags, groups, parentId } = record;
  const self = `/v1/tasks/${id}`;
  const head = JSON.stringify({ id, task, state: stateView(stateOf(record)), attempt, maxAttempts });
  const values = whole ? `,"input":${input},"result":${result}` : "";
  const tail = JSON.stringify({
    error,
    progress,
    priority,
    tags,
    groupId: groups[0] ?? null,
    parentId,
    waitFor: [],
    createdAt: isoAt(record.createdAt),
    runAt: isoAt(record.runAt),
    startedAt: instant(record.startedAt),
    finishedAt: instant(record.finishedAt),
    expiresAt: instant(record.expiresAt),
    history: whole ? record.history.map(historyView) : undefined,
    links: { self, result: `${self}/result`, events: `${self}/events`, cancel: `${self}/cancel` },
  });
  return `${head.slice(0, -1)}${values},"metadata":${record.metadata},${tail.slice(1)}`;
}

function instant(at: number | null): string | null {
  return at === null ? null : isoAt(at);
}

export function etagOf({ versionstamp }: Entry): string {
  return `"${versionstamp}"`;
}

/** An answer whose body is JSON text already; tests hold it against the schema that its route declares. */
// deno-lint-ignore no-explicit-any
export type JsonResponse = Response & TypedResponse<any, any, "json">;

export function jsonResponse(text: Text, status = 200, headers: Record<string, string> = {}): JsonResponse {
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...headers },
  }) as JsonResponse;
}

/** Headers of an answer that shows one task. */
export function taskHeaders(entry: Entry): Record<string, string> {
  return {
    etag: etagOf(entry),
    "cache-control": isTerminal(entry.record) ? "private, no-cache" : "no-store",
  };
}
