// How the service does, now and in the last minutes.

import type { SignalOptions } from "../canvas/options.ts";
import type { Expected } from "../protocol/wire.ts";
import type { QueueCounts } from "../queues/queues.ts";
import type { Connection } from "../transport/connection.ts";

/** Milliseconds, right within a fifth; null of nothing. */
export interface Percentiles {
  count: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

/** In some time, in all processes. */
export interface Happened {
  submitted: number;
  /** By the state that they ended in. */
  ended: Record<string, number>;
  /** By what became of them. */
  attempts: Record<string, number>;
  /** How often a task had to wait for a limit by key. */
  limited: { concurrency: number; rate: number };
  /** From ready to running. */
  wait: Percentiles;
  /** Of one attempt. */
  run: Percentiles;
}

/** Tasks that have not ended. */
export interface TasksNow extends QueueCounts {
  oldestReadyAt: string | null;
}

export interface Stats {
  /** ISO 8601. */
  at: string;
  minutes: number;
  now: TasksNow;
  happened: Happened;
  /** By name. */
  definitions: { task: string; now: TasksNow; happened: Happened }[];
  /** The oldest first; the last one is not over. */
  perMinute: { at: string; happened: Happened }[];
}

const STATS: Expected = {
  what: "the figures of the service",
  is: (body) => typeof (body as Partial<Stats> | null)?.now?.ready === "number",
};

/** What waits and runs, and what happened in the last minutes: 1 to 60, default 15. */
export async function statsOf(
  { http }: Connection,
  { minutes, signal }: SignalOptions & { minutes?: number },
): Promise<Stats> {
  const path = `/v1/stats${minutes === undefined ? "" : `?minutes=${minutes}`}`;
  return (await http.call({ method: "GET", path, expects: STATS, signal })).body;
}
