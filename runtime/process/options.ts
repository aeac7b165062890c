// What a runtime is built from, and the defaults.

import type { ServedQueues } from "../core/queue.ts";
import type { Usages } from "../core/usage.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Log } from "../platform/log.ts";
import type { TraceRuns } from "../platform/tracing.ts";
import type { Runner } from "../worker/runners/runner.ts";

/** Which doorbells ring in this process. The sweep alone is enough for every task to run. */
export interface Doorbells {
  /** A call in the same process, right after a commit. */
  call: boolean;
  /** A KV queue message in the submit's own commit, where the backend has queues. */
  queue: boolean;
  /** A key that all processes watch, where these share a database server. */
  watch: boolean;
  /** A timer, every few seconds. */
  sweep: boolean;
}

export interface RuntimeOptions {
  kv: KvPort;
  definitions: Iterable<AnyDefinition>;
  /** False: this process submits and answers, and runs no tasks. Default true. */
  runsTasks?: boolean;
  /** Functions that run at once on the main thread. Default 200. */
  concurrency?: number;
  /** The queues that tasks are taken from. Default: all. */
  queues?: ServedQueues;
  /**
   * Functions that run at once on worker threads, but no more than `concurrency`. Default: one for each core.
   */
  threads?: number;
  /** Runs a function that has `thread`, in place of a worker thread: for tests. */
  runOnThread?: Runner;
  /** A worker without a heartbeat for this long is dead. Default 10,000. */
  leaseMs?: number;
  /** Default 1 MiB. */
  maxInputBytes?: number;
  /** Default 16 MiB. */
  maxResultBytes?: number;
  /** Tasks that may wait for a worker. Default 1,000,000. */
  maxQueued?: number;
  /** How long FAILED and CRASHED tasks are kept. Default 14 days. */
  failureRetentionMs?: number;
  /** Keep stacks with errors. Default false. */
  keepStacks?: boolean;
  /** Default `link`. */
  traceRuns?: TraceRuns;
  /**
   * What functions write to the console becomes lines of JSON on standard error, with their tasks. It
   * concerns the whole process. Default false.
   */
  takesConsole?: boolean;
  /** Write the schedules that the definitions declare. Default true. */
  declaresSchedules?: boolean;
  doorbells?: Partial<Doorbells>;
  /** Milliseconds between sweeps. Default 2,000. */
  sweepMs?: number;
  /**
   * Milliseconds between searches for tasks that nothing drives and values that no task names. Default 5,000.
   */
  repairMs?: number;
  /** Counts what callers use, and says how much they may. Default: they are not told apart. */
  usages?: Usages;
  clock?: Clock;
  ids?: Ids;
  log?: Log;
}

export const DEFAULTS = {
  concurrency: 200,
  leaseMs: 10_000,
  maxInputBytes: 2 ** 20,
  maxResultBytes: 2 ** 24,
  maxQueued: 1_000_000,
  sweepMs: 2_000,
  repairMs: 5_000,
} as const;
