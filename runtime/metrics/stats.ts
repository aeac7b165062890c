// How the service does: what waits and runs now, and what happened in the last minutes, in all processes.

import { type Caller, knows } from "../core/caller.ts";
import type { Histogram } from "../core/histogram.ts";
import { noCounts, type QueueCounter, type QueueCounts, WAYS } from "../queries/queue_counts.ts";
import type { Clock } from "../platform/clock.ts";
import { MOST_MINUTES, type SharedCounts } from "./shared_counts.ts";
import { MINUTE_MS } from "./tally.ts";
import { type AttemptOutcome, type CountsByName, type End, type Named, TaskCounts } from "./task_counts.ts";

/** Milliseconds; null where there was none. */
export interface Percentiles {
  count: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

export interface Happened {
  submitted: number;
  ended: Record<End, number>;
  attempts: Record<AttemptOutcome, number>;
  limited: { concurrency: number; rate: number };
  /** From ready to running. */
  wait: Percentiles;
  /** Of one attempt. */
  run: Percentiles;
}

export interface Stats {
  at: number;
  minutes: number;
  now: QueueCounts;
  happened: Happened;
  /** Of each definition that has tasks which wait or run, or with which something happened; by name. */
  definitions: { task: string; now: QueueCounts; happened: Happened }[];
  /** Minute by minute, the present one last. */
  perMinute: { at: number; happened: Happened }[];
}

interface StatsParts {
  clock: Clock;
  counter: QueueCounter;
  shared: SharedCounts;
}

/** Of the tasks that the caller may know; whoever is of the default tenant is told of all tenants. */
export async function statsFor(
  { clock, counter, shared }: StatsParts,
  caller: Caller,
  minutes: number,
): Promise<Stats> {
  const isKnown = (named: Named) =>
    (caller.tenant === "" || named.tenant === caller.tenant) && knows(caller, named);
  const tallies = (await counter.tallies()).filter(isKnown);
  const recent = await shared.recent(Math.min(minutes, MOST_MINUTES));
  const at = clock.now();
  const present = Math.floor(at / MINUTE_MS);
  const byTask = new Map<string, { now: QueueCounts; counts: TaskCounts }>();
  const of = (task: string) => {
    let found = byTask.get(task);
    if (found === undefined) byTask.set(task, found = { now: noCounts(), counts: new TaskCounts() });
    return found;
  };
  const now = noCounts();
  for (const tally of tallies) {
    add(now, tally);
    add(of(tally.task).now, tally);
  }
  const all = new TaskCounts();
  const perMinute = Array.from({ length: minutes }, (_, i) => {
    const minute = present - minutes + 1 + i;
    const sum = new TaskCounts();
    for (const { named, counts } of known(recent.get(minute), isKnown)) {
      sum.merge(counts);
      of(named.task).counts.merge(counts);
    }
    all.merge(sum);
    return { at: minute * MINUTE_MS, happened: happened(sum) };
  });
  const definitions = [...byTask].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([task, { now, counts }]) => ({ task, now, happened: happened(counts) }));
  return { at, minutes, now, happened: happened(all), definitions, perMinute };
}

function* known(counts: CountsByName | undefined, isKnown: (named: Named) => boolean) {
  for (const one of counts?.values() ?? []) if (isKnown(one.named)) yield one;
}

function add(sum: QueueCounts, more: QueueCounts): void {
  for (const way of WAYS) sum[way] += more[way];
  const oldest = [sum.oldestReadyAt, more.oldestReadyAt].filter((at) => at !== null);
  sum.oldestReadyAt = oldest.length === 0 ? null : Math.min(...oldest);
}

function happened({ submitted, ended, attempts, limited, wait, run }: TaskCounts): Happened {
  return { submitted, ended, attempts, limited, wait: percentiles(wait), run: percentiles(run) };
}

function percentiles(histogram: Histogram): Percentiles {
  const at = (part: number) => {
    const ms = histogram.percentile(part);
    return ms === null ? null : Math.round(ms * 10) / 10;
  };
  return { count: histogram.count, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
