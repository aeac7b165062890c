// What one caller sees of the engine, and may do. Ids come in as the caller knows them, and get the tail of
// its tenant here; nothing else lets a call in.

import type { Batch } from "./commands/batch.ts";
import { requireNoBulk } from "./commands/bulk/require_no_bulk.ts";
import { cancel, type Cancelled, type CancelRequest } from "./commands/cancel.ts";
import { submitFlow, submitMap, type SubmittedFlow } from "./commands/flows/submit.ts";
import type { MapSpec } from "./commands/flows/map.ts";
import type { FlowSpec } from "./commands/flows/schema.ts";
import { forget } from "./commands/forget.ts";
import { type CancelCounts, cancelWhich, type Which } from "./commands/cancel_many.ts";
import { cancelGroup, createGroup } from "./commands/group_commands.ts";
import type { Idempotency } from "./commands/idempotency.ts";
import { limitRules, removeLimitRule, type RuleSaid, setLimitRule } from "./commands/limit_rules.ts";
import type { IfMatch } from "./commands/present_task.ts";
import type { Controlled, DefinitionState, QueueState } from "./commands/queue_control.ts";
import type { Limited } from "./queues/concurrency.ts";
import type { Concurrency, Pause } from "./queues/control_set.ts";
import type { PauseRequest } from "./queues/pauses.ts";
import { rerun, type RerunRequest } from "./commands/rerun.ts";
import { retry } from "./commands/retry.ts";
import type { SubmitCall, Submitted } from "./commands/submit.ts";
import { type Caller, holds, knows, knowsDefinition } from "./core/caller.ts";
import type { AnyDefinition } from "./core/define.ts";
import { NotFoundError } from "./core/errors.ts";
import { type Entry, isForgotten, type Stored } from "./core/task.ts";
import { bare, inTenant } from "./core/tenant.ts";
import type { CompletionQuery } from "./queries/as_completed.ts";
import type { CompletionEvent, CompletionOptions } from "./queries/completion_events.ts";
import { type Dependents, dependents } from "./queries/dependents.ts";
import { knowsAll } from "./queries/group_list.ts";
import type { GroupStatus } from "./queries/group_status.ts";
import { limitsInUse, type LimitStatus, limitStatus } from "./queries/limits.ts";
import { list, type ListQuery, type Page } from "./queries/list.ts";
import { ofTenant } from "./queries/list_filter.ts";
import { logLines, type LogPage } from "./queries/log_lines.ts";
import { taskOrThrow } from "./queries/notifier.ts";
import { present, type ReturnWhen, type Waited, waitFor, type WaitOptions } from "./queries/wait.ts";
import type { LimitRule } from "./store/limit_rules.ts";
import type { GroupRecord } from "./store/group_counters.ts";
import { CallerSchedules } from "./schedules/schedules.ts";
import { OperationView } from "./operation_view.ts";
import type { Parts } from "./process/wiring.ts";

export type CallersSubmit<B extends Batch = Batch> = Omit<SubmitCall<B>, "caller" | "guard" | "writes">;
export type CallersCompletionQuery = { ids: string[] } | { groupId: string } | { tag: string };

export class CallerView {
  constructor(private readonly parts: Parts, private readonly caller: Caller) {}

  /** See {@linkcode Submitter.submit}. */
  submit<B extends Batch>(call: CallersSubmit<B>): Promise<Submitted<B>> {
    return this.parts.submitter.submit({ ...call, caller: this.caller });
  }

  /** See {@linkcode submitFlow}. */
  submitFlow(spec: FlowSpec, idempotency?: Idempotency): Promise<SubmittedFlow> {
    return submitFlow(this.parts, spec, { idempotency, caller: this.caller });
  }

  /** See {@linkcode submitMap}. */
  submitMap(spec: MapSpec, idempotency?: Idempotency): Promise<Submitted> {
    return submitMap(this.parts.submitter, this.parts.store.turns, spec, idempotency, this.caller);
  }

  /** The definitions that the caller may know. */
  definitions(): AnyDefinition[] {
    return this.parts.registry.all().filter(({ name }) => knowsDefinition(this.caller, name));
  }

  /** See {@linkcode QueueControl.list}. */
  async queues(): Promise<{ paused: Pause | null; queues: QueueState[] }> {
    return await this.parts.queueControl.list(this.caller);
  }

  /** See {@linkcode QueueControl.one}. */
  async queue(name: string): Promise<QueueState> {
    return await this.parts.queueControl.one(name, this.caller);
  }

  /** See {@linkcode QueueControl.definitions}. */
  async definitionStates(): Promise<Map<string, DefinitionState>> {
    return await this.parts.queueControl.definitions(this.caller);
  }

  /** See {@linkcode QueueControl.limit}. */
  async limitConcurrency(what: Limited, most: number | null): Promise<Concurrency> {
    return await this.parts.queueControl.limit(what, this.caller, most);
  }

  /** See {@linkcode QueueControl.pause}. */
  async pause(what: Controlled, request: PauseRequest): Promise<Pause> {
    return await this.parts.queueControl.pause(what, this.caller, request);
  }

  /** See {@linkcode QueueControl.resume}. */
  async resume(what: Controlled): Promise<void> {
    await this.parts.queueControl.resume(what, this.caller);
  }

  get operation(): OperationView {
    return new OperationView(this.parts, this.caller);
  }

  get schedules(): CallerSchedules {
    return new CallerSchedules(this.parts.schedules, this.caller);
  }

  /** See {@linkcode taskOrThrow}. */
  async task(id: string, waitMs = 0, signal?: AbortSignal): Promise<Entry> {
    const own = await this.#task(id);
    return await taskOrThrow(this.parts.notifier, own, waitMs, signal);
  }

  /** See {@linkcode cancel}. */
  async cancel(id: string, request: CancelRequest): Promise<Cancelled> {
    const own = await this.#task(id);
    return await cancel(this.parts.store, own, request);
  }

  /** See {@linkcode cancelWhich}. */
  cancelMany(which: Which, request: CancelRequest): Promise<CancelCounts> {
    return cancelWhich(this.parts.store, which, request, this.caller);
  }

  /** See {@linkcode retry}. */
  async retry(id: string, input: unknown, ifMatch?: IfMatch): Promise<Entry> {
    const own = await this.#task(id);
    if (!holds(this.caller, "operate")) await requireNoBulk(this.parts.store, own);
    return await retry(this.parts.commands, own, input, ifMatch);
  }

  /** See {@linkcode rerun}. */
  async rerun(id: string, request: Omit<RerunRequest, "caller">): Promise<Submitted> {
    const own = await this.#task(id);
    const { commands, submitter } = this.parts;
    return await rerun(commands, submitter, own, { ...request, caller: this.caller });
  }

  /** See {@linkcode logLines}. */
  async logLines(id: string, after: number, limit: number): Promise<LogPage> {
    return await logLines(this.parts.store, await this.task(id), after, limit);
  }

  /** See {@linkcode dependents}. */
  async dependents(id: string): Promise<Dependents> {
    return await dependents(this.parts.store, await this.task(id), (entry) => this.#isHidden(entry));
  }

  /** See {@linkcode forget}. */
  async forget(id: string, ifMatch?: IfMatch): Promise<void> {
    const own = await this.#task(id);
    await forget(this.parts.store, own, ifMatch);
  }

  /** See {@linkcode waitFor}. */
  async wait(ids: string[], returnWhen: ReturnWhen, waitMs: number, options?: WaitOptions): Promise<Waited> {
    const { store, notifier } = this.parts;
    return await waitFor(store, notifier, await this.#tasks(ids), returnWhen, waitMs, options);
  }

  /** See {@linkcode list}. */
  async list(query: Omit<ListQuery, "caller">): Promise<Page> {
    const { cursor } = query;
    const page = await list(this.parts.store, {
      ...ofTenant(query, this.caller.tenant),
      cursor: cursor && this.#id(cursor),
      caller: this.caller,
    });
    return { ...page, nextCursor: page.nextCursor && bare(page.nextCursor) };
  }

  /** See {@linkcode Completions.open}. */
  async completions(
    query: CallersCompletionQuery,
    options: CompletionOptions,
  ): Promise<AsyncGenerator<CompletionEvent> | null> {
    const events = await this.parts.completions.open(await this.#ownQuery(query), options);
    return events === null || this.caller.patterns.length === 0 ? events : this.#known(events);
  }

  /** See {@linkcode createGroup}. */
  async createGroup(ids: string[]): Promise<GroupStatus> {
    const { store, groups } = this.parts;
    return await createGroup(store, groups, await this.#tasks(ids));
  }

  /** See {@linkcode cancelGroup}. */
  async cancelGroup(id: string, request: CancelRequest): Promise<CancelCounts> {
    const { store, groups } = this.parts;
    return await cancelGroup(store, groups, await this.#group(id), request);
  }

  /** The group as soon as all its tasks have ended, but after `waitMs` at the latest. */
  async group(id: string, waitMs = 0, signal?: AbortSignal): Promise<GroupRecord> {
    return await this.waitForGroup(id, "ALL_COMPLETED", waitMs, signal);
  }

  /** See {@linkcode Groups.when}. */
  async waitForGroup(
    id: string,
    returnWhen: ReturnWhen,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<GroupRecord> {
    const { groups, notifier } = this.parts;
    return await groups.when(await this.#group(id), returnWhen, notifier, waitMs, signal);
  }

  /** See {@linkcode Groups.status}. */
  async groupStatus(id: string): Promise<GroupStatus> {
    return await this.parts.groups.status(await this.#group(id));
  }

  /** See {@linkcode setLimitRule}. */
  setLimitRule(pattern: string, said: RuleSaid): Promise<{ rule: LimitRule; isNew: boolean }> {
    return setLimitRule(this.parts.store, this.caller, pattern, said);
  }

  /** See {@linkcode removeLimitRule}. */
  removeLimitRule(pattern: string): Promise<boolean> {
    return removeLimitRule(this.parts.store, this.caller, pattern);
  }

  /** See {@linkcode limitRules}. */
  limitRules(): Promise<LimitRule[]> {
    return limitRules(this.parts.store, this.caller.tenant);
  }

  /** See {@linkcode limitStatus}. */
  limit(key: string): Promise<LimitStatus> {
    return limitStatus(this.parts.store, this.caller.tenant, key);
  }

  /** See {@linkcode limitsInUse}. */
  limits(page: { behind?: string; limit: number }): Promise<LimitStatus[]> {
    return limitsInUse(this.parts.store, this.caller.tenant, page);
  }

  #id(id: string): string {
    return inTenant(id, this.caller.tenant);
  }

  async #ownQuery(query: CallersCompletionQuery): Promise<CompletionQuery> {
    if ("ids" in query) return { ids: await this.#tasks(query.ids) };
    if ("groupId" in query) return { groupId: await this.#group(query.groupId) };
    return { tag: query.tag, caller: this.caller };
  }

  /** @throws {NotFoundError} */
  async #task(id: string): Promise<string> {
    const own = this.#id(id);
    if (this.caller.patterns.length > 0 && this.#isHidden(await this.parts.store.read(own))) {
      throw new NotFoundError("task", id);
    }
    return own;
  }

  /**
   * The ids of tasks as the engine knows them.
   *
   * @throws {NotFoundError} if the caller may not know one of them; of others the engine says what is wrong
   */
  async #tasks(ids: string[]): Promise<string[]> {
    const own = ids.map((id) => this.#id(id));
    if (this.caller.patterns.length === 0) return own;
    const unique = [...new Set(own)];
    const entries = await this.parts.store.readMany(unique, "caller");
    const known = entries.map((entry) => this.#isHidden(entry) ? null : entry);
    if (entries.some((entry) => this.#isHidden(entry))) present(known, unique, own);
    return own;
  }

  #isHidden(entry: Entry<Stored> | null): boolean {
    return entry !== null && !isForgotten(entry.record) && !knows(this.caller, entry.record);
  }

  /**
   * The id of a group as the engine knows it.
   *
   * @throws {NotFoundError}
   */
  async #group(id: string): Promise<string> {
    const own = this.#id(id);
    if (!await knowsAll(this.parts.groups.members, own, this.caller)) throw new NotFoundError("group", id);
    return own;
  }

  /** A group may get tasks while it is streamed. */
  async *#known(events: AsyncGenerator<CompletionEvent>): AsyncGenerator<CompletionEvent> {
    for await (const event of events) {
      const record = event.kind === "task" ? event.entry?.record : undefined;
      if (record === undefined || knows(this.caller, record)) yield event;
    }
  }
}
