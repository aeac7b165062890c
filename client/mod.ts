// Errand's client: durable futures over HTTP, in Deno, Node and browsers.

export { Client, type ClientOptions } from "./client.ts";
export type { StreamUrlOptions } from "./transport/stream_url.ts";
export type {
  CallOptions,
  EachTaskOptions,
  MapOptions,
  RunOptions,
  SignalOptions,
  SubmitOptions,
  Upstream,
  WaitForGiven,
} from "./canvas/options.ts";
export type { Continuation } from "./futures/continuation.ts";
export { type DoneCallback, TaskFuture } from "./futures/task_future.ts";
export type { CancelOptions, ResultOptions, ResultsOptions } from "./futures/result_options.ts";
export { TaskFutures } from "./futures/task_futures.ts";
export { type GroupCounts, GroupFuture, type GroupGraph } from "./futures/group_future.ts";
export type { GroupCompensation, GroupOptions, GroupState } from "./protocol/group.ts";
export {
  type GroupFault,
  type GroupFilter,
  type GroupInfo,
  type GroupListOptions,
  type GroupPolicy,
  Groups,
  type GroupSummary,
} from "./operation/groups.ts";
export type { GroupOutcome } from "./futures/group_outcome.ts";
export type {
  CancelFilter,
  GroupCancel,
  GroupCancelOptions,
  TasksCancel,
  TasksToCancel,
} from "./futures/group_cancel.ts";
export { FlowFuture, type FlowResultOptions } from "./canvas/flow_future.ts";
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
} from "./canvas/canvas.ts";
export {
  type Pause,
  type PauseOptions,
  type Queue,
  type QueueConcurrency,
  type QueueCounts,
  Queues,
} from "./queues/queues.ts";
export { type DefinitionInfo, DefinitionList } from "./definitions/definition_list.ts";
export { type Key, Keys, type MadeKey, type NewKey, type Scope } from "./keys/keys.ts";
export {
  Bulk,
  type BulkCounts,
  type BulkFilter,
  type BulkPreview,
  type BulkRequest,
} from "./operation/bulk.ts";
export type { EventFilter, EventsOptions, ServiceEvent, Transition } from "./operation/events.ts";
export type { Happened, Percentiles, Stats, TasksNow } from "./operation/stats.ts";
export { type RunningTask, type Worker, Workers } from "./operation/workers.ts";
export {
  type Dependents,
  type ListOptions,
  type LogLine,
  type TaskCount,
  type TaskFilter,
  Tasks,
} from "./tasks/tasks.ts";
export {
  allowFailure,
  FailureAllowed,
  type Given,
  type OrError,
  quote,
  Quoted,
  type Reference,
} from "./protocol/references.ts";
export {
  type LimitRule,
  type LimitRuleConfig,
  Limits,
  type LimitStatus,
  type Rate,
} from "./limits/limits.ts";
export { type BackfilledTask, Schedules, type TriggerOptions } from "./schedules/schedules.ts";
export type {
  Overlap,
  Schedule,
  ScheduleConfig,
  ScheduledTaskOptions,
  SchedulePatch,
  ScheduleSpec,
  ScheduleSummary,
  ScheduleTimes,
} from "./schedules/schedule_types.ts";
export { asCompleted } from "./futures/as_completed.ts";
export { type DoneAndNotDone, type ReturnWhen, wait, type WaitOptions } from "./futures/wait.ts";
export { gather, type GatherOptions, type ResultsOf } from "./futures/gather.ts";
export { type MapField, type MapFields, type Unmapped, unmapped } from "./canvas/mapping.ts";
export type { End, TaskCondition, WaitCondition, WaitFor, WaitForAny } from "./protocol/wait_for.ts";
export * from "./protocol/errors.ts";
export type { RetryRule } from "./transport/backoff.ts";
export type { HttpOptions } from "./transport/http.ts";
export type { Timeout } from "./transport/deadline.ts";
export type { DefinitionLike, Definitions, InputOf, NameOf, ResultOf } from "./protocol/typed.ts";
export type {
  Compensation,
  CompensationOptions,
  ErrorMatch,
  Failure,
  HistoryEntry,
  Progress,
  RetryPolicy,
  State,
  StateType,
  Task,
  TaskEvent,
  TaskOptions,
  TaskRetry,
  TaskSummary,
} from "./protocol/wire.ts";
export type {
  CacheOptions,
  ConcurrencyOptions,
  DebounceOptions,
  RateLimitOptions,
  UniqueOptions,
} from "./protocol/limit_options.ts";
