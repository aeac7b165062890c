// What one caller who looks after the service sees of it. Rarely asked for: what nothing else needs is loaded
// by its first call.

import { type BulkRequest, previewBulk, submitBulk } from "./commands/bulk/bulk.ts";
import type { Idempotency } from "./commands/idempotency.ts";
import type { Submitted } from "./commands/submit.ts";
import type { Caller } from "./core/caller.ts";
import { bare, inTenant } from "./core/tenant.ts";
import type { Family } from "./metrics/family_names.ts";
import type { Stats } from "./metrics/stats.ts";
import type { TransitionEvent, TransitionQuery } from "./metrics/transition_reader.ts";
import type { Parts } from "./process/wiring.ts";
import { type GroupListQuery, type GroupPage, listGroups } from "./queries/group_list.ts";
import type { WorkerSeen } from "./queries/workers.ts";

export class OperationView {
  constructor(private readonly parts: Parts, private readonly caller: Caller) {}

  /** See {@linkcode workersSeen}. */
  async workers(): Promise<WorkerSeen[]> {
    const { workersSeen } = await import("./queries/workers.ts");
    return await workersSeen(this.parts.store, this.caller);
  }

  /** See {@linkcode statsFor}. */
  async stats(minutes: number): Promise<Stats> {
    const { statsFor } = await import("./metrics/stats.ts");
    const { clock, counter, sharedCounts: shared } = this.parts;
    return await statsFor({ clock, counter, shared }, this.caller, minutes);
  }

  /** See {@linkcode listGroups}. */
  async groups(query: Omit<GroupListQuery, "caller">): Promise<GroupPage> {
    const { store, groups: { members } } = this.parts;
    const cursor = query.cursor && inTenant(query.cursor, this.caller.tenant);
    const page = await listGroups(store, members, { ...query, cursor, caller: this.caller });
    return { ...page, nextCursor: page.nextCursor && bare(page.nextCursor) };
  }

  /** See {@linkcode submitBulk}. */
  async bulk(request: BulkRequest, idempotency?: Idempotency): Promise<Submitted> {
    const { commands, submitter } = this.parts;
    return await submitBulk(commands, submitter, request, this.caller, idempotency);
  }

  /** See {@linkcode previewBulk}. */
  async previewBulk(request: BulkRequest): ReturnType<typeof previewBulk> {
    return await previewBulk(this.parts.store, request, this.caller);
  }

  /** See {@linkcode transitions}. */
  async transitions(
    query: TransitionQuery,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<TransitionEvent[]>> {
    const { transitions } = await import("./metrics/transition_reader.ts");
    const { store, transitionLog } = this.parts;
    const groupId = query.groupId && inTenant(query.groupId, this.caller.tenant);
    return await transitions(store, transitionLog, this.caller, { ...query, groupId }, signal);
  }

  /** See {@linkcode familiesFor}. */
  async metrics(): Promise<Family[]> {
    const { familiesFor } = await import("./metrics/families.ts");
    return await familiesFor(this.parts, this.caller);
  }
}
