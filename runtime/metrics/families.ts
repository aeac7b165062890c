// What the service measures, as families of samples: for Prometheus, and whoever else collects numbers.
// Labels are names of definitions and queues, states and outcomes; never an id, a tag, a key of a limit or a
// tenant.

import { type Caller, knows } from "../core/caller.ts";
import type { Histogram } from "../core/histogram.ts";
import { RELEASE } from "../core/release.ts";
import type { Clock } from "../platform/clock.ts";
import { prefixes } from "../platform/keys.ts";
import type { QueueCounter, Tally } from "../queries/queue_counts.ts";
import { noCounts, WAYS } from "../queries/queue_counts.ts";
import type { Store } from "../store/store.ts";
import type { TaskTally } from "./tally.ts";
import { CountsByName, ENDS, LIMITED_BY, type Named, OUTCOMES, type TaskCounts } from "./task_counts.ts";

export interface Sample {
  labels: Record<string, string>;
  value: number | Histogram;
}

export interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples: Sample[];
}

interface FamilyParts {
  store: Store;
  clock: Clock;
  counter: QueueCounter;
  tally: TaskTally;
  worker: { readonly running: number } | null;
  slots: number;
}

/** Names of queues come from callers. */
const MOST_QUEUES = 200;
const MOST_WORKERS = 1_000;

/**
 * Counters and durations are of this process since its start; gauges of tasks, queues and workers are of all
 * processes. A tenant's key gets its own tasks only, and nothing of the process.
 */
export async function familiesFor(parts: FamilyParts, caller: Caller): Promise<Family[]> {
  const isKnown = (named: Named) =>
    (caller.tenant === "" || named.tenant === caller.tenant) && knows(caller, named);
  const counted = byTaskAndQueue(parts.tally.total(), isKnown);
  const families = [...await queueFamilies(parts, isKnown), ...taskFamilies(counted)];
  if (caller.tenant === "") families.push(...await processFamilies(parts));
  return families;
}

/** Of all tenants together. */
function byTaskAndQueue(all: CountsByName, isKnown: (named: Named) => boolean) {
  const sum = new CountsByName();
  for (const { named, counts } of all.values()) {
    if (isKnown(named)) sum.of("", named.task, named.queue).merge(counts);
  }
  return [...sum.values()].map(({ named: { task, queue }, counts }) => ({ labels: { task, queue }, counts }));
}

async function queueFamilies(
  { counter, clock }: FamilyParts,
  isKnown: (named: Named) => boolean,
): Promise<Family[]> {
  const byQueue = new Map<string, Omit<Tally, "queue" | "task" | "tenant">>();
  for (const tally of await counter.tallies()) {
    if (!isKnown(tally)) continue;
    const sum = byQueue.get(tally.queue) ?? noCounts();
    byQueue.set(tally.queue, sum);
    for (const way of WAYS) sum[way] += tally[way];
    const oldest = [sum.oldestReadyAt, tally.oldestReadyAt].filter((at) => at !== null);
    sum.oldestReadyAt = oldest.length === 0 ? null : Math.min(...oldest);
  }
  const queues = [...byQueue].slice(0, MOST_QUEUES);
  const now = clock.now();
  return [
    gauge(
      "errand_tasks",
      "Tasks that have not ended, in all processes.",
      queues.flatMap(([queue, counts]) =>
        WAYS.map((state) => ({ labels: { queue, state }, value: counts[state] }))
      ),
    ),
    gauge(
      "errand_oldest_ready_seconds",
      "How long the oldest ready task has waited for a worker, in all processes.",
      queues.map(([queue, { oldestReadyAt }]) => ({
        labels: { queue },
        value: oldestReadyAt === null ? 0 : Math.max(0, now - oldestReadyAt) / 1_000,
      })),
    ),
  ];
}

interface Counted {
  labels: { task: string; queue: string };
  counts: TaskCounts;
}

function taskFamilies(counted: Counted[]): Family[] {
  const each = (samples: (one: Counted) => Sample[]) => counted.flatMap(samples);
  const byTask = new Map<string, TaskCounts>();
  const sum = new CountsByName();
  for (const { labels: { task }, counts } of counted) {
    sum.of("", task, "").merge(counts);
    byTask.set(task, sum.of("", task, ""));
  }
  const tasks = [...byTask];
  const limited = LIMITED_BY.map((rule) => ({
    labels: { rule },
    value: counted.reduce((all, { counts }) => all + counts.limited[rule], 0),
  }));
  return [
    counter(
      "errand_tasks_submitted_total",
      "Tasks that this process has stored.",
      each(({ labels, counts }) => [{ labels, value: counts.submitted }]),
    ),
    counter(
      "errand_tasks_ended_total",
      "Tasks whose end this process has stored.",
      each(({ labels, counts }) =>
        ENDS.map((state) => ({ labels: { ...labels, state }, value: counts.ended[state] }))
      ),
    ),
    counter(
      "errand_attempts_total",
      "Attempts that have ended, by what became of them.",
      tasks.flatMap(([task, { attempts }]) =>
        OUTCOMES.map((outcome) => ({ labels: { task, outcome }, value: attempts[outcome] }))
      ),
    ),
    {
      name: "errand_task_wait_seconds",
      type: "histogram",
      help: "From ready to running.",
      samples: tasks.map(([task, { wait }]) => ({ labels: { task }, value: wait })),
    },
    {
      name: "errand_task_run_seconds",
      type: "histogram",
      help: "How long attempts ran.",
      samples: tasks.map(([task, { run }]) => ({ labels: { task }, value: run })),
    },
    counter("errand_limited_total", "How often a task had to wait for a limit by key.", limited),
    {
      name: "errand_schedule_lateness_seconds",
      type: "histogram",
      help: "From the time of a schedule to the submit of its task; windowMs counts as lateness.",
      samples: tasks.flatMap(([task, { lateness }]) =>
        lateness ? [{ labels: { task }, value: lateness }] : []
      ),
    },
  ];
}

async function processFamilies({ store, worker, slots }: FamilyParts): Promise<Family[]> {
  const { applied, conflicting, failed, took } = store.kv.commits;
  const workers = await store.kv.list({ prefix: prefixes.workers }, { limit: MOST_WORKERS });
  const running = worker?.running ?? 0;
  return [
    gauge("errand_workers", "Workers in all processes.", [{ labels: {}, value: workers.length }]),
    gauge("errand_slots", "Functions that may run at once in this process.", [
      { labels: { state: "busy" }, value: running },
      { labels: { state: "free" }, value: Math.max(0, slots - running) },
    ]),
    counter("errand_kv_commits_total", "Commits of this process, by their outcome.", [
      { labels: { outcome: "applied" }, value: applied },
      { labels: { outcome: "conflict" }, value: conflicting },
      { labels: { outcome: "failed" }, value: failed },
    ]),
    {
      name: "errand_kv_commit_seconds",
      type: "histogram",
      help: "How long commits took that the database has answered.",
      samples: [{ labels: {}, value: took }],
    },
    gauge("errand_build_info", "The release of this process.", [{ labels: { release: RELEASE }, value: 1 }]),
  ];
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: Sample[]): Family {
  return { name, type: "counter", help, samples };
}
