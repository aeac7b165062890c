// Tasks in the place of another one, whose function has returned `replaceWith(…)`. What it returned is stored
// with the task; an outbox entry then has the flow submitted, once, and makes the task wait for it.

import { parseBounded } from "../core/bounded_parse.ts";
import { callerWithin } from "../core/caller.ts";
import {
  ConflictError,
  ForbiddenError,
  TooLargeError,
  UnknownDefinitionError,
  UpstreamGoneError,
  ValidationError,
} from "../core/errors.ts";
import { findReferences } from "../core/references.ts";
import {
  endedAs,
  endedAsAsked,
  isReplaced,
  isToEnd,
  replacementCompleted,
  replacementFailed,
} from "../core/replaced.ts";
import {
  type Entry,
  isForgotten,
  isTerminal,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { bare, inTenant, tenantOf } from "../core/tenant.ts";
import { errorOf } from "../core/thrown_error.ts";
import { faultsOf } from "../core/zod_faults.ts";
import type { CancelTask } from "../dependencies/cancel_rest.ts";
import type { OutboxTask } from "../dependencies/move_dependent.ts";
import { sleep } from "../platform/clock.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { replaceSubject } from "../platform/outbox_subject.ts";
import { pages } from "../platform/paging.ts";
import type { UnitOptions } from "../store/commit_unit.ts";
import { counterWrite, decisionOf, newCounter, outboxWrite } from "../store/dependency_counters.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { attachExternal } from "./attach_external.ts";
import { withoutDependencies } from "./dependency_graph.ts";
import { flowSchema, type FlowSpec } from "./flows/schema.ts";
import { submitFlow } from "./flows/submit.ts";
import { jsonWith } from "./json_with.ts";
import type { Submitter } from "./submit.ts";

export interface ReplacementOptions {
  submitter: Submitter;
  cancel: CancelTask;
  maxResultBytes: number;
}

const AGAIN_AFTER_MS = 100;
const MEMBERS_PER_READ = 200;

/** Errors by which the flow itself is wrong: another try would get the same. */
const OF_THE_FLOW = [ValidationError, UnknownDefinitionError, TooLargeError, ForbiddenError];

export class Replacements {
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly options: ReplacementOptions,
  ) {}

  /**
   * Submits the flow of a task, and makes the task wait for it. If the task is to end, its flow is cancelled.
   *
   * @param outboxVersion the version of the outbox entry that asked for it
   * @returns false if something has changed meanwhile.
   */
  async follow(id: string, outboxVersion: string): Promise<boolean> {
    const { store } = this;
    const outbox = { key: keys.outbox(replaceSubject(id)), versionstamp: outboxVersion };
    const [found] = await store.readMany([id]);
    const entry = found && !isForgotten(found.record) ? found as Entry : null;
    if (entry === null || !isReplaced(entry.record)) return await this.#done(outbox);
    try {
      const linked = entry.record.replacement.result ? entry : await this.#link(entry, outbox);
      if (linked === null) return false;
      if (!isReplaced(linked.record)) return true;
      const text = await this.values.load(id, linked.record.replacement.result!);
      const upstreams = upstreamsIn(text, linked.record);
      const found = await store.peekMany(upstreams);
      if (found.some((one) => !one || isForgotten(one.record))) return await this.#lose(linked, outbox);
      const external = new Map(upstreams.map((upstream) => [upstream, [id]]));
      await attachExternal(store, { ...withoutDependencies([]), external }, id, [outbox]);
      if (isToEnd(linked.record)) await this.#cancelAll(linked.record);
    } catch (error) {
      // Its tasks are just being stored, or the task has changed: it is looked at again.
      if (!(error instanceof ConflictError)) throw error;
      await sleep(store.clock, AGAIN_AFTER_MS);
      return false;
    }
    return await this.#done(outbox);
  }

  /**
   * Ends a task as those in its place have ended, if all of them have.
   *
   * @returns false if something has changed meanwhile.
   */
  async settle({ id, versionstamp, entry, counter }: OutboxTask): Promise<boolean> {
    const { store } = this;
    const key = keys.outbox(id);
    const checks = [
      { key, versionstamp },
      { key: keys.dependencyCounter(id), versionstamp: counter.versionstamp },
    ];
    const options: UnitOptions = { checks, writes: [{ key }] };
    if (!entry || counter.value === null || decisionOf(counter.value) === "wait") {
      if (entry) checks.push({ key: keys.task(id), versionstamp: entry.versionstamp });
      // One of those in its place was retried after the cancel of all.
      if (entry && isToEnd(entry.record)) options.writes!.push(outboxWrite(replaceSubject(id)));
      return await store.commit("outbox", [], options) !== null;
    }
    const { record } = entry;
    const next = await this.#outcomeOf(record);
    if (next === null) {
      await sleep(store.clock, AGAIN_AFTER_MS);
      return false;
    }
    options.writes!.push({ key: keys.dependencyCounter(id) });
    const applied = await store.commit("settle", [{ before: entry, next }], options);
    if (applied === null) {
      if (next.result) await this.values.discard(id, next.result);
      return false;
    }
    await this.#discard(record);
    return true;
  }

  /** One of those in its place was deleted too early for the task to wait for it: the others have to end. */
  async #lose(entry: Entry, outbox: Deno.AtomicCheck): Promise<boolean> {
    const { store } = this;
    if (isToEnd(entry.record)) await this.#cancelAll(entry.record);
    const { key, versionstamp } = await store.kv.get(keys.outbox(entry.record.id));
    const next = await this.#outcomeOf(entry.record);
    if (next !== null) return await this.#end(entry, next, [outbox, { key, versionstamp }]) !== null;
    await sleep(store.clock, AGAIN_AFTER_MS);
    return false;
  }

  async #done(outbox: Deno.AtomicCheck): Promise<boolean> {
    return await this.store.commit("outbox", [], { checks: [outbox], writes: [{ key: outbox.key }] }) !==
      null;
  }

  /** Null after a conflict. What comes back may have ended. */
  async #link(entry: Entry, outbox: Deno.AtomicCheck): Promise<Entry | null> {
    const { store, values } = this;
    const { record } = entry;
    const { id } = record;
    const now = store.clock.now();
    if (isToEnd(record)) {
      const { key, versionstamp } = await store.kv.get(keys.idem(keyOf(record), tenantOf(id)));
      const next = endedAsAsked(record, now, store.ids.random);
      if (versionstamp === null) return await this.#end(entry, next, [outbox, { key, versionstamp }]);
    }
    try {
      const guard = { key: keys.task(id), versionstamp: entry.versionstamp };
      const { result, groupId } = await this.#submit(record, guard);
      const text = JSON.stringify(result);
      const total = upstreamsIn(text, record).length;
      const stored = await values.store(id, text, record.input);
      const replacement = { ...record.replacement!, group: groupId!, result: stored };
      const writes = [counterWrite(id, newCounter(record, { total, allowFailure: true }))];
      if (total === 0) writes.push(outboxWrite(id));
      const change = { before: entry, next: { ...record, replacement } };
      const applied = await store.commit("outbox", [change], { checks: [outbox], writes });
      if (!applied) await values.discard(id, stored);
      return applied && applied[0] as Entry;
    } catch (error) {
      if (!OF_THE_FLOW.some((wrong) => error instanceof wrong)) throw error;
      const { name, message } = errorOf(error, false);
      const said = { name, message: `what replaceWith() was given: ${message}`, retryable: false };
      return await this.#end(entry, replacementFailed(record, now, said, store.ids.random), [outbox]);
    }
  }

  /** The task does not wait for others, and its outbox entry is over. */
  async #end(entry: Entry, next: TaskRecord, checks: Deno.AtomicCheck[]): Promise<Entry | null> {
    const [{ key }] = checks;
    const writes = [{ key }, { key: keys.dependencyCounter(next.id) }];
    const applied = await this.store.commit("outbox", [{ before: entry, next }], { checks, writes });
    if (applied) await this.#discard(entry.record);
    return applied && applied[0] as Entry;
  }

  async #discard({ id, replacement }: TaskRecord): Promise<void> {
    const { flow, result } = replacement!;
    for (const value of [flow, result]) if (value) await this.values.discard(id, value);
  }

  async #submit(record: TaskRecord, guard: Deno.AtomicCheck) {
    const { id, caller, replacement } = record;
    const spec = JSON.parse(await this.values.load(id, replacement!.flow));
    const parsed = parseBounded(flowSchema(), spec);
    if (!parsed.success) throw new ValidationError(faultsOf(parsed.error, spec));
    const key = keyOf(record);
    const { store, options: { submitter } } = this;
    return await submitFlow({ submitter, store }, parsed.data as FlowSpec, {
      idempotency: { key, fingerprint: key },
      caller: callerWithin(tenantOf(id), caller),
      parentId: id,
      guard,
    });
  }

  async #cancelAll({ id, replacement, cancel }: TaskRecord): Promise<void> {
    const reason = cancel?.reason ?? `task ${bare(id)}, in whose place it is, has to end`;
    const prefix = prefixes.index("group", replacement!.group!);
    for await (const page of pages(this.store.kv, { prefix }, { size: MEMBERS_PER_READ })) {
      const ids = page.map(({ key }) => parse.index(key).id);
      await Promise.all(ids.map((member) => this.options.cancel(member, reason, cancel?.graceMs)));
    }
  }

  /** Null if one of those in its place has not ended, because it was retried just now, say. */
  async #outcomeOf(record: TaskRecord): Promise<TaskRecord | null> {
    const { store, values } = this;
    const { id } = record;
    const now = store.clock.now();
    const text = await values.load(id, record.replacement!.result!);
    const upstreams = upstreamsIn(text, record);
    const entries = await store.peekMany(upstreams);
    const records = new Map<string, TaskRecord>();
    for (const [i, found] of entries.entries()) {
      if (found && !isForgotten(found.record)) records.set(upstreams[i], found.record);
    }
    const all = [...records.values()];
    if (!all.every(isTerminal)) return null;
    if (isToEnd(record)) return endedAsAsked(record, now, store.ids.random);
    const gone = upstreams.find((upstream) => !records.has(upstream));
    if (gone !== undefined) {
      const error = errorOf(new UpstreamGoneError(gone), false);
      return replacementFailed(record, now, error, store.ids.random);
    }
    const isFailure = (one: TaskRecord) => typeOf(one) === "FAILED" || typeOf(one) === "CRASHED";
    const bad = all.find(isFailure) ?? all.find((one) => typeOf(one) !== "COMPLETED");
    if (bad) return endedAs(record, now, bad, store.ids.random);
    if (record.ignoreResult) return replacementCompleted(record, now, { json: "null" });
    const bytes = all.reduce((sum, { result }) => sum + sizeOf(result!), 0);
    if (bytes > this.options.maxResultBytes) {
      const message = `the results in its place have ${bytes} bytes; the limit is ` +
        `${this.options.maxResultBytes} bytes (MAX_RESULT_BYTES)`;
      return replacementFailed(record, now, { name: "ResultTooLarge", message, retryable: false }, () => 0);
    }
    const results = new Map<string, string>();
    for (const [upstream, { result }] of records) results.set(upstream, await values.load(upstream, result!));
    const value = jsonWith(JSON.parse(text), (task) => results.get(inTenant(task, tenantOf(id)))!);
    return replacementCompleted(record, now, await values.store(id, value, record.input));
  }
}

/** Callers over HTTP cannot have such a key. An attempt is replaced once. */
function keyOf({ id, attempt }: TaskRecord): string {
  return `\u0000replace ${id} ${attempt}`;
}

function upstreamsIn(text: string, { id }: TaskRecord): string[] {
  const tasks = new Set(findReferences(JSON.parse(text), "").references.map(({ task }) => task));
  return [...tasks].map((task) => inTenant(task, tenantOf(id)));
}

function sizeOf(value: StoredValue): number {
  return "json" in value ? value.json.length : value.bytes;
}
