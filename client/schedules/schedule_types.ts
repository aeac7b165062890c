// Schedules, as they stand in the service's OpenAPI document.

import type { TaskOptions } from "../protocol/wire.ts";

/** Times: cron fields in a time zone (default UTC), an interval that counts from 1970, or one instant. */
export type ScheduleSpec =
  | { cron: string; timezone?: string }
  | { everyMs: number; offsetMs?: number }
  | { at: string };

export interface ScheduleTimes {
  /** The times of all entries. */
  spec: ScheduleSpec[];
  /** Times that are left out. */
  exclude?: ScheduleSpec[];
  /** ISO 8601: no time is before it. */
  startAt?: string;
  /** ISO 8601: no time is after it. */
  endAt?: string;
}

/** What becomes of a time at which a task of the schedule has not ended. */
export type Overlap = "skip" | "buffer-one" | "buffer-all" | "cancel-running" | "allow-all";

/** Options of each task. */
export type ScheduledTaskOptions = Omit<
  TaskOptions,
  "runAt" | "expiresAt" | "waitFor" | "allowFailure" | "unique" | "debounce"
>;

export interface ScheduleConfig<Name extends string = string, Input = unknown> extends ScheduleTimes {
  /** The name of a definition. */
  task: Name;
  /** Of every task. Left out: {}. */
  input?: Input;
  options?: ScheduledTaskOptions;
  /** Each time is moved later by less than this, always by the same. Default 0. */
  windowMs?: number;
  /** Default: skip. */
  overlap?: Overlap;
  /** For so long, times are made up that nobody could fire; at least 10,000. Default: an hour. */
  catchupMs?: number;
  /** A task that ends FAILED or CRASHED pauses the schedule. Default false. */
  pauseOnFailure?: boolean;
  /** It fires so many times more. Default: no bound. */
  remaining?: number;
  /** Left out: a schedule that is there stays paused, or not. */
  paused?: boolean;
  note?: string;
}

/** Null takes a field away. */
export type SchedulePatch<Name extends string = string, Input = unknown> = {
  [Field in keyof ScheduleConfig<Name, Input>]?:
    | ScheduleConfig<Name, Input>[Field]
    | (Field extends "task" | "spec" ? never : null);
};

/** A schedule as lists show it: without its input. */
export interface ScheduleSummary {
  name: string;
  task: string;
  options?: ScheduledTaskOptions;
  spec: ScheduleSpec[];
  exclude: ScheduleSpec[];
  startAt: string | null;
  endAt: string | null;
  windowMs: number;
  overlap: Overlap;
  catchupMs: number;
  pauseOnFailure: boolean;
  /** Times that it will fire yet; null: no bound. */
  remaining: number | null;
  note: string | null;
  paused: { note: string | null; since: string; by: string | null } | null;
  /** The next five times, ISO 8601. None while it is paused. */
  next: string[];
  /** When it fires for the first of these, with what `windowMs` moves. */
  nextFiresAt: string | null;
  last: { scheduledFor: string; taskId: string } | null;
  /** Ids of its tasks that have not ended; of very many the newest. */
  running: string[];
  fired: number;
  skipped: number;
  /** Why the last time that failed was not fired. */
  fault: { scheduledFor: string; message: string } | null;
  /** The definition whose code declares it. */
  declaredBy: string | null;
  createdAt: string;
  updatedAt: string;
  links: { self: string; trigger: string; pause: string; resume: string };
}

export interface Schedule<Input = unknown> extends ScheduleSummary {
  input: Input;
}
