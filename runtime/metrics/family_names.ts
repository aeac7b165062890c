// What is measured, by the names that Prometheus reads. Labels are names of definitions and queues, states
// and outcomes; never an id, a tag, a key of a limit or a tenant.

import type { Histogram } from "../core/histogram.ts";

export interface Kind {
  type: "counter" | "gauge" | "histogram";
  help: string;
  /**
   * Its name in OpenTelemetry: one that a collector which writes for Prometheus turns into the other one. A
   * histogram is in seconds.
   */
  exportedAs: string;
  unit: "s" | "{task}" | "{attempt}" | "{worker}" | "{function}" | "{commit}" | "";
}

export const KINDS = {
  errand_tasks: {
    type: "gauge",
    help: "Tasks that have not ended, in all processes.",
    exportedAs: "errand.tasks",
    unit: "{task}",
  },
  errand_oldest_ready_seconds: {
    type: "gauge",
    help: "How long the oldest ready task has waited for a worker, in all processes.",
    exportedAs: "errand.oldest_ready",
    unit: "s",
  },
  errand_workers: {
    type: "gauge",
    help: "Workers in all processes.",
    exportedAs: "errand.workers",
    unit: "{worker}",
  },
  errand_tasks_submitted_total: {
    type: "counter",
    help: "Tasks that this process has stored.",
    exportedAs: "errand.tasks.submitted",
    unit: "{task}",
  },
  errand_tasks_ended_total: {
    type: "counter",
    help: "Tasks whose end this process has stored.",
    exportedAs: "errand.tasks.ended",
    unit: "{task}",
  },
  errand_attempts_total: {
    type: "counter",
    help: "Attempts that have ended, by what became of them.",
    exportedAs: "errand.attempts",
    unit: "{attempt}",
  },
  errand_task_wait_seconds: {
    type: "histogram",
    help: "From ready to running.",
    exportedAs: "errand.task.wait",
    unit: "s",
  },
  errand_task_run_seconds: {
    type: "histogram",
    help: "How long attempts ran.",
    exportedAs: "errand.task.run",
    unit: "s",
  },
  errand_limited_total: {
    type: "counter",
    help: "How often a task had to wait for a limit by key.",
    exportedAs: "errand.limited",
    unit: "{task}",
  },
  errand_schedule_lateness_seconds: {
    type: "histogram",
    help: "From the time of a schedule to the submit of its task; windowMs counts as lateness.",
    exportedAs: "errand.schedule.lateness",
    unit: "s",
  },
  errand_slots: {
    type: "gauge",
    help: "Functions that may run at once in this process.",
    exportedAs: "errand.slots",
    unit: "{function}",
  },
  errand_kv_commits_total: {
    type: "counter",
    help: "Commits of this process, by their outcome.",
    exportedAs: "errand.kv.commits",
    unit: "{commit}",
  },
  errand_kv_commit_seconds: {
    type: "histogram",
    help: "How long commits took that the database has answered.",
    exportedAs: "errand.kv.commit",
    unit: "s",
  },
  errand_build_info: {
    type: "gauge",
    help: "The release of this process.",
    exportedAs: "errand.build_info",
    unit: "",
  },
} as const satisfies Record<string, Kind>;

export type FamilyName = keyof typeof KINDS;

export interface Sample {
  labels: Record<string, string>;
  value: number | Histogram;
}

export interface Family {
  name: FamilyName;
  samples: Sample[];
}
