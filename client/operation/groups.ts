// Groups and flows that anybody made: lists of them, and how one of them stands.

import type { SignalOptions } from "../canvas/options.ts";
import type { GroupCounts, GroupGraph } from "../futures/group_future.ts";
import type { GroupCompensation, GroupState } from "../protocol/group.ts";
import { checkId } from "../protocol/ids.ts";
import type { Expected, Failure, State, StateType } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import { queryOf } from "../transport/query.ts";

/** All of it must be true of a group. */
export interface GroupFilter {
  /** It is in one of these. */
  state?: GroupState | readonly GroupState[];
  /** A date, or ISO 8601. */
  createdAfter?: Date | string;
  createdBefore?: Date | string;
}

/** A policy as it is in force. */
export interface GroupPolicy {
  onFailure: "continue" | "cancel-rest" | "cancel-all-and-fail";
  maxFailures: number;
  /** ISO 8601. */
  deadlineAt: string | null;
}

interface GroupStands {
  id: string;
  state: GroupState;
  policy: GroupPolicy | null;
  /** ISO 8601. */
  createdAt: string;
  endedAt: string | null;
}

/** What a list tells of a group. */
export interface GroupSummary extends GroupStands {
  total: number;
  /** How many have ended. */
  done: number;
  /** How many of those are in which state. */
  ended: Partial<Record<StateType, number>>;
  /** Names, of its first 3 tasks. */
  definitions: string[];
}

/** A failure of a task of a group, or with the id null of the group as a whole. */
export interface GroupFault {
  id: string | null;
  /** The name of its definition. */
  task: string | null;
  /** Its name in a flow. */
  name: string | null;
  state: State | null;
  error: Failure;
  /** Of a compensation: the task that it did not take back. */
  compensates?: string;
}

export interface GroupInfo extends GroupStands, GroupCounts {
  /** The first 20. */
  errors: GroupFault[];
  compensation: GroupCompensation | null;
  /** Its tasks in their order; null for a large group. */
  nodes: GroupGraph["nodes"] | null;
  edges: GroupGraph["edges"];
}

export interface GroupListOptions extends SignalOptions {
  /** So many are asked for at once, 1 to 100. Default 50. */
  pageSize?: number;
}

const GROUPS: Expected = {
  what: "groups",
  is: (body) => Array.isArray((body as { groups?: unknown } | null)?.groups),
};
const A_GROUP: Expected = {
  what: "a group",
  is: (body) => typeof (body as { counts?: unknown } | null)?.counts === "object",
};

/** `errand.groups` */
export class Groups {
  constructor(private readonly connection: Connection) {}

  /**
   * The groups that fit the filter, newest first, read page by page.
   *
   * @throws {ValidationError} for a filter that the service does not take
   */
  async *list(
    filter: GroupFilter = {},
    { pageSize = 50, signal }: GroupListOptions = {},
  ): AsyncGenerator<GroupSummary> {
    const query = queryOf(filter);
    query.set("limit", String(pageSize));
    for (;;) {
      const path = `/v1/groups?${query}`;
      const { body } = await this.connection.http.call({ method: "GET", path, expects: GROUPS, signal });
      yield* body.groups as GroupSummary[];
      if (body.nextCursor === null) return;
      query.set("cursor", body.nextCursor);
    }
  }

  /**
   * One of them, as it stands now.
   *
   * @throws {NotFoundError}
   */
  async get(id: string, { signal }: SignalOptions = {}): Promise<GroupInfo> {
    const path = `/v1/groups/${checkId("group", id)}`;
    return (await this.connection.http.call({ method: "GET", path, expects: A_GROUP, signal })).body;
  }
}
