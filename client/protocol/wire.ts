// What the service sends and takes, as it stands in its OpenAPI document.

import type { TaskCondition, WaitFor } from "./wait_for.ts";

import type {
  CacheOptions,
  ConcurrencyOptions,
  DebounceOptions,
  RateLimitOptions,
  UniqueOptions,
} from "./limit_options.ts";

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

/** The type drives logic, the name is for people. */
export interface State {
  type: StateType;
  name: string;
  message: string | null;
  /** ISO 8601, UTC. */
  at: string;
}

export interface HistoryEntry extends State {
  /** The state's place among the task's events. */
  seq: number;
  attempt: number;
}

/** What a task's function threw. */
export interface Failure {
  name: string;
  message: string;
  cause?: Failure;
  /** Of an AggregateError. */
  errors?: Failure[];
  /** Only where the operator shows stacks. */
  stack?: string;
  /** False: another attempt would fail as well, so there was none. */
  retryable: boolean;
  /** With which an HTTP call was answered, where the error says so. */
  status?: number;
}

export interface Progress {
  current: number;
  total: number | null;
  message: string | null;
}

/** A task as lists show it: without input, result, history and what bounds it. */
export interface TaskSummary {
  id: string;
  /** The name of its definition. */
  task: string;
  queue: string;
  state: State;
  /** It has ended, in whatever state. */
  done: boolean;
  attempt: number;
  maxAttempts: number;
  error: Failure | null;
  progress: Progress | null;
  priority: number;
  tags: string[];
  metadata: Record<string, unknown>;
  groupId: string | null;
  parentId: string | null;
  /** Ids of the tasks that it was told to wait for; null if they are too many for a list, and only there. */
  waitFor: string[] | null;
  /** Its name in the flow that it is part of. */
  node: string | null;
  /** How some of the tasks that it waits for must end, where they need not complete. */
  conditions?: TaskCondition[];
  /** Of a task that a schedule has submitted: its name, and the time that the task is for (ISO 8601). */
  schedule?: { name: string; scheduledFor: string };
  /** What people call it. */
  displayName?: string;
  /** Of its definition, when it was submitted. */
  version?: string;
  /** In lists: the beginning of its input, as JSON without what is redacted; null: a large one. */
  argsRepr?: string | null;
  /** Of a task whose result is not kept: it is null. */
  resultIgnored?: true;
  /** Of a task in whose place others are: their group. */
  replacedBy?: string;
  /** Of a task that is COMPLETED `Cached`: whose result it got. */
  cachedFrom?: string;
  /** W3C trace context of its submit, or of the call that made it. */
  traceparent?: string;
  /** What came with it, to be passed on. */
  tracestate?: string;
  /** Of a task that was made from an ended one by `rerun`: that one. */
  rerunOf?: string;
  /** Of a compensation: the task that it takes back. */
  compensates?: string;
  /** The definition that takes it back if its group does not complete. */
  compensatedBy?: string;
  createdAt: string;
  runAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  expiresAt: string | null;
  links: { self: string; result: string; events: string; cancel: string; retry: string };
}

export interface Task<Result = unknown> extends TaskSummary {
  waitFor: string[];
  /** As it was given, without what its definition redacts: a future in it is `{"$task": id}`. */
  input: unknown;
  /** Null before the end as well as for a function that returned nothing: the state tells them apart. */
  result: Result | null;
  /** Longest time of one attempt; null for no limit. */
  timeoutMs: number | null;
  /** When its function is told that its time is nearly over; null for never. */
  softTimeoutMs: number | null;
  retry: TaskRetry;
  maxCrashes: number;
  retentionMs: number;
  failureRetentionMs: number;
  /**
   * How long it will pause if the present attempt fails (with jitter at most so long), or how long the pause
   * is that it is in. Null if no other attempt will follow.
   */
  nextPauseMs: number | null;
  history: HistoryEntry[];
}

/** When a failed attempt is tried again: after `delayMs * factor ** n`, at most `maxDelayMs`. */
export interface RetryPolicy {
  /** Attempts in all; 1 means no retry. */
  maxAttempts?: number;
  delayMs?: number;
  factor?: number;
  maxDelayMs?: number;
  /** Draw the pause evenly from 0 to the computed one. */
  jitter?: boolean;
  /**
   * The pauses themselves; the last one is repeated. Not together with `delayMs`, `factor` and `maxDelayMs`.
   * Without `maxAttempts` there are as many retries as pauses, and without `jitter` no jitter.
   */
  delaysMs?: number[];
  /** Only after errors like one of these. */
  on?: ErrorMatch[];
  /** Not after errors like one of these. */
  notOn?: ErrorMatch[];
  /** No attempt begins so long after the first one, or after a retry on request. */
  untilMs?: number;
}

/** An error by its name, or by the status of an HTTP answer: 503, or "5xx" for all of them. */
export type ErrorMatch = string | { status: number | string };

/** The policy of a task, whole. */
export type TaskRetry =
  & Required<Pick<RetryPolicy, "maxAttempts" | "delayMs" | "factor" | "maxDelayMs" | "jitter">>
  & Pick<RetryPolicy, "delaysMs" | "on" | "notOn" | "untilMs">;

/** What takes a task back: one more task. A signature, as `sig` makes it, is one. */
export interface Compensation {
  readonly task: string;
  /** Its own input: with `into` or `immutable`. */
  readonly input?: unknown;
  /** The field of its input that gets `{ input, result }` of the task. Without it they are its input. */
  readonly into?: string;
  /** It gets its own input only. */
  readonly immutable?: boolean;
  readonly options?: Readonly<CompensationOptions>;
}

/** The options of a compensation. */
export type CompensationOptions = Omit<
  TaskOptions,
  "compensate" | "waitFor" | "allowFailure" | "unique" | "debounce" | "cache" | "runAt" | "expiresAt"
>;

/** What a submit may say about a task, beside its input. */
export interface TaskOptions {
  /** Start this much later. Not together with `runAt`. */
  delayMs?: number;
  /** Not before this instant (ISO 8601). */
  runAt?: string;
  /** Not started within this: CANCELLED Expired. Not together with `expiresAt`. */
  ttlMs?: number;
  /** Not started by this instant (ISO 8601): CANCELLED Expired. */
  expiresAt?: string;
  /** Longest time of one attempt. */
  timeoutMs?: number;
  /** After this the function is told to end; what it returns then counts. Less than `timeoutMs`. */
  softTimeoutMs?: number;
  retry?: RetryPolicy;
  /** How often it may run again after its worker died; this uses up no attempt. */
  maxCrashes?: number;
  /** −10 to 10, larger first. */
  priority?: number;
  /** Where it waits for a worker: 1 to 64 of `a-z0-9_.-`. Default: the definition's, else `default`. */
  queue?: string;
  /** What people call this run: 1 to 200 characters. */
  displayName?: string;
  tags?: string[];
  /** Yours: kept and shown, never looked at. */
  metadata?: Record<string, unknown>;
  /** How long the task is kept after its end, unless that is a failure. Default: 24 h. */
  retentionMs?: number;
  /** How long the task is kept if it ends FAILED or CRASHED. Default: 14 days. */
  failureRetentionMs?: number;
  /**
   * Tasks and groups that must have completed before it starts, by their ids; or, with conditions, have ended
   * in another way. Their results are not handed over.
   */
  waitFor?: WaitFor;
  /**
   * An upstream that does not complete does not cancel this task: it starts all the same, and a reference to
   * that upstream becomes `{ error: { name, message, … } }`.
   */
  allowFailure?: boolean;
  /** Nothing of its result is stored: whoever asks gets null, and is told so. */
  ignoreResult?: boolean;
  /** Up to 4 keys. */
  concurrency?: ConcurrencyOptions | ConcurrencyOptions[];
  /** Up to 4 keys. */
  rateLimit?: RateLimitOptions | RateLimitOptions[];
  /** Keys take turns, by their weights (default 1), within a priority. */
  fairness?: { key: string; weight?: number };
  /** False: not even if the definition says so. */
  unique?: UniqueOptions | false;
  /** Not together with `unique`. */
  debounce?: DebounceOptions | false;
  /** False: not even if the definition says so. */
  cache?: CacheOptions | false;
  /**
   * Of a task in a group: what takes it back if it completes and its group does not. Those of a group run one
   * after the other, in reverse order of completion.
   */
  compensate?: Compensation;
}

interface Reported {
  at: string;
  attempt: number;
}

/** One event of a task. `seq` is its place: 1, 2, 3, … without a gap. */
export type TaskEvent<Result = unknown> =
  & { seq: number }
  & (
    | { event: "state"; data: HistoryEntry }
    | { event: "progress"; data: Progress & Reported }
    | { event: "log"; data: { message: string; data: unknown } & Reported }
    | { event: "chunk"; data: { chunk: unknown } & Reported }
    | { event: "result"; data: { id: string; state: State; result: Result } }
    | { event: "error"; data: { state: State; error: Failure | null } & Partial<Reported> }
  );

const TERMINAL: readonly StateType[] = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];

/** True for a state that a task does not leave by itself. */
export function isTerminal({ type }: State): boolean {
  return TERMINAL.includes(type);
}

/** The form that an answer must have, and its name in an error. */
export interface Expected {
  what: string;
  is(body: unknown): boolean;
}

export const A_TASK: Expected = { what: "a task", is: isTask };

/** True for what looks like a task of this service. */
export function isTask(body: unknown): body is Task {
  const { id, state } = (body ?? {}) as Partial<Task>;
  return typeof id === "string" && typeof state?.type === "string";
}
