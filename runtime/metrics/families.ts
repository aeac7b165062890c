// What the service measures, as families of samples: for Prometheus, and for OpenTelemetry.

import { ANYBODY, type Caller, knows } from "../core/caller.ts";
import { RELEASE } from "../core/release.ts";
import type { Clock } from "../platform/clock.ts";
import { prefixes } from "../platform/keys.ts";
import type { QueueCounter, Tally } from "../queries/queue_counts.ts";
import { noCounts, WAYS } from "../queries/queue_counts.ts";
import type { Store } from "../store/store.ts";
import type { Family, Sample } from "./family_names.ts";
import type { TaskTally } from "./tally.ts";
import { CountsByName, ENDS, LIMITED_BY, type Named, OUTCOMES, type TaskCounts } from "./task_counts.ts";

export interface FamilyParts {
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
  return [...await familiesOfAll(parts, caller), ...familiesOfProcess(parts, caller)];
}

/** What the database says. */
export async function familiesOfAll(
  { store, counter, clock }: FamilyParts,
  caller: Caller = ANYBODY,
): Promise<Family[]> {
  const families = queueFamilies(await counter.tallies(), clock.now(), knownTo(caller));
  if (caller.tenant !== "") return families;
  const workers = await store.kv.list({ prefix: prefixes.workers }, { limit: MOST_WORKERS });
  return [...families, { name: "errand_workers", samples: [{ labels: {}, value: workers.length }] }];
}

/** What this process has counted. */
export function familiesOfProcess(parts: FamilyParts, caller: Caller = ANYBODY): Family[] {
  const families = taskFamilies(byTaskAndQueue(parts.tally.total(), knownTo(caller)));
  return caller.tenant === "" ? [...families, ...processFamilies(parts)] : families;
}

type Knows = (named: Named) => boolean;

function knownTo(caller: Caller): Knows {
  return (named) => (caller.tenant === "" || named.tenant === caller.tenant) && knows(caller, named);
}

/** Of all tenants together. */
function byTaskAndQueue(all: CountsByName, isKnown: Knows) {
  const sum = new CountsByName();
  for (const { named, counts } of all.values()) {
    if (isKnown(named)) sum.of("", named.task, named.queue).merge(counts);
  }
  return [...sum.values()].map(({ named: { task, queue }, counts }) => ({ labels: { task, queue }, counts }));
}

function queueFamilies(tallies: Tally[], now: number, isKnown: Knows): Family[] {
  const byQueue = new Map<string, Omit<Tally, "queue" | "task" | "tenant">>();
  for (const tally of tallies) {
    if (!isKnown(tally)) continue;
    const sum = byQueue.get(tally.queue) ?? noCounts();
    byQueue.set(tally.queue, sum);
    for (const way of WAYS) sum[way] += tally[way];
    const oldest = [sum.oldestReadyAt, tally.oldestReadyAt].filter((at) => at !== null);
    sum.oldestReadyAt = oldest.length === 0 ? null : Math.min(...oldest);
  }
  const queues = [...byQueue].slice(0, MOST_QUEUES);
  return [
    {
      name: "errand_tasks",
      samples: queues.flatMap(([queue, counts]) =>
        WAYS.map((state) => ({ labels: { queue, state }, value: counts[state] }))
      ),
    },
    {
      name: "errand_oldest_ready_seconds",
      samples: queues.map(([queue, { oldestReadyAt }]) => ({
        labels: { queue },
        value: oldestReadyAt === null ? 0 : Math.max(0, now - oldestReadyAt) / 1_000,
      })),
    },
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
  return [
    {
      name: "errand_tasks_submitted_total",
      samples: each(({ labels, counts }) => [{ labels, value: counts.submitted }]),
    },
    {
      name: "errand_tasks_ended_total",
      samples: each(({ labels, counts }) =>
        ENDS.map((state) => ({ labels: { ...labels, state }, value: counts.ended[state] }))
      ),
    },
    {
      name: "errand_attempts_total",
      samples: tasks.flatMap(([task, { attempts }]) =>
        OUTCOMES.map((outcome) => ({ labels: { task, outcome }, value: attempts[outcome] }))
      ),
    },
    {
      name: "errand_task_wait_seconds",
      samples: tasks.map(([task, { wait }]) => ({ labels: { task }, value: wait })),
    },
    {
      name: "errand_task_run_seconds",
      samples: tasks.map(([task, { run }]) => ({ labels: { task }, value: run })),
    },
    {
      name: "errand_limited_total",
      samples: LIMITED_BY.map((rule) => ({
        labels: { rule },
        value: counted.reduce((all, { counts }) => all + counts.limited[rule], 0),
      })),
    },
    {
      name: "errand_schedule_lateness_seconds",
      samples: tasks.flatMap(([task, { lateness }]) =>
        lateness ? [{ labels: { task }, value: lateness }] : []
      ),
    },
  ];
}

function processFamilies({ store, worker, slots }: FamilyParts): Family[] {
  const { applied, conflicting, failed, took } = store.kv.commits;
  const running = worker?.running ?? 0;
  return [
    {
      name: "errand_slots",
      samples: [
        { labels: { state: "busy" }, value: running },
        { labels: { state: "free" }, value: Math.max(0, slots - running) },
      ],
    },
    {
      name: "errand_kv_commits_total",
      samples: [
        { labels: { outcome: "applied" }, value: applied },
        { labels: { outcome: "conflict" }, value: conflicting },
        { labels: { outcome: "failed" }, value: failed },
      ],
    },
    { name: "errand_kv_commit_seconds", samples: [{ labels: {}, value: took }] },
    { name: "errand_build_info", samples: [{ labels: { release: RELEASE }, value: 1 }] },
  ];
}
