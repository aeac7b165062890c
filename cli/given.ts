// The options of commands, as they are given.

import type { Scope, StateType } from "../client/mod.ts";

/** Times are milliseconds. */
export interface WaitGiven {
  wait?: true;
  within?: number;
  any?: true;
}

export interface SubmitGiven extends WaitGiven {
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

export interface ListGiven {
  state?: StateType[];
  task?: string;
  tag?: string;
  group?: string;
  parent?: string;
  createdAfter?: string;
  createdBefore?: string;
  finishedAfter?: string;
  finishedBefore?: string;
  queue?: string;
  search?: string;
  count?: true;
  /** 0: all. */
  limit: number;
}

export interface CancelGiven {
  reason?: string;
  grace?: number;
  children?: true;
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
