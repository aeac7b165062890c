// What a schedule says, as types: definitions declare schedules too, and import nothing that reads them.

import type { SubmitOptions } from "./submission.ts";

/** Times: cron fields in a time zone (default UTC), an interval that counts from 1970, or one instant. */
export type SpecEntry =
  | { cron: string; timezone?: string }
  | { everyMs: number; offsetMs?: number }
  | { at: string };

/** The times of a schedule. All instants of the entries, without those of `exclude`. */
export interface Times {
  spec: SpecEntry[];
  exclude?: SpecEntry[];
  /** ISO 8601: no time is before it. */
  startAt?: string;
  /** ISO 8601: no time is after it. */
  endAt?: string;
}

export const OVERLAPS = ["skip", "buffer-one", "buffer-all", "cancel-running", "allow-all"] as const;
/** What becomes of a time at which a task of the schedule has not ended. */
export type Overlap = typeof OVERLAPS[number];

/** Options that say the same of every task. An instant would be over after the first one. */
export type ScheduleOptions = Omit<
  SubmitOptions,
  "runAt" | "expiresAt" | "waitFor" | "allowFailure" | "unique" | "debounce"
>;

export interface ScheduleConfig extends Times {
  task: string;
  /** Of every task. Left out: {}. */
  input?: unknown;
  options?: ScheduleOptions;
  /**
   * Each time is moved later by less than this, by an amount that follows from the name and the time: so that
   * not all schedules of midnight start in one second. Default 0.
   */
  windowMs?: number;
  /** Default: skip. */
  overlap?: Overlap;
  /** Times that nobody could fire are made up for so long; older ones are left out. Default an hour. */
  catchupMs?: number;
  /** A task that ends FAILED or CRASHED pauses the schedule. Default false. */
  pauseOnFailure?: boolean;
  /** It fires so many times more, and then no more. */
  remaining?: number;
  /** Left out: a schedule that is there stays paused, or not. */
  paused?: boolean;
  note?: string;
}

/** A schedule in the code of a definition. */
export interface DeclaredSchedule<Input = unknown> extends Omit<ScheduleConfig, "task" | "paused" | "input"> {
  /** Default: the name of the definition. */
  name?: string;
  /** Of every task. Left out: {}. */
  input?: Input;
}
