// How soon one process hears of what another did, where they have nothing in common but a `denokv` server:
//
//   deno run -A tests/remote/doorbells.ts [--count 200] [--rate 10]
//
// Once with a watch that tells everything, and once with one whose connection stands and tells nothing.

// deno-lint-ignore-file no-console -- it speaks to whoever runs it

import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { percentiles } from "../../bench/measure.ts";
import { readConfig } from "../../config.ts";
import { serve } from "../../service.ts";
import { define } from "../../runtime/core/define.ts";
import { now } from "../chaos/journal.ts";
import { pause } from "../support/waiting.ts";
import { type Body, eventsOf } from "../support/service.ts";
import { Server } from "../support/server_process.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { KvProxy } from "../support/kv_proxy.ts";

const THIS = fileURLToPath(import.meta.url);
const SERVE = "SERVE_DOORBELLS";
/** The first ones pay for compiling. */
const WARM = 20;

/** When it began and when it was done, by the clock that all processes of a machine share. */
const timed = define(
  { name: "timed", input: z.object({ ms: z.int() }) },
  async ({ input: { ms }, signal }) => {
    const start = now();
    await pause(ms, signal);
    return { start, end: now() };
  },
);

interface Figures {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

if (import.meta.main) {
  if (Deno.env.has(SERVE)) await serve(readConfig(Deno.env.toObject()), [timed]);
  else await main();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "200" }, rate: { type: "string", default: "10" } },
  });
  const [count, rate] = [Number(values.count), Number(values.rate)];
  // It ends, even if something hangs.
  const late = setTimeout(() => Deno.exit(3), 60_000 + 8_000 * count / rate);
  const table: Record<string, Figures> = {};
  for (const [watch, isMute] of [["healthy", false], ["mute", true]] as const) {
    await using denokv = await Denokv.start();
    await using proxy = new KvProxy(denokv.url);
    proxy.isMute = isMute;
    const env = { ...denokv.env, KV_PATH: proxy.url, [SERVE]: "1" };
    await using web = await Server.start({ ...env, ROLE: "web" }, THIS);
    await using worker = await Server.start({ ...env, ROLE: "worker" }, THIS);
    await starts(web, WARM, rate);
    table[`watch ${watch}: submit at one → start at the other`] = figuresOf(await starts(web, count, rate));
    table[`watch ${watch}: end at one → stream of the other`] = figuresOf(await ends(web, count, rate));
    if (isMute && proxy.muted < 2) throw new Error("no watch came to the proxy");
    for (const server of [web, worker]) if (server.output.stderr) console.error(server.output.stderr);
  }
  clearTimeout(late);
  for (const [name, { p50Ms, p99Ms, maxMs }] of Object.entries(table)) {
    console.log(`${name.padEnd(52)}p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms`);
  }
  console.log(JSON.stringify({ count, rate, table }));
  Deno.exit(0);
}

function figuresOf(delays: number[]): Figures {
  const { p50Ms, p99Ms, maxMs } = percentiles(delays);
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map(Math.round);
  return { count: delays.length, p50Ms: p50, p99Ms: p99, maxMs: max };
}

/** Submits one by one at uneven intervals. @returns from when each was sent to when its function began. */
async function starts(web: Server, count: number, rate: number): Promise<number[]> {
  const sentAt = new Map<string, number>();
  const sending: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const since = now();
    sending.push(web.submit("timed", { ms: 0 }).then(({ id }) => void sentAt.set(id, since)));
    await pause(2 * Math.random() * 1_000 / rate);
  }
  await Promise.all(sending);
  return await Promise.all([...sentAt].map(async ([id, since]) => {
    return (await web.task(id, 30)).result.start - since;
  }));
}

/** Tasks that end one by one, at uneven intervals. @returns from each end to when a stream tells of it. */
async function ends(web: Server, count: number, rate: number): Promise<number[]> {
  const spreadMs = Math.round(1_000 * count / rate);
  const tasks = Array.from({ length: count }, () => {
    return { task: "timed", input: { ms: 1_000 + Math.round(spreadMs * Math.random()) } };
  });
  const { body } = await web.fetch("/v1/tasks/batch", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ group: true, tasks }),
  });
  const delays: number[] = [];
  for await (
    const { event, data } of eventsOf(await fetch(`${web.url}/v1/as-completed?groupId=${body.groupId}`))
  ) {
    if (event === "task") delays.push(now() - (data as Body).result.end);
  }
  return delays;
}
