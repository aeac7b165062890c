// When tasks ran, and how many at once.

import type { Task } from "./facts.ts";

/** Each process counts on from its own start, and the clock may be moved a little between two starts. */
export const MAX_CLOCK_SKEW_MS = 20;

export interface Span {
  from: number;
  to: number;
}

/** While they ran, or were asked to stop: from the instant that their starts say to that of what followed. */
export function spansOf({ history }: Task): Span[] {
  return history.flatMap(({ type, at }, i) => {
    if (type !== "RUNNING") return [];
    const end = history.slice(i + 1).find((state) => state.type !== "CANCELLING");
    return [{ from: at, to: (end?.at ?? Infinity) - MAX_CLOCK_SKEW_MS }];
  });
}

export function mostAtOnce(spans: Span[]): number {
  const steps = spans.filter(({ from, to }) => from < to)
    .flatMap(({ from, to }) => [{ at: from, by: 1 }, { at: to, by: -1 }])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let [now, most] = [0, 0];
  for (const { by } of steps) most = Math.max(most, now += by);
  return most;
}
