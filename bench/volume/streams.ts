// Very many readers: open streams beside the usual load, and watchers of one group.

import { inLanes, withFile } from "../measure.ts";
import type { Figure } from "./figure.ts";
import { mapped, rate } from "./load.ts";
import { Service } from "./service.ts";

const MEASURED = 20_000;
const EVENT = new TextEncoder().encode("event: task\n");

export function openStreams(count: number): Promise<Figure[]> {
  return withFile(async (path) => {
    await using service = await Service.start({ path, env: { MAX_WAITING: String(count + 100) } });
    await rate(service.url, 2_000);
    const before = await rate(service.url, MEASURED);
    // A task that waits for its time keeps them all open.
    const id = await delayed(service.url);
    const idle = service.memoryMiB;
    const streams: Deno.TcpConn[] = [];
    await inLanes(count, 64, async () => {
      streams.push(await open(service.url, `/v1/as-completed?id=${id}`));
    });
    const each = (service.memoryMiB - idle) * 1_024 / count;
    const beside = await rate(service.url, MEASURED);
    for (const stream of streams) stream.close();
    return [
      { what: `${count} open streams: memory of each`, value: each, unit: "KiB", most: 15 },
      {
        what: `Rate beside ${count} open streams`,
        value: 100 * beside / before,
        unit: "%",
        least: 70,
        notes: `${before.toFixed(0)}/s before, ${beside.toFixed(0)}/s beside them`,
      },
    ];
  });
}

/** Every watcher must see every end. */
export function watchers(count: number, tasks: number): Promise<Figure[]> {
  return withFile(async (path) => {
    await using service = await Service.start({ path });
    const group = await mapped(service.url, tasks, { delayMs: 5_000 });
    const started = performance.now();
    const seen = await Promise.all(Array.from({ length: count }, async () => {
      const stream = await open(service.url, `/v1/as-completed?groupId=${group}`);
      try {
        return await eventsIn(stream, tasks);
      } finally {
        stream.close();
      }
    }));
    const seconds = (performance.now() - started) / 1_000;
    const whole = seen.filter((events) => events === tasks).length;
    return [{
      what: `${count} watchers of a group of ${tasks}: all that see every end`,
      value: whole,
      unit: "",
      least: count,
      notes: `${seconds.toFixed(0)} s, ${(count * tasks / seconds).toFixed(0)} events a second; peak ${
        service.peakMiB.toFixed(0)
      } MiB`,
    }];
  });
}

/** Sends the request, and waits for the first bytes of the answer. */
async function open(url: URL, path: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  const head = `GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\naccept: text/event-stream\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const buffer = new Uint8Array(1_024);
  const read = await connection.read(buffer);
  const text = new TextDecoder().decode(buffer.subarray(0, read ?? 0));
  if (!text.startsWith("HTTP/1.1 200")) throw new Error(`a stream was answered ${text.slice(0, 200)}`);
  return connection;
}

/** Counts `event: task` until there are so many, or the stream ends. */
async function eventsIn(stream: Deno.TcpConn, most: number): Promise<number> {
  const buffer = new Uint8Array(64 * 1_024);
  let matched = 0;
  let events = 0;
  while (events < most) {
    const read = await stream.read(buffer);
    if (read === null) break;
    for (let i = 0; i < read; i++) {
      matched = buffer[i] === EVENT[matched] ? matched + 1 : buffer[i] === EVENT[0] ? 1 : 0;
      if (matched < EVENT.length) continue;
      events++;
      matched = 0;
    }
  }
  return events;
}

async function delayed(url: URL): Promise<string> {
  const answer = await fetch(new URL("/v1/tasks", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "add", input: { a: 1, b: 2 }, options: { delayMs: 3_600_000 } }),
  });
  return (await answer.json()).id;
}
