// One POST a task on 64 connections, until the results are on disk.

import { requireEnd, submit } from "../errand_http.ts";
import { Connection } from "../http_client.ts";
import { inLanes } from "../measure.ts";

const CONNECTIONS = 64;

export async function connected<T>(url: URL, work: (open: Connection[]) => Promise<T>): Promise<T> {
  const open = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(url)));
  try {
    return await work(open);
  } finally {
    for (const connection of open) connection.close();
  }
}

/** Tasks a second, from the first POST until all have ended. */
export function rate(url: URL, count: number, priority = 0): Promise<number> {
  return connected(url, async (open) => {
    const free = [...open];
    const ids: string[] = new Array(count);
    const started = performance.now();
    await inLanes(count, CONNECTIONS, async (i) => {
      const connection = free.pop()!;
      ids[i] = priority === 0 ? await submit(connection, i) : await submitWith(connection, i, priority);
      free.push(connection);
    });
    await requireEnd(open[0], ids.slice(-1_000));
    const seconds = (performance.now() - started) / 1_000;
    await requireEnd(open[0], ids);
    return count / seconds;
  });
}

async function submitWith(connection: Connection, a: number, priority: number): Promise<string> {
  const body = JSON.stringify({ task: "add", input: { a, b: 2 }, options: { priority } });
  const { status, body: text } = await connection.send("POST", "/v1/tasks", body);
  if (status !== 202) throw new Error(`POST answered ${status}: ${text}`);
  return text.slice(7, 43);
}

interface Filling {
  task?: string;
  input?: (i: number) => object;
  options?: object;
}

/** Stores tasks a thousand at a time. */
export function fill(
  url: URL,
  count: number,
  { task = "add", input = (a) => ({ a, b: 2 }), options = {} }: Filling = {},
): Promise<void> {
  return connected(url, async (open) => {
    const free = [...open];
    await inLanes(Math.ceil(count / 1_000), 4, async () => {
      const connection = free.pop()!;
      const tasks = Array.from({ length: 1_000 }, (_, i) => ({ task, input: input(i), options }));
      const { status, body } = await connection.send("POST", "/v1/tasks/batch", JSON.stringify({ tasks }));
      if (status !== 202) throw new Error(`POST answered ${status}: ${body.slice(0, 300)}`);
      free.push(connection);
    });
  });
}

/** The same function for so many elements, in one call. Gives the group. */
export async function mapped(url: URL, elements: number, options: object = {}): Promise<string> {
  const inputs = Array.from({ length: elements }, (_, a) => ({ a, b: 2 }));
  const answer = await fetch(new URL("/v1/map", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ task: "add", inputs, options }),
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`POST answered ${answer.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text).groupId;
}

/** Waits until all tasks of a group have ended. */
export async function groupEnd(url: URL, id: string): Promise<void> {
  for (;;) {
    const answer = await fetch(new URL(`/v1/groups/${id}?graph=false`, url));
    const { done, total } = await answer.json();
    if (done === total) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
