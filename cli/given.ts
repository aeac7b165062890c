// The options of commands, as they are given.

import type { GroupState, Scope, StateType } from "../client/mod.ts";

/** Times are milliseconds. */
export interface WaitGiven {
  wait?: true;
  within?: number;
  any?: true;
}

export interface SubmitGiven extends WaitGiven {
  name?: string;
  queue?: string;
  priority?: number;
  delay?: number;
  /** ISO 8601. */
  at?: string;
  ttl?: number;
  timeout?: number;
  attempts?: number;
  tag?: string[];
  /** JSON. */
  options?: string;
  id?: string;
  idempotencyKey?: string;
}

/** Which tasks. */
export interface FilterGiven {
  state?: StateType[];
  task?: string;
  queue?: string;
  tag?: string;
  group?: string;
  parent?: string;
  search?: string;
  /** ISO 8601, as the others. */
  createdAfter?: string;
  createdBefore?: string;
}

export interface ListGiven extends FilterGiven {
  finishedAfter?: string;
  finishedBefore?: string;
  count?: true;
  /** 0: all. */
  limit: number;
}

export interface GroupListGiven {
  state?: GroupState[];
  /** ISO 8601. */
  createdAfter?: string;
  createdBefore?: string;
  /** 0: all. */
  limit: number;
}

export interface CancelGiven extends FilterGiven {
  all?: true;
  reason?: string;
  grace?: number;
  children?: true;
  onlyWaiting?: true;
}

export interface TailGiven extends Pick<FilterGiven, "state" | "task" | "queue" | "tag" | "group"> {
  after?: string;
}

export interface BulkGiven extends FilterGiven {
  finishedAfter?: string;
  finishedBefore?: string;
  all?: true;
  dryRun?: true;
  wait?: true;
  reason?: string;
  grace?: number;
}

export interface InputGiven {
  /** JSON. */
  input?: string;
}

export interface NoteGiven {
  note?: string;
}

export interface PauseGiven extends NoteGiven {
  for?: number;
  definition?: string;
}

export interface LimitGiven extends NoteGiven {
  concurrency?: number;
  rate?: number;
  period?: number;
  burst?: number;
}

export interface ScheduleGiven extends InputGiven, NoteGiven {
  task?: string;
  cron?: string[];
  timezone?: string;
  every?: number;
  at?: string;
  overlap?: string;
}

export interface RangeGiven {
  /** ISO 8601. */
  from: string;
  to: string;
}

export interface PreviewGiven {
  timezone?: string;
  count: number;
}

export interface KeyGiven {
  scopes: Scope[];
  tenant?: string;
  pattern?: string[];
  expires?: string;
}

export interface DatabaseGiven {
  database?: string;
}

export interface TopGiven {
  every: number;
  minutes: number;
  frames?: number;
}
