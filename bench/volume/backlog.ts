// Behind tasks that wait: the rate, and how soon a task of higher priority starts.

import { percentiles, withFile } from "../measure.ts";
import type { Figure } from "./figure.ts";
import { mapped, rate } from "./load.ts";
import { Service } from "./service.ts";

const SAMPLES = 100;
const MEASURED = 20_000;
const MOST_ELEMENTS = 100_000;

export function backlog(waiting: number): Promise<Figure[]> {
  return withFile(async (path) => {
    let alone: number;
    const groups: string[] = [];
    {
      await using service = await Service.start({ path });
      await rate(service.url, 2_000);
      alone = await rate(service.url, MEASURED);
    }
    {
      // It submits, and runs nothing.
      await using service = await Service.start({ path, env: { ROLE: "web" } });
      for (let left = waiting; left > 0; left -= MOST_ELEMENTS) {
        groups.push(await mapped(service.url, Math.min(left, MOST_ELEMENTS), { priority: -10 }));
      }
    }
    await using service = await Service.start({ path });
    const delays = await delaysOf(service.url);
    const from = await doneOf(service.url, groups);
    const started = performance.now();
    const behind = await rate(service.url, MEASURED, 10);
    const seconds = (performance.now() - started) / 1_000;
    const done = await doneOf(service.url, groups);
    const beside = (MEASURED + done - from) / seconds;
    const { p50Ms, p99Ms, maxMs } = percentiles(delays);
    const spread = `p50 ${p50Ms.toFixed(0)}, max ${maxMs.toFixed(0)} ms`;
    return [
      { what: "Rate with nothing that waits", value: alone, unit: "/s" },
      {
        what: `Rate behind ${waiting}, with what of those is run meanwhile`,
        value: 100 * beside / alone,
        unit: "%",
        least: 90,
        notes: `${behind.toFixed(0)}/s of higher priority, ${beside.toFixed(0)}/s together; ${
          waiting - done
        } wait yet`,
      },
      {
        what: "A task of higher priority starts within, p99",
        value: p99Ms,
        unit: "ms",
        most: 50,
        notes: spread,
      },
    ];
  });
}

/** From the submit until the start of tasks, one at a time. */
async function delaysOf(url: URL): Promise<number[]> {
  const delays: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const answer = await fetch(new URL("/v1/tasks", url), {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "wait=30" },
      body: JSON.stringify({ task: "add", input: { a: i, b: 1 }, options: { priority: 10 } }),
    });
    const { createdAt, startedAt } = await answer.json();
    delays.push(Date.parse(startedAt) - Date.parse(createdAt));
  }
  return delays;
}

async function doneOf(url: URL, groups: string[]): Promise<number> {
  const all = await Promise.all(groups.map(async (id) => {
    const { done } = await (await fetch(new URL(`/v1/groups/${id}?graph=false`, url))).json();
    return done;
  }));
  return all.reduce((sum, done) => sum + done, 0);
}
