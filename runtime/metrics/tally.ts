// Counts what the commits of this process do to tasks: in memory, minute by minute. Nothing is read or
// written for it. Each commit is seen by the process that made it, and by no other: the counts of all
// processes together are those of all tasks (shared_counts.ts).

import { DEFAULT_QUEUE } from "../core/queue.ts";
import { isTerminalType } from "../core/states.ts";
import { type Entry, isForgotten, stateOf, type Stored, type TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import type { Clock } from "../platform/clock.ts";
import type { CommitObserver } from "../store/committer.ts";
import { type AttemptOutcome, CountsByName, type Durations, type End } from "./task_counts.ts";

export const MINUTE_MS = 60_000;
/** Minutes that are kept for as long as they cannot be written. */
const MOST_KEPT = 5;

/** What happened in one minute. */
export interface Minute {
  /** Minutes since 1970. */
  minute: number;
  counts: CountsByName;
  /** It holds more than was written of it. */
  isNews: boolean;
}

export class TaskTally implements CommitObserver {
  /** Those before the present one, since the process began. */
  readonly #past = new CountsByName();
  /** Those that are not written yet, the present one last. */
  #minutes: Minute[] = [];

  /** @param durations null: nobody is told */
  constructor(private readonly clock: Clock, private readonly durations: Durations | null = null) {}

  applied({ record: next }: Entry<Stored>, before: Entry<Stored> | null): void {
    if (isForgotten(next)) return;
    const old = before === null || isForgotten(before.record) ? null : before.record;
    const state = stateOf(next);
    const was = old && stateOf(old);
    // A report, or what others have to know of it.
    if (was !== null && was.seq === state.seq) return;
    const present = this.#present();
    present.isNews = true;
    const { task, queue = DEFAULT_QUEUE } = next;
    const counts = present.counts.of(tenantOf(next.id), task, queue);
    if (old === null) {
      counts.submitted++;
      if (next.schedule) {
        const ms = next.createdAt - next.schedule.for;
        counts.late(ms);
        this.durations?.late(task, ms);
      }
    }
    if (was?.type === "RUNNING" || was?.type === "CANCELLING") {
      const outcome = outcomeOf(next, old!);
      if (outcome !== null) {
        const ms = state.at - startOf(next, old!);
        counts.attempts[outcome]++;
        counts.run.add(ms);
        this.durations?.ran(task, queue, outcome, ms);
      }
    }
    if (state.type === "RUNNING") {
      const ms = state.at - readySince(next);
      counts.wait.add(ms);
      this.durations?.waited(task, ms);
    } else if (state.name === "AwaitingConcurrencySlot") counts.limited.concurrency++;
    else if (state.name === "AwaitingRateLimit") counts.limited.rate++;
    else if (isTerminalType(state.type)) counts.ended[state.type as End]++;
  }

  /** Since the process began. */
  total(): CountsByName {
    const total = new CountsByName();
    total.merge(this.#past);
    for (const { counts } of this.#minutes) total.merge(counts);
    return total;
  }

  /** Those that are kept here, the present one last. */
  get minutes(): readonly Minute[] {
    this.#present();
    return this.#minutes;
  }

  /** Minutes before the present one that hold no news need not be kept. */
  written(): void {
    const present = this.#minutes.at(-1);
    this.#keep((one) => one === present || one.isNews);
  }

  #present(): Minute {
    // A clock that goes back makes the minute longer.
    const now = Math.max(Math.floor(this.clock.now() / MINUTE_MS), this.#minutes.at(-1)?.minute ?? 0);
    let present = this.#minutes.at(-1);
    if (present === undefined || present.minute !== now) {
      present = { minute: now, counts: new CountsByName(), isNews: false };
      this.#minutes.push(present);
      const oldest = this.#minutes.length - MOST_KEPT;
      this.#keep((one, i) => i >= oldest && (one === present || one.counts.size > 0));
    }
    return present;
  }

  #keep(which: (one: Minute, i: number) => boolean): void {
    this.#minutes = this.#minutes.filter((one, i) => {
      const isKept = which(one, i);
      if (!isKept) this.#past.merge(one.counts);
      return isKept;
    });
  }
}

/** Null: it runs on. */
function outcomeOf(next: TaskRecord, old: TaskRecord): AttemptOutcome | null {
  const { type, name } = stateOf(next);
  switch (type) {
    case "COMPLETED":
      return "completed";
    case "FAILED":
      return name === "TimedOut" ? "timed-out" : "failed";
    case "CRASHED":
      return "crashed";
    case "CANCELLED":
      return "cancelled";
    case "SCHEDULED":
      return "retried";
    case "PENDING":
      return next.crashes > old.crashes ? "crashed" : "handed-back";
    default:
      return null;
  }
}

/** When the attempt began that has just ended. */
function startOf({ history }: TaskRecord, old: TaskRecord): number {
  for (let i = history.length - 2; i >= 0; i--) if (history[i].type === "RUNNING") return history[i].at;
  return stateOf(old).at;
}

/** Since when a task that starts now was ready. */
function readySince({ history }: TaskRecord): number {
  const last = history.length - 1;
  return (history[last - 1] ?? history[last]).at;
}
