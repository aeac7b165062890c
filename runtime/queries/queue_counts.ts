// How many tasks are in each queue, and in which way. Nothing is counted while tasks move: whoever asks makes
// a look at the keys that drive them, and where that takes long the last look answers.

import { type Caller, knows } from "../core/caller.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import { isAwaiting, isForgotten, stateOf, type TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import { type ConcurrencyLimit, withoutSlotYet } from "../dependencies/concurrency_limit.ts";
import { sleep } from "../platform/clock.ts";
import { isHeldKey, parse, prefixes } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { decisionOf, type DependencyCounter } from "../store/dependency_counters.ts";
import type { ParkedValue, Waiting } from "../store/index_entries.ts";
import { ALL_READY, blocksUnder } from "../store/ready_queue.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";

export const WAYS = ["scheduled", "ready", "limited", "waiting", "running"] as const;
export type Way = typeof WAYS[number];

export interface QueueCounts extends Record<Way, number> {
  /** Since when the first of the ready ones has been ready; null if none is. */
  oldestReadyAt: number | null;
}

/** Of the tasks of one definition and tenant in one queue. */
export interface Tally extends QueueCounts {
  queue: string;
  task: string;
  tenant: string;
}

interface Look {
  tallies: Map<string, Tally>;
  /** Monotonic. */
  endedAt: number;
  tookMs: number;
}

const PER_READ = 500;
/** So many counters are compared with the records of their tasks, which may have ended. */
const MOST_COMPARED = 2_000;
/** Whoever asks waits this long for a new look, if there is an old one. */
const WAITED_MS = 60;
/** The pause between looks, in multiples of the time that one takes. */
const PAUSE_FACTOR = 3;

export class QueueCounter {
  #last: Look | null = null;
  #looking: Promise<Look> | null = null;

  constructor(private readonly store: Store) {}

  /** Of the tasks that the caller may know, by queue. */
  async count(caller: Caller): Promise<Map<string, QueueCounts>> {
    const { tallies } = await this.#look();
    const counts = new Map<string, QueueCounts>();
    for (const tally of tallies.values()) {
      if (tally.tenant !== caller.tenant && caller.tenant !== "" || !knows(caller, tally)) continue;
      const sum = counts.get(tally.queue) ?? noCounts();
      counts.set(tally.queue, sum);
      for (const way of WAYS) sum[way] += tally[way];
      sum.oldestReadyAt = earlier(sum.oldestReadyAt, tally.oldestReadyAt);
    }
    return counts;
  }

  /** By queue, definition and tenant. */
  async tallies(): Promise<Tally[]> {
    return [...(await this.#look()).tallies.values()];
  }

  async #look(): Promise<Look> {
    const last = this.#last;
    const { clock } = this.store;
    if (last === null || last.tookMs < WAITED_MS) return await this.#begin();
    if (clock.monotonic() < last.endedAt + PAUSE_FACTOR * last.tookMs) return last;
    const over = new AbortController();
    const late = sleep(clock, WAITED_MS, over.signal).then(() => last);
    // The next one who asks learns of a failure.
    const next = this.#begin().catch(() => last);
    return await Promise.race([next, late]).finally(() => over.abort());
  }

  #begin(): Promise<Look> {
    return this.#looking ??= this.#lookAtAll().finally(() => this.#looking = null);
  }

  async #lookAtAll(): Promise<Look> {
    const { clock } = this.store;
    const startedAt = clock.monotonic();
    const tallies = new Map<string, Tally>();
    await this.#waiting(tallies);
    await this.#limited(tallies);
    await this.#limitedByKey(tallies);
    await this.#scheduled(tallies);
    await this.#ready(tallies);
    await this.#running(tallies);
    const endedAt = clock.monotonic();
    return this.#last = { tallies, endedAt, tookMs: endedAt - startedAt };
  }

  async #ready(tallies: Map<string, Tally>): Promise<void> {
    // A pause may take one out of its queue meanwhile.
    const seen = new Set<string>();
    for (const prefix of ALL_READY) {
      for await (const { key, value: { ids, tasks } } of blocksUnder(this.store.kv, prefix)) {
        const { queue, order } = isHeldKey(key) ? parse.held(key).place : parse.ready(key);
        ids.forEach((id, i) => {
          if (seen.has(id)) return;
          seen.add(id);
          const tally = tallyOf(tallies, { id, task: tasks[i], queue });
          tally.ready++;
          tally.oldestReadyAt = earlier(tally.oldestReadyAt, Math.floor(order));
        });
      }
    }
  }

  async #scheduled(tallies: Map<string, Tally>): Promise<void> {
    const prefix = prefixes.due("start");
    for await (const page of pages<Waiting>(this.store.kv, { prefix }, { size: PER_READ })) {
      for (const { key, value: { task, queue } } of page) {
        tallyOf(tallies, { id: parse.due(key).id, task, queue }).scheduled++;
      }
    }
  }

  async #waiting(tallies: Map<string, Tally>): Promise<void> {
    let compared = 0;
    const prefix = prefixes.dependencyCounters;
    for await (const page of pages<DependencyCounter>(this.store.kv, { prefix }, { size: PER_READ })) {
      const open = page.filter(({ value }) => decisionOf(value) === "wait");
      const ids = open.map(({ key }) => parse.dependencyCounter(key));
      const records = compared < MOST_COMPARED ? await this.#records(ids) : null;
      compared += ids.length;
      open.forEach(({ value: { task, queue } }, i) => {
        const record = records?.[i];
        if (record === null || record && !isAwaiting(record)) return;
        tallyOf(tallies, { id: ids[i], task, queue }).waiting++;
      });
    }
  }

  /** Tasks of maps that wait for one of their group to end. */
  async #limited(tallies: Map<string, Tally>): Promise<void> {
    const { kv } = this.store;
    for await (
      const page of pages<ConcurrencyLimit>(kv, { prefix: prefixes.concurrencyLimits }, { size: PER_READ })
    ) {
      for (const { key, value } of page) {
        if (value.last !== undefined && value.cursor >= value.last) continue;
        const selector = withoutSlotYet(parse.concurrencyLimit(key), value);
        for await (const members of pages(kv, selector, { size: PER_READ })) {
          for (const record of await this.#records(members.map(({ key }) => parse.index(key).id))) {
            if (record && stateOf(record).name === "AwaitingConcurrencySlot") {
              tallyOf(tallies, record).limited++;
            }
          }
        }
      }
    }
  }

  /** Tasks that wait for a slot of a limit by key, or for their place in a rate. */
  async #limitedByKey(tallies: Map<string, Tally>): Promise<void> {
    const { kv } = this.store;
    const sources: [Deno.KvKey, (key: Deno.KvKey) => string][] = [
      [prefixes.due("rate"), (key) => parse.due(key).id],
      [prefixes.allParked, parse.parked],
    ];
    for (const [prefix, idOf] of sources) {
      for await (const page of pages<ParkedValue>(kv, { prefix }, { size: PER_READ })) {
        for (const { key, value: { task, queue } } of page) {
          tallyOf(tallies, { id: idOf(key), task, queue }).limited++;
        }
      }
    }
  }

  async #running(tallies: Map<string, Tally>): Promise<void> {
    const seen = new Set<string>();
    for await (
      const page of pages<string[]>(this.store.kv, { prefix: prefixes.leases }, { size: PER_READ })
    ) {
      const ids = page.flatMap(({ value }) => value).filter((id) => !seen.has(id));
      for (const id of ids) seen.add(id);
      for (const record of await this.#records(ids)) {
        // Blocks of leases may name tasks that have ended.
        if (record?.lease) tallyOf(tallies, record).running++;
      }
    }
  }

  async #records(ids: string[]): Promise<(TaskRecord | null)[]> {
    const entries = await this.store.readEach(ids, "caller");
    return entries.map((entry) => {
      return entry && !isNewerRecord(entry) && !isForgotten(entry.record) ? entry.record : null;
    });
  }
}

export function noCounts(): QueueCounts {
  return { scheduled: 0, ready: 0, limited: 0, waiting: 0, running: 0, oldestReadyAt: null };
}

function tallyOf(
  tallies: Map<string, Tally>,
  { id, task, queue = DEFAULT_QUEUE }: Pick<TaskRecord, "id" | "task" | "queue">,
): Tally {
  const tenant = tenantOf(id);
  const name = `${queue} ${task} ${tenant}`;
  let tally = tallies.get(name);
  if (tally === undefined) tallies.set(name, tally = { ...noCounts(), queue, task, tenant });
  return tally;
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.min(a, b);
}
