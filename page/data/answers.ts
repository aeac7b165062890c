// What the service tells, in the words of its client; and the answers that the client keeps to itself.

import type {
  BulkPreview,
  BulkRequest,
  DefinitionInfo,
  Dependents,
  Failure,
  GroupInfo,
  GroupState,
  GroupSummary,
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
  Dependents,
  Failure,
  GroupInfo,
  GroupState,
  GroupSummary,
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

/** In their order. One that is missing is an error of types. */
export const STATE_TYPES = namesOf<StateType>({
  SCHEDULED: true,
  PENDING: true,
  RUNNING: true,
  PAUSED: true,
  CANCELLING: true,
  COMPLETED: true,
  FAILED: true,
  CRASHED: true,
  CANCELLED: true,
});

export const GROUP_STATES = namesOf<GroupState>({
  RUNNING: true,
  CANCELLING: true,
  COMPLETED: true,
  FAILED: true,
  CANCELLED: true,
});

function namesOf<Name extends string>(all: Record<Name, true>): readonly Name[] {
  return Object.keys(all) as Name[];
}

/** GET /v1/tasks */
export interface TaskList {
  count?: TaskCount;
  tasks: TaskSummary[];
  nextCursor: string | null;
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

/** GET /v1/groups */
export interface GroupList {
  groups: GroupSummary[];
  nextCursor: string | null;
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
