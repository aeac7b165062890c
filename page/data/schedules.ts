// Schedules as the service tells them.

import { clock, duration } from "./format.ts";
import type { Pause } from "./types.ts";

type Spec = { cron: string; timezone?: string } | {
  everyMs: number;
  offsetMs?: number;
} | { at: string };

export interface Schedule {
  name: string;
  task: string;
  input?: unknown;
  options: Record<string, unknown>;
  spec: Spec[];
  exclude: Spec[];
  startAt: string | null;
  endAt: string | null;
  windowMs: number;
  overlap: string;
  catchupMs: number;
  pauseOnFailure: boolean;
  remaining: number | null;
  note: string | null;
  paused: Pause | null;
  next: string[];
  nextFiresAt: string | null;
  last: { scheduledFor: string; taskId: string } | null;
  running: string[];
  fired: number;
  skipped: number;
  fault: { scheduledFor: string; message: string } | null;
  declaredBy: string | null;
  createdAt: string;
  updatedAt: string;
}

export function specText(spec: Spec[]): string {
  return spec.map((each) => {
    if ("cron" in each) {
      return `${each.cron}${each.timezone ? ` (${each.timezone})` : ""}`;
    }
    if ("everyMs" in each) return `every ${duration(each.everyMs)}`;
    return `at ${clock(Date.parse(each.at))}`;
  }).join(", ");
}
