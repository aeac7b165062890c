// What is known once it is over: what the service says by HTTP, beside what the side logs say.

import { readJournal } from "./journal.ts";
import type {
  AckLine,
  Asked,
  AskLine,
  BeatLine,
  ClaimLine,
  ComposedLine,
  EndLine,
  FaultLine,
  LeaseLine,
  RunLine,
} from "./lines.ts";

export interface State {
  seq: number;
  type: string;
  name: string;
  message: string | null;
  /** Milliseconds since the epoch. */
  at: number;
  attempt: number;
}

export interface Metadata {
  key?: string;
  /** The composition whose tasks were asked for (compositions/), or from which the task follows. */
  call?: string;
  follows?: string;
  /** The task, and its attempt, that has put this one in its place, as the n-th. */
  inPlaceOf?: string;
  attempt?: number;
  n?: number;
}

export interface Task {
  id: string;
  attempt: number;
  maxAttempts: number;
  finishedAt: string | null;
  runAt: number;
  // deno-lint-ignore no-explicit-any
  result: any;
  error: { message: string } | null;
  createdAt: string;
  metadata: Metadata;
  /** Of a compensation. */
  compensates?: string;
  /** Of a task that waits for others under conditions. */
  conditions?: { anyOf?: string[]; met?: string[] }[];
  /** Of a task that a schedule has submitted. */
  schedule?: { name: string; scheduledFor: string };
  history: State[];
}

export interface Run {
  run: string;
  id: string;
  attempt: number;
  pid: number;
  start: number;
  /** Infinity while it goes on; a killed process ends all of its runs. */
  end: number;
}

export interface Facts {
  leaseMs: number;
  tasks: Map<string, Task>;
  compositions: ComposedLine[];
  /** In the order of `GET /v1/tasks`. */
  listed: string[];
  asked: Map<string, Asked>;
  /** What each idempotency key was answered with. */
  keys: Map<string, string[]>;
  cancelled: { id: string; at: number }[];
  /** Retries on request, answered or not. */
  retriesAsked: Map<string, number>;
  endsSeen: EndLine[];
  runs: Run[];
  /** Those that were committed, in the order in which that was known. */
  claims: ClaimLine[];
  beats: BeatLine[];
  reaps: BeatLine[];
  /**
   * Tasks of calls that were cut off between two commits, and whose callers never came back: they wait for
   * ten minutes, and are then cancelled (runtime/dependencies/barrier.ts). Known once the database is read.
   */
  cutOff: ReadonlySet<string>;
}

export interface Logs {
  runs: RunLine[];
  leases: LeaseLine[];
  acks: (AckLine | AskLine | ComposedLine)[];
  ends: EndLine[];
  faults: FaultLine[];
}

export async function readLogs(folder: string): Promise<Logs> {
  const read = <Line>(name: string) => readJournal<Line>(`${folder}/${name}.jsonl`);
  return {
    runs: await read("runs"),
    leases: await read("leases"),
    acks: await read("acks"),
    ends: await read("ends"),
    faults: await read("faults"),
  };
}

export function factsOf(leaseMs: number, logs: Logs, tasks: Task[], listed: string[]): Facts {
  const submitted = logs.acks.filter((line) => line.is === "submitted");
  const retriesAsked = new Map<string, number>();
  for (const line of logs.acks) {
    if (line.is === "retry") retriesAsked.set(line.id, (retriesAsked.get(line.id) ?? 0) + 1);
  }
  const done = logs.leases.filter(({ outcome }) => outcome === "ok");
  return {
    leaseMs,
    tasks: new Map(tasks.map((task) => [task.id, task])),
    listed,
    asked: new Map(submitted.flatMap(({ ids, asked }) => ids.map((id, i) => [id, asked[i]]))),
    keys: new Map(submitted.flatMap(({ key, ids }) => key === null ? [] : [[key, ids]])),
    compositions: logs.acks.filter((line) => line.is === "composed"),
    cancelled: logs.acks.filter((line) => line.is === "cancelled"),
    retriesAsked,
    endsSeen: logs.ends,
    runs: runsOf(logs),
    claims: claimsOf(logs.leases, tasks),
    beats: done.filter((line): line is BeatLine => line.is === "beat"),
    reaps: done.filter((line): line is BeatLine => line.is === "reap"),
    cutOff: new Set(),
  };
}

/** Claims that were answered, and those without a true answer that the tasks' histories know of. */
function claimsOf(leases: LeaseLine[], tasks: Task[]): ClaimLine[] {
  const claims = leases.filter((line): line is ClaimLine => line.is === "claim");
  const answered = claims.filter(({ outcome }) => outcome === "ok");
  const nameOf = ({ id, seq, at }: { id: string; seq: number; at: number }) => `${id} ${seq} ${at}`;
  const known = new Set(answered.map(nameOf));
  const applied = new Set(tasks.flatMap(({ id, history }) => {
    const starts = history.filter(({ type }) => type === "RUNNING");
    return starts.map(({ seq, at }) => nameOf({ id, seq, at })).filter((name) => !known.has(name));
  }));
  const unanswered = claims.filter((line) => line.outcome === "sent" && applied.has(nameOf(line)));
  return [...answered, ...unanswered].sort((a, b) => a.to - b.to);
}

export function runsOf({ runs, faults }: Pick<Logs, "runs" | "faults">): Run[] {
  const goneAt = new Map<number, number>();
  for (const { is, pid, at } of faults) {
    if (is === "kill" || is === "ended" || is === "died") goneAt.set(pid, at);
  }
  const ends = new Map(runs.filter(({ is }) => is === "end").map(({ run, at }) => [run, at]));
  return runs.filter(({ is }) => is === "start").map(({ run, id, attempt, pid, at }) => ({
    run,
    id,
    attempt,
    pid,
    start: at,
    end: ends.get(run) ?? goneAt.get(pid) ?? Infinity,
  }));
}
