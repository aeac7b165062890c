// What the service tells, in the words of its client; and the answers that the client keeps to itself.

import type {
  BulkPreview,
  BulkRequest,
  DefinitionInfo,
  Failure,
  GroupCounts,
  GroupGraph,
  GroupOptions,
  GroupState,
  HistoryEntry,
  Key,
  LimitRule,
  LimitStatus,
  Overlap,
  Pause,
  Progress,
  Queue,
  Rate,
  Schedule,
  ScheduleConfig,
  ScheduleSpec,
  ScheduleSummary,
  Scope,
  State,
  StateType,
  Stats,
  Task,
  TaskCount,
  TaskSummary,
  Worker,
} from "../../client/npm/errand.d.ts";

export type {
  BulkPreview,
  BulkRequest,
  DefinitionInfo,
  Failure,
  HistoryEntry,
  Key,
  LimitRule,
  LimitStatus,
  Overlap,
  Pause,
  Progress,
  Queue,
  Rate,
  Schedule,
  ScheduleConfig,
  ScheduleSpec,
  ScheduleSummary,
  Scope,
  State,
  StateType,
  Stats,
  Task,
  TaskSummary,
  Worker,
};

export const STATE_TYPES = [
  "SCHEDULED",
  "PENDING",
  "RUNNING",
  "PAUSED",
  "CANCELLING",
  "COMPLETED",
  "FAILED",
  "CRASHED",
  "CANCELLED",
] as const satisfies StateType[];

/** GET /v1/tasks */
export interface TaskList {
  count?: TaskCount;
  tasks: TaskSummary[];
  nextCursor: string | null;
}

/** GET /v1/tasks/{id}/dependents */
export interface Dependents {
  tasks: TaskSummary[];
  more: boolean;
}

/** GET /v1/queues */
export interface QueueList {
  paused: Pause | null;
  queues: Queue[];
}

/** GET /v1/limits */
export interface LimitList {
  rules: LimitRule[];
  limits: LimitStatus[];
  nextAfter: string | null;
}

/** GET /v1/schedules */
export interface ScheduleList {
  schedules: ScheduleSummary[];
  nextCursor: string | null;
}

/** GET /v1/workers */
export interface WorkerList {
  workers: Worker[];
}

/** GET /v1/definitions */
export interface DefinitionList {
  definitions: DefinitionInfo[];
}

export type Schema = DefinitionInfo["input"];

/** GET /v1/groups/{id} */
export interface Group extends GroupCounts {
  id: string;
  state: GroupState;
  policy: GroupOptions | null;
  /** The first ones; id null: of the group as a whole. */
  errors: { id: string | null; task: string | null; name: string | null; error: Failure }[];
  endedAt: string | null;
  nodes: GroupGraph["nodes"] | null;
  edges: GroupGraph["edges"];
  createdAt: string;
}

/** A key or a tenant. */
export interface Counted {
  kind: "key" | "tenant";
  name: string;
  /** Of the key; null for the default tenant. */
  tenant: string | null;
}

export type QuotaName =
  | "requestsPerSecond"
  | "queued"
  | "running"
  | "waiting"
  | "bodyBytes"
  | "storedBytes";

/** Null: not counted; no limit. */
export type Usage = Counted & Record<QuotaName, { used: number | null; limit: number | null }>;

export interface Quota extends Counted {
  quotas: Partial<Record<QuotaName, number>>;
  changedAt: string;
  changedBy: string | null;
}

/** GET /v1/audit */
export interface AuditPage {
  entries: AuditEntry[];
  nextCursor: string | null;
}

export interface AuditEntry {
  id: string;
  at: string;
  by: string | null;
  tenant: string | null;
  from: string | null;
  action: string;
  status: number;
  refused: boolean;
  calls: number;
  which: string[];
}
