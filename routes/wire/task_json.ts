// From a record to its JSON on the wire. Inputs and results are inserted as the JSON text that was stored:
// they are never parsed on the way, and arrive exactly as they were given.

import { type Hold, isoAt, type Runtime, type Turn } from "../../runtime/mod.ts";
import type { Text } from "../http/json_response.ts";
import {
  type Entry,
  type HistoryEntry,
  isTerminal,
  stateOf,
  type StoredValue,
  type TaskError,
  type TaskRecord,
} from "../../runtime/core/task.ts";
import { boundsOf } from "../../runtime/core/task_bounds.ts";
import { DEFAULT_QUEUE } from "../../runtime/core/queue.ts";
import { conditionsText } from "./conditions_json.ts";
import { argsRepr, shownInput } from "./shown_input.ts";
import { traceContextOf } from "../../runtime/core/trace_context.ts";
import { bare, tenantOf } from "../../runtime/core/tenant.ts";

/**
 * A task with its input, result, bounds and history. Its links begin with `prefix`.
 *
 * @param isShown with the secrets of its input
 */
export async function taskText(
  runtime: Runtime,
  { record }: Entry,
  prefix: string,
  isShown = false,
): Promise<Text> {
  const { id, input, deps } = record;
  const stored = "json" in input ? input.json : await runtime.value(id, input);
  const inputText = isShown ? stored : shownInput(runtime.registry, record, stored);
  const result = await resultText(runtime, record);
  const upstreams = deps && deps.waitFor > 0 ? await runtime.value(id, deps.upstreams) : "[]";
  const held = runtime.holdOf(record);
  const hold = held instanceof Promise ? await held : held;
  return withValues(record, prefix, waitForText(record, upstreams), hold, { input: inputText, result });
}

/** A task as lists show it: without these. */
export function summaryText(
  record: TaskRecord,
  prefix: string,
  hold: Hold | null = null,
  args?: string | null,
): Text {
  const text = withValues(record, prefix, waitForText(record, inline(record.deps?.upstreams)), hold);
  return args === undefined ? text : `${text.slice(0, -1)},"argsRepr":${jsonOf(args)}}`;
}

/** Those of a list, with commas between, with what holds them up and with the beginnings of inputs. */
export async function summaryTexts(
  runtime: Runtime,
  entries: Entry[],
  prefix: string,
  turn: Turn,
): Promise<Text[]> {
  const texts: Text[] = [];
  for (const { record } of entries) {
    const next = turn.over();
    if (next) await next;
    const held = runtime.holdOf(record);
    const hold = held instanceof Promise ? await held : held;
    const args = argsRepr(runtime.registry, record);
    texts.push(`${texts.length === 0 ? "" : ","}${summaryText(record, prefix, hold, args)}`);
  }
  return texts;
}

export async function resultText(runtime: Runtime, record: TaskRecord): Promise<Text> {
  if (!record.result) return "null";
  return "json" in record.result ? record.result.json : await runtime.value(record.id, record.result);
}

/** The text of a value if it stands in the record. */
function inline(value: StoredValue | undefined): Text | null {
  return value && "json" in value ? value.json : null;
}

/** The ids that `waitFor` named are the first of all that it waits for. */
function waitForText({ id, deps }: TaskRecord, upstreams: Text | null): Text {
  if (!deps || deps.waitFor === 0) return "[]";
  const isDefault = tenantOf(id) === "";
  if (upstreams === null || deps.waitFor === deps.total && isDefault) return upstreams ?? "null";
  return JSON.stringify((JSON.parse(upstreams) as string[]).slice(0, deps.waitFor).map(bare));
}

/** Of a task whose result is not kept. */
const IGNORED = '"resultIgnored":true';

/** `{id, state, …}` with further members that are JSON text already. */
export function outcomeText(record: TaskRecord, members: Record<string, Text> = {}): Text {
  const ignored = record.ignoreResult && members.result !== undefined ? `,${IGNORED}` : "";
  const head = `"id":"${bare(record.id)}","state":${stateText(stateOf(record))}`;
  return `{${head}${ignored}${Object.entries(members).map(([name, text]) => `,"${name}":${text}`).join("")}}`;
}

export function stateView({ type, name, message, at }: HistoryEntry) {
  return { type, name, message, at: isoAt(at) };
}

export function errorText(error: TaskError | null): Text {
  return JSON.stringify(error);
}

/** Written by hand, at a third of the cost of building objects to serialise. */
function withValues(
  record: TaskRecord,
  prefix: string,
  waitFor: Text,
  hold: Hold | null,
  values?: { input: Text; result: Text },
): Text {
  const {
    task,
    queue = DEFAULT_QUEUE,
    attempt,
    maxAttempts,
    error,
    progress,
    priority,
    tags,
    groups,
    parentId,
    node,
  } = record;
  const id = bare(record.id);
  const self = `${prefix}/v1/tasks/${id}`;
  // Names of definitions and queues, ids and instants need no escaping.
  return `{"id":"${id}","task":"${task}","queue":"${queue}","state":${stateText(shownState(record, hold))},` +
    `"done":${isTerminal(record)},"attempt":${attempt},"maxAttempts":${maxAttempts},` +
    (values ? `"input":${values.input},"result":${values.result},` : "") +
    `"error":${jsonOf(error)},"progress":${jsonOf(progress)},"priority":${priority},` +
    `"tags":${jsonOf(tags)},"metadata":${record.metadata},` +
    `"groupId":${quoted(groups[0])},"parentId":${quoted(parentId)},"waitFor":${waitFor},` +
    `"node":${jsonOf(node ?? null)},` + conditionsText(record) + scheduleText(record) + cachedText(record) +
    namedText(record) + (record.ignoreResult ? `${IGNORED},` : "") +
    rerunText(record) + replacedText(record) + compensationText(record) +
    `"createdAt":"${isoAt(record.createdAt)}","runAt":"${isoAt(record.runAt)}",` +
    `"startedAt":${instant(record.startedAt)},"finishedAt":${instant(record.finishedAt)},` +
    `"expiresAt":${instant(record.expiresAt)},` +
    (values ? `${boundsText(record)}"history":[${record.history.map(historyText).join(",")}],` : "") +
    `"links":{"self":"${self}","result":"${self}/result","events":"${self}/events",` +
    `"cancel":"${self}/cancel","retry":"${self}/retry"}}`;
}

function boundsText(record: TaskRecord): Text {
  const { timeoutMs, softTimeoutMs, retry, maxCrashes, retentionMs, failureRetentionMs, nextPauseMs } =
    boundsOf(record);
  const { maxAttempts, delayMs, factor, maxDelayMs, jitter, ...rest } = retry;
  const more = jsonOf(rest).slice(1, -1);
  return `"timeoutMs":${timeoutMs},"softTimeoutMs":${softTimeoutMs},"retry":{"maxAttempts":${maxAttempts},"delayMs":${delayMs},` +
    `"factor":${factor},"maxDelayMs":${maxDelayMs},"jitter":${jitter}${
      more && `,${more}`
    }},"maxCrashes":${maxCrashes},` +
    `"retentionMs":${retentionMs},"failureRetentionMs":${failureRetentionMs},"nextPauseMs":${nextPauseMs},`;
}

/** The state, and why the task does not leave it. Nothing of that is stored: a pause may hold a million. */
function shownState(record: TaskRecord, hold: Hold | null): HistoryEntry {
  return hold === null ? stateOf(record) : { ...stateOf(record), message: messageOf(hold) };
}

function messageOf({ kind, name, pause: { note, until } }: Hold): string {
  const what = kind === "all" ? "everything" : `the ${kind} ${name}`;
  const end = until === null ? "" : ` until ${isoAt(until)}`;
  return `${what} is paused${end}${note ? `: ${note}` : ""}`;
}

export function stateText({ type, name, message, at }: HistoryEntry): Text {
  return `{"type":"${type}","name":"${name}","message":${jsonOf(message)},"at":"${isoAt(at)}"}`;
}

export function historyText({ seq, type, name, message, at, attempt }: HistoryEntry): Text {
  return `{"seq":${seq},"type":"${type}","name":"${name}","message":${jsonOf(message)},` +
    `"at":"${isoAt(at)}","attempt":${attempt}}`;
}

/** Only of a task that has a name, or whose definition has a version. */
function namedText({ displayName, version }: TaskRecord): Text {
  const named = displayName === undefined ? "" : `"displayName":${jsonOf(displayName)},`;
  return version === undefined ? named : `${named}"version":${jsonOf(version)},`;
}

/** Only of a task in whose place others are: their group. */
function replacedText({ replacement }: TaskRecord): Text {
  return replacement?.group ? `"replacedBy":"${bare(replacement.group)}",` : "";
}

/** Only of a task that has a compensation, or is one. Names of definitions need no escaping. */
function compensationText({ compensate, compensates }: TaskRecord): Text {
  const of = compensates === undefined ? "" : `"compensates":"${bare(compensates)}",`;
  if (compensate === undefined) return of;
  return `${of}"compensatedBy":"${(JSON.parse(compensate) as { task: string }).task}",`;
}

/** Only of a task that got the result of another one. */
function cachedText({ cachedFrom }: TaskRecord): Text {
  return cachedFrom === undefined ? "" : `"cachedFrom":"${bare(cachedFrom)}",`;
}

/** Only of a task that was made from an ended one, or whose call said what it is a part of. */
function rerunText({ rerunOf, trace }: TaskRecord): Text {
  const text = rerunOf === undefined ? "" : `"rerunOf":"${bare(rerunOf)}",`;
  if (trace === undefined) return text;
  const { traceparent, tracestate } = traceContextOf(trace);
  const state = tracestate === "" ? "" : `"tracestate":${JSON.stringify(tracestate)},`;
  return `${text}"traceparent":"${traceparent}",${state}`;
}

/** Only of a task that a schedule has submitted. Names of schedules need no escaping. */
function scheduleText({ schedule }: TaskRecord): Text {
  if (schedule === undefined) return "";
  return `"schedule":{"name":"${schedule.name}","scheduledFor":"${isoAt(schedule.for)}"},`;
}

function jsonOf(value: object | string | null): Text {
  return value === null ? "null" : JSON.stringify(value);
}

function quoted(id: string | null | undefined): Text {
  return id ? `"${bare(id)}"` : "null";
}

function instant(at: number | null): Text {
  return at === null ? "null" : `"${isoAt(at)}"`;
}

export function etagOf({ versionstamp }: Entry): string {
  return `"${versionstamp}"`;
}

/** Headers of an answer that shows one task. */
export function taskHeaders(entry: Entry): Record<string, string> {
  return {
    etag: etagOf(entry),
    "cache-control": isTerminal(entry.record) ? "private, no-cache" : "no-store",
  };
}
