// A trial of the app on the platform of platform.ts: tasks come in bursts with silence between them,
// instances are ended at random, and nothing but POSTs and the cron ever wakes the app. Looks into the
// database itself, so that looking wakes nobody.

import { type KvPort } from "../../runtime/platform/kv.ts";
import { openKv } from "../../runtime/platform/open_kv.ts";
import { decode } from "../../runtime/store/record_codec.ts";
import { isForgotten, isTerminal, type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { Platform, type PlatformOptions } from "./platform.ts";

export interface TrialOptions {
  tasks: number;
  /** So many of them take `longMs`. */
  long: number;
  longMs: number;
  bursts: number;
  /** Silence between two bursts. */
  pauseMs: number;
  idleMs: [number, number];
  minuteMs: number;
  mostInstances: number;
  /** Once an instance has so many requests open, another one starts. */
  fullAt: number;
  /** Functions that run at once in one instance. */
  concurrency: number;
  /** An instance is ended so often on average, one in four by SIGKILL; 0 for never. */
  evictEveryMs: number;
  refusesItself?: boolean;
  cronKeepsAlive?: boolean;
  withinMs: number;
  note?: (what: string) => void;
}

export interface TrialReport {
  acknowledged: number;
  /** End states, by type. */
  ended: Record<string, number>;
  missing: number;
  unended: number;
  seconds: number;
  /** Runs of long tasks that were begun. */
  longAttempts: number;
  mostRunning: number;
  instances: number;
  counts: Platform["counts"];
  /** After all had ended: what the crons have woken the app for. */
  wokenFor: string[];
  /** The crons until two of them in a row found it at rest; infinite if that never came. */
  cronsUntilRest: number;
  errors: string[];
}

/** After so many it is said that an app does not come to rest. */
const MOST_CRONS = 30;
const SECRET = "errand_a-secret-for-tests-only";

export async function trial(options: TrialOptions): Promise<TrialReport> {
  await using server = await Denokv.start();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
  const kv = await openKv(server.url);
  const { idleMs, minuteMs, mostInstances, note } = options;
  const env = {
    DENO_DEPLOYMENT_ID: "trial",
    DENO_KV_DEFAULT_PATH: server.url,
    DENO_KV_ACCESS_TOKEN: server.token,
    HOST: "127.0.0.1",
    LEASE_MS: "3000",
    CONCURRENCY: String(options.concurrency),
    API_KEYS: `trial:admin:${await sha256(SECRET)}`,
  };
  const platform = await Platform.start(
    {
      env,
      idleMs,
      minuteMs,
      mostInstances,
      fullAt: options.fullAt,
      refusesItself: options.refusesItself,
      cronKeepsAlive: options.cronKeepsAlive,
      note,
    } satisfies PlatformOptions,
  );
  let evicting: ReturnType<typeof setTimeout> | undefined;
  try {
    const since = performance.now();
    const evict = () => {
      if (options.evictEveryMs === 0) return;
      evicting = setTimeout(() => {
        platform.evict(Math.random() < 0.25 ? "SIGKILL" : "SIGINT");
        evict();
      }, options.evictEveryMs * (0.5 + Math.random()));
    };
    evict();
    const ids = await submitAll(platform.url, options);
    note?.(`${ids.length} tasks are acknowledged`);
    const until = performance.now() + options.withinMs;
    let tasks = await allTasks(kv);
    while (tasks.some((task) => !isTerminal(task)) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      tasks = await allTasks(kv);
      note?.(JSON.stringify(statesOf(tasks)));
    }
    const seconds = (performance.now() - since) / 1_000;
    clearTimeout(evicting);
    const there = new Map(tasks.map((task) => [task.id, task]));
    const ended = tasks.filter(isTerminal);
    const long = tasks.filter(({ metadata }) => metadata.includes("long"));

    const rest = await untilAtRest(platform, kv);
    return {
      acknowledged: ids.length,
      ended: statesOf(ended),
      missing: ids.filter((id) => !there.has(id)).length,
      unended: tasks.length - ended.length,
      seconds,
      longAttempts: long.reduce(
        (sum, { history }) => sum + history.filter(({ type }) => type === "RUNNING").length,
        0,
      ),
      mostRunning: mostAtOnce(tasks),
      instances: platform.started.length,
      counts: platform.counts,
      ...rest,
      errors: platform.errors,
    };
  } finally {
    clearTimeout(evicting);
    await platform[Symbol.asyncDispose]();
    await kv.close();
  }
}

/** Between two crons nothing is written and nobody asks the app for anything: that is an app at rest. */
async function untilAtRest(
  platform: Platform,
  kv: KvPort,
): Promise<Pick<TrialReport, "wokenFor" | "cronsUntilRest">> {
  const { counts, woken } = platform;
  const ticks = () => counts.crons + counts.skipped;
  const [first, wakes] = [ticks(), woken.length];
  let cronsUntilRest = Infinity;
  let before = "";
  for (let quiet = 0; cronsUntilRest === Infinity && ticks() < first + MOST_CRONS;) {
    const tick = ticks();
    const { newest, count } = await versions(kv);
    const now = JSON.stringify([newest, count, counts.requests, counts.pumps, counts.refused]);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    if (quiet === 2) cronsUntilRest = tick - first - 2;
    else while (ticks() === tick) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { wokenFor: woken.slice(wakes), cronsUntilRest };
}

async function submitAll(
  url: string,
  { tasks, long, longMs, bursts, pauseMs, note }: TrialOptions,
): Promise<string[]> {
  const ids: string[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const share = (count: number) =>
      Math.floor(count * (burst + 1) / bursts) - Math.floor(count * burst / bursts);
    const longs = share(long);
    const shorts = share(tasks - long);
    const all = [
      ...Array.from({ length: longs }, () => ({ task: "sleep", input: { ms: longMs }, options: LONG })),
      ...Array.from({ length: shorts }, (_, i) => {
        // One in twenty starts later, one in twenty fails once.
        if (i % 20 === 0) return { task: "sleep", input: { ms: 5 }, options: { delayMs: 2_000 } };
        if (i % 20 === 1) {
          return { task: "fail", input: { message: "once", untilAttempt: 2 }, options: TWICE };
        }
        return { task: "sleep", input: { ms: 5 + i % 50 } };
      }),
    ];
    for (let at = 0; at < all.length; at += 250) {
      ids.push(...await submitted(url, all.slice(at, at + 250), `${burst}-${at}`));
    }
    note?.(`burst ${burst + 1} of ${bursts} is acknowledged`);
    if (burst < bursts - 1) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return ids;
}

const LONG = { maxCrashes: 100, metadata: { kind: "long" } };
const TWICE = { retry: { maxAttempts: 3, delayMs: 500 } };

/** Again and again until there is an answer: with the key, nothing is stored twice. */
async function submitted(url: string, tasks: unknown[], key: string): Promise<string[]> {
  for (;;) {
    try {
      const response = await fetch(`${url}/v1/tasks/batch`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "authorization": `Bearer ${SECRET}`,
          "idempotency-key": `trial-${key}`,
        },
        body: JSON.stringify({ tasks }),
      });
      const text = await response.text();
      if (response.status === 202) return JSON.parse(text).tasks.map(({ id }: { id: string }) => id);
      if (response.status < 500 && response.status !== 409) {
        throw new TypeError(`${response.status}: ${text}`);
      }
    } catch (error) {
      // A refused body would be refused again; a connection that was cut is another matter.
      if (error instanceof TypeError && /^\d+: /.test(error.message)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function allTasks(kv: KvPort): Promise<TaskRecord[]> {
  const tasks: TaskRecord[] = [];
  for (let start: Deno.KvKey = ["task", ""];;) {
    const page = await kv.list<Uint8Array>({ start, end: ["task", "~"] }, { limit: 500 });
    for (const { value } of page) {
      const record = decode(value);
      if (!isForgotten(record)) tasks.push(record);
    }
    if (page.length < 500) return tasks;
    start = ["task", `${String(page[page.length - 1].key[1])} `];
  }
}

function statesOf(tasks: TaskRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const task of tasks) counts[typeOf(task)] = (counts[typeOf(task)] ?? 0) + 1;
  return counts;
}

/** How many functions ran at the same time, at most. */
function mostAtOnce(tasks: TaskRecord[]): number {
  const steps = tasks.flatMap(({ startedAt, finishedAt }) => {
    return startedAt === null || finishedAt === null ? [] : [[startedAt, 1], [finishedAt, -1]];
  }).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0, most = 0;
  for (const [, step] of steps) most = Math.max(most, now += step);
  return most;
}

/** The newest version of any key, and how many keys there are. */
async function versions(kv: KvPort): Promise<{ newest: string; count: number }> {
  let newest = "", count = 0;
  for await (const { versionstamp } of (kv.writer as Deno.Kv).list({ prefix: [] })) {
    count++;
    if (versionstamp > newest) newest = versionstamp;
  }
  return { newest, count };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
