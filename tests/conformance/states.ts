// What rows ask of a task's states: to wait for one of them, and to name those it went through.

import type { TaskFuture } from "../../client/mod.ts";

/** Keeps a task from starting for as long as any row takes. */
export const LATER = { delayMs: 60_000 };

/** Waits until the task is, or was, in the state of this name; in this attempt, if one is named. */
export async function reached(future: TaskFuture, name: string, attempt?: number): Promise<void> {
  for await (const { event, data } of future.events()) {
    if (event === "state" && data.name === name && data.attempt === (attempt ?? data.attempt)) return;
  }
  throw new Error(`task ${future.id} has ended and was never ${name}`);
}

/** The names of all states that the task went through, in order. */
export async function namesOf(future: TaskFuture): Promise<string[]> {
  return (await future.task()).history.map(({ name }) => name);
}

/** The task's present state, as "TYPE Name". */
export async function stateOf(future: TaskFuture): Promise<string> {
  const { type, name } = await future.state();
  return `${type} ${name}`;
}

/** The pause, exactly, behind the given attempt, which has to be the last one but one. */
export async function retryPauseMs(future: TaskFuture, attempt = 1): Promise<number> {
  await reached(future, "AwaitingRetry", attempt);
  const { runAt, history } = await future.task();
  const { at } = history.find((state) => state.name === "AwaitingRetry" && state.attempt === attempt)!;
  return Date.parse(runAt) - Date.parse(at);
}
