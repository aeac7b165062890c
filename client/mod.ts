// Errand's client: durable futures over HTTP, in Deno, Node and browsers.

export { Client, type ClientOptions, type StreamUrlOptions } from "./client.ts";
export type {
  CallOptions,
  EachTaskOptions,
  MapOptions,
  RunOptions,
  SubmitOptions,
  Upstream,
} from "./options.ts";
export { type CancelOptions, type DoneCallback, type ResultOptions, TaskFuture } from "./task_future.ts";
export { TaskFutures } from "./task_futures.ts";
export { type GroupCounts, GroupFuture, type GroupGraph } from "./group_future.ts";
export type { GroupCancel, GroupCancelOptions } from "./group_cancel.ts";
export { FlowFuture, type FlowResultOptions } from "./flow_future.ts";
export {
  type Canvas,
  type Chain,
  chain,
  type Chord,
  chord,
  type Chunks,
  chunks,
  type Group,
  group,
  sig,
  type Signature,
  type SignatureOptions,
} from "./canvas.ts";
export { type Given, quote, Quoted, type Reference } from "./references.ts";
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
