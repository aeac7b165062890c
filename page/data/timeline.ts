// From the history of a task to the bars of its timeline: waits apart from runs.

import type { HistoryEntry, StateType } from "./answers.ts";

export interface Span {
  label: string;
  from: number;
  /** Null: it goes on. */
  until: number | null;
  kind: "wait" | "run" | "pause";
  /** How it came out; of one that goes on, the state that it is in. */
  outcome: StateType;
  note: string | null;
}

export interface Timeline {
  spans: Span[];
  from: number;
  /** Null: it goes on. */
  until: number | null;
  waitedMs: number;
  ranMs: number;
  pausedMs: number;
}

const WAITS: StateType[] = ["PENDING", "SCHEDULED"];
const RUNS: StateType[] = ["RUNNING", "CANCELLING"];

export function timelineOf(history: HistoryEntry[], now: number): Timeline {
  const spans: Span[] = [];
  for (const [i, entry] of history.entries()) {
    const { type, at, attempt } = entry;
    const next = history[i + 1];
    const kind = RUNS.includes(type) ? "run" : type === "PAUSED" || isBackoff(entry) ? "pause" : "wait";
    if (!RUNS.includes(type) && !WAITS.includes(type) && type !== "PAUSED") {
      continue;
    }
    const from = Date.parse(at);
    const until = next ? Date.parse(next.at) : null;
    const last = spans.at(-1);
    const label = kind === "run" ? `attempt ${attempt}` : kind === "pause" ? "pause" : "waiting";
    const note = noteOf(entry, next, kind);
    const outcome = kind === "run" ? outcomeOf(entry, next) : type;
    // Several waits in a row are one, as are a run and its cancelling.
    if (last?.kind === kind && (kind !== "run" || last.label === label)) {
      Object.assign(last, { until, note: note ?? last.note, outcome });
    } else {
      spans.push({ label, from, until, kind, outcome, note });
    }
  }
  const from = history.length > 0 ? Date.parse(history[0].at) : now;
  const isOpen = spans.at(-1)?.until === null;
  const total = (kind: Span["kind"]) =>
    spans.filter((span) => span.kind === kind).reduce(
      (sum, { from, until }) => sum + (until ?? now) - from,
      0,
    );
  return {
    spans,
    from,
    until: isOpen ? null : Date.parse(history.at(-1)?.at ?? new Date(now).toISOString()),
    waitedMs: total("wait"),
    ranMs: total("run"),
    pausedMs: total("pause"),
  };
}

function isBackoff({ name }: HistoryEntry): boolean {
  return name === "AwaitingRetry";
}

/** An attempt behind which another one follows has failed. */
function outcomeOf(
  { type }: HistoryEntry,
  next: HistoryEntry | undefined,
): StateType {
  if (next === undefined || next.type === "CANCELLING") return type;
  if (next.type === "SCHEDULED") return "FAILED";
  if (WAITS.includes(next.type)) return "CRASHED";
  return next.type;
}

function noteOf(
  entry: HistoryEntry,
  next: HistoryEntry | undefined,
  kind: Span["kind"],
): string | null {
  if (kind === "run") return next?.message ?? entry.message;
  // Why it pauses is said at the attempt before.
  return isBackoff(entry) ? "until the next attempt" : entry.message;
}

/** Ticks at round times: at most `most`. In milliseconds from the start. */
export function ticksOf(lengthMs: number, most = 6): number[] {
  const steps = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1e3,
    2e3,
    5e3,
    1e4,
    15e3,
    3e4,
    6e4,
    12e4,
    3e5,
    6e5,
    18e5,
    36e5,
  ];
  const days = [1, 2, 3, 6, 12, 24, 48, 96, 240, 720].map((hours) => hours * 36e5);
  const step = [...steps, ...days].find((each) => lengthMs / each <= most) ??
    lengthMs;
  return Array.from(
    { length: Math.floor(lengthMs / step) + 1 },
    (_, i) => i * step,
  );
}
