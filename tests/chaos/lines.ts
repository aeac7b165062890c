// What stands in the side logs.

/** A run of a function: one for each time that it is called. */
export interface RunLine {
  is: "start" | "end";
  run: string;
  /** The task. */
  id: string;
  attempt: number;
  token: string;
  pid: number;
  at: number;
  /** Of an end. */
  how?: "returned" | "threw" | "stopped";
}

interface CommitLine {
  pid: number;
  worker: string;
  /** The commit took effect between these two, if it did. */
  from: number;
  to: number;
  /**
   * "sent" is written ahead of the answer. A server may apply a commit and die before it says so: then the
   * client asks once more by itself and is told of a conflict, or of nothing.
   */
  outcome: "sent" | "ok" | "conflict" | "error";
}

/** A heartbeat, or the end of one: taken back by its worker, or found dead by another. */
export interface BeatLine extends CommitLine {
  is: "beat" | "sign-off" | "reap";
}

/** A task becomes RUNNING under a lease. */
export interface ClaimLine extends CommitLine {
  is: "claim";
  id: string;
  token: string;
  attempt: number;
  /** The RUNNING state in the task's history. */
  seq: number;
  at: number;
}

export type LeaseLine = BeatLine | ClaimLine;

/** What was asked of a task, as far as the checker needs to know. */
export interface Asked {
  /** The first so many attempts throw. */
  failures: number;
  maxAttempts: number;
  maxCrashes: number;
  delayMs: number;
  /** Ids of the tasks that it waits for. */
  upstreams?: string[];
  /** The key of its concurrency limit. */
  limit?: string;
  /** Characters that the result repeats. */
  padding: number;
}

/** An answer that promises something. */
export type AckLine =
  | { is: "submitted"; ids: string[]; asked: Asked[]; key: string | null; at: number }
  | { is: "cancelled"; id: string; outcome: "cancelled" | "requested"; at: number }
  | { is: "retried"; id: string; at: number };

/** Asked, but not always answered: it may have happened. */
export type AskLine = { is: "retry"; id: string; at: number };

/** A call of a composition, and its last answer. */
export interface ComposedLine<Plan = unknown> {
  is: "composed";
  kind: string;
  call: string;
  plan: Plan;
  askedAt: number;
  at: number;
  isRepeated: boolean;
  /** Of the last answer; null if there was none. */
  status: number | null;
  /** Of a refusal. */
  detail: string | null;
  groupId: string | null;
  /** By the names in a flow, or by place. */
  ids: Record<string, string>;
}

/** The load saw a task that has ended, in the midst of it all. */
export interface EndLine {
  id: string;
  type: string;
  finishedAt: string;
  /** The text of the result, or the error's message. */
  outcome: string;
  at: number;
}

export interface FaultLine {
  is: "kill" | "stop" | "continue" | "terminate" | "start" | "died" | "ended";
  /** -1 is the database server. */
  slot: number;
  pid: number;
  at: number;
  /** Of the end after a SIGTERM. */
  code?: number;
  tookMs?: number;
}
