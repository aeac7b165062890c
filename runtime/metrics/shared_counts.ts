// What each process has counted in a minute, under a key of its own for two hours: so that any of them can
// tell what happened in all. A process writes every ten seconds, and only if something happened.

import { Histogram } from "../core/histogram.ts";
import { pages } from "../platform/paging.ts";
import { serviceKeys } from "../platform/service_keys.ts";
import type { Store } from "../store/store.ts";
import { type Minute, MINUTE_MS, type TaskTally } from "./tally.ts";
import { CountsByName, ENDS, LIMITED_BY, type Named, OTHERS, OUTCOMES, TaskCounts } from "./task_counts.ts";

export const SHARED_EVERY_MS = 10_000;
export const MOST_MINUTES = 60;
const KEPT_MS = 2 * MOST_MINUTES * MINUTE_MS;
/** Of one key: KV takes 64 KiB, and Deno Deploy counts by 1 KiB. */
const MOST_CHARACTERS = 20_000;
const PER_READ = 100;

/** `[tenant, task, queue, submitted, ends, outcomes, limited, wait, run]`; numbers in the order of names. */
type Row = [string, string, string, number, number[], number[], number[], number[], number[]];

export class SharedCounts {
  #process: string | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** @param worker whose id names the process, if it runs tasks */
  constructor(
    private readonly store: Store,
    private readonly tally: TaskTally,
    private readonly worker: string | null,
  ) {}

  /** Writes what is new, if anything is. */
  share(): Promise<void> {
    const writing = this.#writing.then(() => this.#share());
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #share(): Promise<void> {
    const { kv, clock } = this.store;
    const news = this.tally.minutes.filter(({ isNews }) => isNews);
    for (const one of news) {
      one.isNews = false;
      const now = clock.now();
      const key = serviceKeys.counts(one.minute, this.#name);
      try {
        await kv.writeBlind([{ key, value: textOf(one.counts), expireAt: now + KEPT_MS }], now);
      } catch (error) {
        one.isNews = true;
        throw error;
      }
    }
    this.tally.written();
  }

  /** What happened in all processes, by minute, from the first of so many minutes on. */
  async recent(minutes: number): Promise<Map<number, CountsByName>> {
    const { kv, clock } = this.store;
    const from = Math.floor(clock.now() / MINUTE_MS) - minutes + 1;
    const found = new Map<number, CountsByName>();
    const of = (minute: number) => {
      let counts = found.get(minute);
      if (counts === undefined) found.set(minute, counts = new CountsByName());
      return counts;
    };
    const own: readonly Minute[] = this.tally.minutes;
    for await (const page of pages<string>(kv, serviceKeys.countsFrom(from), { size: PER_READ })) {
      for (const { key, value } of page) {
        const { minute, process } = serviceKeys.countsOf(key);
        // Of this process the newest are here.
        if (process === this.#process && own.some((one) => one.minute === minute)) continue;
        of(minute).merge(countsIn(value));
      }
    }
    for (const { minute, counts } of own) if (minute >= from) of(minute).merge(counts);
    return found;
  }

  get #name(): string {
    return this.#process ??= this.worker ?? this.store.ids.token();
  }
}

function textOf(counts: CountsByName): string {
  const rows = [...counts.values()].sort((a, b) => b.counts.submitted - a.counts.submitted);
  const texts: string[] = [];
  const rest = new TaskCounts();
  let length = 0;
  for (const { named, counts } of rows) {
    const text = JSON.stringify(rowOf(named, counts));
    length += text.length;
    if (length > MOST_CHARACTERS) rest.merge(counts);
    else texts.push(text);
  }
  if (texts.length < rows.length) texts.push(JSON.stringify(rowOf(OTHERS, rest)));
  return `[${texts.join(",")}]`;
}

function rowOf({ tenant, task, queue }: Named, counts: TaskCounts): Row {
  const { submitted, ended, attempts, limited, wait, run } = counts;
  return [
    tenant,
    task,
    queue,
    submitted,
    ENDS.map((end) => ended[end]),
    OUTCOMES.map((outcome) => attempts[outcome]),
    LIMITED_BY.map((by) => limited[by]),
    wait.packed(),
    run.packed(),
  ];
}

function countsIn(text: string): CountsByName {
  const all = new CountsByName();
  for (const row of JSON.parse(text) as Row[]) {
    const [tenant, task, queue, submitted, ends, outcomes, limited, wait, run] = row;
    const counts = all.of(tenant, task, queue);
    counts.submitted += submitted;
    ENDS.forEach((end, i) => counts.ended[end] += ends[i] ?? 0);
    OUTCOMES.forEach((outcome, i) => counts.attempts[outcome] += outcomes[i] ?? 0);
    LIMITED_BY.forEach((by, i) => counts.limited[by] += limited[i] ?? 0);
    counts.wait.merge(Histogram.of(wait));
    counts.run.merge(Histogram.of(run));
  }
  return all;
}
