// What the service tells, as far as the page shows it. docs/reference/http.md says what it means.

export type StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "PAUSED"
  | "CANCELLING"
  | "COMPLETED"
  | "FAILED"
  | "CRASHED"
  | "CANCELLED";

export const STATE_TYPES: StateType[] = [
  "SCHEDULED",
  "PENDING",
  "RUNNING",
  "PAUSED",
  "CANCELLING",
  "COMPLETED",
  "FAILED",
  "CRASHED",
  "CANCELLED",
];

export interface State {
  type: StateType;
  name: string;
  message: string | null;
  at: string;
}

export interface HistoryEntry extends State {
  seq: number;
  attempt: number;
}

export interface TaskError {
  name: string;
  message: string;
  cause?: TaskError;
  errors?: TaskError[];
  stack?: string;
  retryable: boolean;
}

export interface Progress {
  current: number;
  total: number | null;
  message: string | null;
}

export interface TaskSummary {
  id: string;
  task: string;
  /** What people call it. */
  displayName?: string;
  queue: string;
  state: State;
  done: boolean;
  attempt: number;
  maxAttempts: number;
  error: TaskError | null;
  progress: Progress | null;
  priority: number;
  tags: string[];
  metadata: Record<string, unknown>;
  groupId: string | null;
  parentId: string | null;
  waitFor: string[] | null;
  node: string | null;
  cachedFrom?: string;
  schedule?: { name: string; scheduledFor: string };
  createdAt: string;
  runAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  expiresAt: string | null;
}

export interface Task extends TaskSummary {
  input: unknown;
  result: unknown;
  timeoutMs: number | null;
  maxCrashes: number;
  retentionMs: number;
  failureRetentionMs: number;
  nextPauseMs: number | null;
  history: HistoryEntry[];
}

export interface TaskList {
  count?: { value: number; exact: boolean };
  tasks: TaskSummary[];
  nextCursor: string | null;
}

export interface Pause {
  note: string | null;
  since: string;
  until?: string | null;
  by: string | null;
}

export interface Queue {
  name: string;
  paused: Pause | null;
  counts: {
    scheduled: number;
    ready: number;
    limited: number;
    waiting: number;
    running: number;
  };
  oldestReadyAt: string | null;
  concurrency: {
    /** Null: nothing limits it. */
    current: number | null;
    override: number | null;
    overriddenBy: string | null;
  };
}

export interface QueueList {
  paused: Pause | null;
  queues: Queue[];
}

export type Schema = { [name: string]: unknown };

export interface Definition {
  name: string;
  description: string | null;
  input: Schema;
  output: Schema;
  runsOn: "inline" | "thread";
  defaults: Record<string, unknown>;
  paused: Pause | null;
}

export interface GraphNode {
  id: string;
  name: string | null;
  task: string;
  state: State;
}

export interface Group {
  id: string;
  total: number;
  done: number;
  counts: Partial<Record<StateType, number>>;
  /** Of the group as a whole. */
  state: StateType;
  policy: Record<string, unknown> | null;
  /** The first ones; id null: of the group as a whole. */
  errors: { id: string | null; task: string | null; name: string | null; error: TaskError }[];
  endedAt: string | null;
  nodes: GraphNode[] | null;
  edges: { from: string; to: string }[] | null;
  createdAt: string;
}
