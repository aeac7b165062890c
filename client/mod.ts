// Errand's client: durable futures over HTTP, in Deno, Node and browsers.

export { Client, type ClientOptions, type MapOptions, type SubmitOptions } from "./client.ts";
export { type CancelOptions, type DoneCallback, type ResultOptions, TaskFuture } from "./task_future.ts";
export { TaskFutures } from "./task_futures.ts";
export { asCompleted } from "./as_completed.ts";
export { type DoneAndNotDone, type ReturnWhen, wait, type WaitOptions } from "./wait.ts";
export { gather, type GatherOptions, type ResultsOf } from "./gather.ts";
export { type MapField, type MapFields, type Unmapped, unmapped } from "./mapping.ts";
export * from "./errors.ts";
export type { RetryRule } from "./backoff.ts";
export type { HttpOptions } from "./http.ts";
export type { Timeout } from "./time.ts";
export type { DefinitionLike, Definitions, InputOf, NameOf, ResultOf } from "./typed.ts";
export type {
  Failure,
  HistoryEntry,
  Progress,
  RetryPolicy,
  State,
  StateType,
  Task,
  TaskEvent,
  TaskOptions,
  TaskSummary,
} from "./wire.ts";
