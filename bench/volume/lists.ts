// Lists of a service that keeps very many tasks: how long a page takes with each filter. Where a filter has
// no index the page is a part of a scan, which may be empty; it has a cursor all the same.

import { percentiles, withFile } from "../measure.ts";
import type { Figure } from "./figure.ts";
import { fill } from "./load.ts";
import { Service } from "./service.ts";

const PAGES = 20;
const MOST_MS = 100;
const IN_A_YEAR = new Date(Date.now() + 365 * 24 * 60 * 60 * 1_000).toISOString();

export function lists(count: number): Promise<Figure[]> {
  return withFile(async (path) => {
    await using service = await Service.start({ path, isQuiet: true });
    await store(service.url, count);
    return await measure(service.url, count);
  });
}

/** Half of them complete, a fifth fails, and a tenth each is scheduled, held by a pause, and cancelled. */
export async function store(url: URL, count: number): Promise<void> {
  await call(url, "/v1/queues/held/pause", {});
  const some = (part: number) => Math.max(1_000, part * count);
  await fill(url, some(0.1), { options: { queue: "held" } });
  await fill(url, some(0.1), { options: { runAt: IN_A_YEAR, tags: ["tenth"] } });
  await fill(url, some(0.1), { options: { runAt: IN_A_YEAR, tags: ["unwanted"] } });
  await cancelAll(url, "unwanted");
  const failing = { task: "fail", input: (a: number) => ({ message: `broken ${a}` }) };
  await fill(url, some(0.2), { ...failing, options: { retry: { maxAttempts: 1 } } });
  await fill(url, 1_000, { task: "echo", input: (value: number) => ({ value }), options: { tags: ["few"] } });
  await fill(url, some(0.5));
  for (;;) {
    const { queues } = await call(url, "/v1/queues");
    const { counts } = queues.find(({ name }: { name: string }) => name === "default");
    if (counts.ready + counts.running === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Gives how long it took, in seconds. */
export async function cancelAll(url: URL, tag: string): Promise<number> {
  const started = performance.now();
  const { id } = await call(url, "/v1/bulk", { action: "cancel", filter: { tag }, all: true });
  for (;;) {
    const { state, error } = await call(url, `/v1/tasks/${id}?wait=60`);
    if (state.type === "COMPLETED") return (performance.now() - started) / 1_000;
    if (error) throw new Error(`the bulk action ended ${state.type}: ${error.message}`);
  }
}

export async function measure(url: URL, count: number): Promise<Figure[]> {
  const { tasks: [newest] } = await call(url, "/v1/tasks?limit=1");
  const { tasks: [oldest] } = await call(url, "/v1/tasks?tag=tenth&limit=1");
  const minute = (at: string, minutes: number) =>
    encodeURIComponent(new Date(Date.parse(at) + minutes * 60_000).toISOString());
  const filters = [
    "",
    ...["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
      .map((state) => `state=${state}`),
    "state=RUNNING&state=PENDING",
    "state=SCHEDULED&state=CANCELLED",
    "state=FAILED&state=CRASHED",
    "task=add",
    "task=echo",
    "task=sleep",
    "task=echo&state=COMPLETED",
    "task=sleep&state=PENDING",
    "task=echo&state=FAILED",
    "queue=held",
    "queue=none",
    "queue=held&state=PENDING",
    "queue=none&state=COMPLETED",
    "tag=few",
    "tag=tenth",
    "tag=none",
    "tag=tenth&state=COMPLETED",
    `groupId=${newest.id}`,
    `parentId=${newest.id}`,
    `createdAfter=${minute(newest.createdAt, -1)}`,
    `createdBefore=${minute(oldest.createdAt, 0)}`,
    `finishedAfter=${minute(newest.createdAt, 60)}`,
    `finishedBefore=${minute(oldest.createdAt, -60)}`,
    `q=${newest.id.slice(0, 13)}`,
    "q=broken%201",
    "q=nothing%20says%20so",
    "q=nothing%20says%20so&state=FAILED",
    `cursor=${oldest.id}`,
  ];
  const figures: Figure[] = [];
  for (const filter of filters) {
    for (const counts of ["", "count=true"]) {
      figures.push(await figureOf(url, count, [filter, counts].filter((part) => part !== "").join("&")));
    }
  }
  return figures;
}

async function figureOf(url: URL, count: number, query: string): Promise<Figure> {
  const took: number[] = [];
  let found = "";
  for (let i = 0; i < PAGES; i++) {
    const started = performance.now();
    const { tasks, nextCursor, count } = await call(url, `/v1/tasks?${query}`);
    took.push(performance.now() - started);
    const counted = count && `, ${count.exact ? "" : "≥ "}${count.value} in all`;
    found = `${tasks.length} on the first page${nextCursor ? ", more behind it" : ""}${counted ?? ""}`;
  }
  const { p50Ms, maxMs } = percentiles(took);
  const what = `A page of ${count} tasks: ${decodeURIComponent(query) || "all"}`;
  return { what, value: p50Ms, unit: "ms", most: MOST_MS, notes: `max ${maxMs.toFixed(0)} ms; ${found}` };
}

// deno-lint-ignore no-explicit-any -- what the service says
async function call(url: URL, path: string, body?: object): Promise<any> {
  const answer = await fetch(new URL(path, url), {
    ...body &&
      { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`);
  return text === "" ? null : JSON.parse(text);
}
