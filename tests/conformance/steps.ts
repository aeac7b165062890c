// Tasks brought to the point from which a row shows its promise.

import type { FlowFuture, StateType, TaskFuture, TaskFutures } from "../../client/mod.ts";
import type { Errand } from "../support/client_service.ts";
import { eventually } from "../support/waiting.ts";

/** Long enough to be still running when the row has seen all that it needs. Then it cancels the task. */
export const LONG_MS = 600_000;

/** Does not start for a minute. */
export function aPending(errand: Errand): Promise<TaskFuture> {
  return errand.submit("sleep", { ms: 0 }, { delayMs: 60_000 });
}

/** Runs, until it is cancelled. */
export async function aRunning(errand: Errand): Promise<TaskFuture> {
  const future = await errand.submit("sleep", { ms: LONG_MS });
  await until(future, "RUNNING");
  return future;
}

/** Runs; when it is cancelled it cleans up for `ms`, and then throws what its signal said. */
export async function aTidying(errand: Errand, ms: number): Promise<TaskFuture> {
  const future = await errand.submit("tidy", { ms });
  await until(future, "RUNNING");
  // It is running for the service a moment before its function listens to its signal.
  await eventually(async () => (await future.task()).progress !== null, "it does not listen");
  return future;
}

/** The future has seen its end. */
export async function aCompleted(errand: Errand): Promise<TaskFuture<number>> {
  const future = await errand.submit("add", { a: 1, b: 2 });
  await future.wait();
  return future;
}

/** The future has seen its end. */
export async function aFailed(errand: Errand, message = "boom"): Promise<TaskFuture<number>> {
  const future = await errand.submit("fail", { message });
  await future.wait();
  return future;
}

/** The future has seen its end. */
export async function aCancelled(errand: Errand): Promise<TaskFuture> {
  const future = await aPending(errand);
  await future.cancel();
  await future.wait();
  return future;
}

export async function until(future: TaskFuture, type: StateType): Promise<void> {
  const isThere = async () => (await future.state()).type === type;
  await eventually(isThere, `task ${future.id} does not become ${type}`);
}

export interface Held {
  futures: TaskFutures<unknown>;
  /** Lets one of them end, and waits until it has. */
  end(index: number): Promise<void>;
}

/** Tasks that run until they are released, and return these values. */
export async function held(errand: Errand, values: unknown[]): Promise<Held> {
  const inputs = values.map((value) => ({ gate: crypto.randomUUID(), value }));
  const futures = await errand.map("hold", inputs);
  return {
    futures,
    async end(index) {
      await errand.submit("release", { gate: inputs[index].gate });
      await errand.future(futures[index].id).wait();
    },
  };
}

/** As many tasks of a map run as may at once; then all of them end. */
export async function fillAndEnd(errand: Errand, count: number, most: number): Promise<TaskFutures<unknown>> {
  const gate = crypto.randomUUID();
  const inputs = Array.from({ length: count }, (_, value) => ({ gate, value }));
  const futures = await errand.map("hold", inputs, { maxConcurrent: most });
  await Promise.all(futures.slice(0, most).map((future) => until(future, "RUNNING")));
  await errand.submit("release", { gate });
  await futures.wait();
  return futures;
}

/** The types of all states that the task was in, in order. */
export async function pathOf(future: TaskFuture): Promise<StateType[]> {
  return (await future.task()).history.map(({ type }) => type);
}

export function idsOf(futures: Iterable<TaskFuture>): string[] {
  return [...futures].map(({ id }) => id);
}

/** When the tasks have ended, in milliseconds. */
export async function endsOf(futures: Iterable<TaskFuture>): Promise<number[]> {
  const tasks = await Promise.all([...futures].map((future) => future.task()));
  return tasks.map(({ finishedAt }) => Date.parse(finishedAt!));
}

/** Those that a task of the definition "family" has submitted, as soon as it tells them. */
export async function childrenOf(errand: Errand, parent: TaskFuture): Promise<TaskFuture[]> {
  for await (const { event, data } of parent.events()) {
    if (event === "chunk") return (data.chunk as string[]).map((id) => errand.future(id));
  }
  throw new Error(`task ${parent.id} has ended, and has told of no children`);
}

/** From each task of a flow to those that wait for it, by their names: "first → second". */
export async function edgesOf(flow: FlowFuture): Promise<string[]> {
  const { nodes, edges } = (await flow.graph())!;
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  return edges!.map(({ from, to }) => `${names.get(from)} → ${names.get(to)}`).toSorted();
}

/** What all of it was caused by. */
export function rootOf(error: Error): Error {
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}

/** How many of the ended tasks were running at the same time, at the most. */
export async function mostAtOnce(futures: Iterable<TaskFuture>): Promise<number> {
  const tasks = await Promise.all([...futures].map((future) => future.task()));
  const from = tasks.map(({ startedAt }) => Date.parse(startedAt!));
  const to = tasks.map(({ finishedAt }) => Date.parse(finishedAt!));
  // The number grows only where one starts, so that is where to look.
  return Math.max(...from.map((at) => from.filter((start, i) => start <= at && at < to[i]).length));
}

/** What the client says on the console, as it does when nobody gave it a log. */
export async function saidDuring(run: () => Promise<void>): Promise<string[]> {
  const { console } = globalThis;
  const { error } = console;
  const said: string[] = [];
  console.error = (...parts) => void said.push(parts.join(" "));
  try {
    await run();
  } finally {
    console.error = error;
  }
  return said;
}

/** Puts another `fetch` in the place of the real one, which it is given, while `run` runs. */
export async function withFetch<T>(
  other: (real: typeof fetch) => typeof fetch,
  run: () => Promise<T>,
): Promise<T> {
  const real = globalThis.fetch;
  globalThis.fetch = other(real);
  try {
    return await run();
  } finally {
    globalThis.fetch = real;
  }
}
