// A task's history as the service tells it: what may stand there, and what it says.

import type { State, Task } from "./facts.ts";

export const TERMINAL = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

const FIRST = new Set(["SCHEDULED", "PENDING"]);
/** What may follow what. A terminal state is left by a retry on request alone. */
const NEXT: Record<string, string[]> = {
  SCHEDULED: ["SCHEDULED", "PENDING", "CANCELLED"],
  PENDING: ["PENDING", "SCHEDULED", "RUNNING", "CANCELLED"],
  RUNNING: ["PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED"],
  PAUSED: ["SCHEDULED", "COMPLETED", "FAILED", "CRASHED"],
  CANCELLING: ["CANCELLED"],
  COMPLETED: [],
  FAILED: ["PENDING"],
  CRASHED: ["PENDING"],
  CANCELLED: ["PENDING"],
};

export const RETRIED = "retried on request";
/** So is a task that a failure had cancelled. */
export const RESUMED = "its upstream was retried";
export const DIED = /^its worker died/;
export const HANDED_BACK = /^handed back/;

const READY_OR_LIMITED = new Set(["Pending", "AwaitingConcurrencySlot", "AwaitingRateLimit"]);

/** Every outcome in a task's history that says which run it is of, with the RUNNING state ahead of it. */
export function outcomesOf(task: Task): { running: State; run: string }[] {
  return task.history.flatMap((state, i) => {
    const running = task.history[i - 1];
    const run = state.type === "COMPLETED"
      ? task.result?.run
      : /planned, run (\w+)/.exec(state.message ?? "")?.[1];
    return running?.type === "RUNNING" && run !== undefined ? [{ running, run }] : [];
  });
}

export function goesWrong({ history }: Task): boolean {
  return history.some((state, i) => {
    // Past 64 states the oldest are in the event log.
    if (i === 0) return state.seq === 1 && !FIRST.has(state.type);
    const before = history[i - 1].type;
    if (!NEXT[before].includes(state.type)) return true;
    if (TERMINAL.has(before) && !beginsAgain(state)) return true;
    // Out of a wait for others, or for a slot, and into no other wait than for a slot.
    if (before === "PENDING" && state.type === "PENDING" && !READY_OR_LIMITED.has(state.name)) return true;
    return state.seq <= history[i - 1].seq || state.at < history[i - 1].at;
  });
}

export function beginsAgain(state: State): boolean {
  return isRetry(state) || state.message === RESUMED;
}

/** Why it waits for a slot may follow. */
export function isRetry({ message }: State): boolean {
  return message?.startsWith(RETRIED) ?? false;
}

export function sinceRetry(history: State[]): State[] {
  return history.slice(history.findLastIndex(isRetry) + 1);
}

/** A cancel whose answer was lost counts too. */
export function wasAsked({ history }: Task): boolean {
  return history.at(-1)!.message === "chaos";
}

export function hasEnded(task: Task): boolean {
  return TERMINAL.has(stateOf(task).type);
}

export function stateOf({ history }: Task): State {
  return history[history.length - 1];
}

/** A task's story in a line. */
export function shown({ id, history }: Task): string {
  const states = history.map(({ type, attempt, message }) =>
    `${type}(${attempt}${message ? `: ${message}` : ""})`
  );
  return `${id} ${states.join(" → ")}`;
}
