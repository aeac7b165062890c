// The public surface of the engine. Code outside runtime/ imports this file and runtime/core/ only.

export type { CallersCompletionQuery, CallersSubmit, CallerView } from "./caller_view.ts";
export { DEFAULTS, type Doorbells, type RuntimeOptions } from "./process/options.ts";
export { createRuntime, type Runtime } from "./runtime.ts";

export { type Clock, isoAt, sleep, systemClock } from "./platform/clock.ts";
export { Turn, Turns } from "./platform/turns.ts";
export type { Ids } from "./platform/ids.ts";
export { serviceKeys } from "./platform/service_keys.ts";
export { KvPort } from "./platform/kv.ts";
export type { TraceRuns } from "./platform/tracing.ts";
export { hasQueues, isRemote, openKv } from "./platform/open_kv.ts";
export { kvOnHandle } from "./platform/prefixed_kv.ts";
export { type AttemptName, type Log, silentLog } from "./platform/log.ts";

export { requireFormat } from "./store/format.ts";
export { inspect as inspectDatabase, type Inspection } from "./store/inspection.ts";
export { doneOf, endOfGroup, type GroupRecord } from "./store/group_record.ts";
export type { LimitRule } from "./store/limit_rules.ts";
export type { TaskEvent } from "./store/event_log.ts";

export { type Controlled, type QueueState, UNSAID } from "./commands/queue_control.ts";
export type { Limited } from "./queues/concurrency.ts";
export { type Concurrency, type Hold, mostAtOnce, type Pause } from "./queues/control_set.ts";
export { WAYS } from "./queries/queue_counts.ts";

export type { CompletionQuery } from "./queries/as_completed.ts";
export type { CompletionEvent } from "./queries/completion_events.ts";
export type { GroupSummary } from "./queries/group_list.ts";
export type { GroupStatus } from "./queries/group_status.ts";
export type { GroupError } from "./queries/group_errors.ts";
export type { LimitStatus } from "./queries/limits.ts";
export type { ListQuery } from "./queries/list.ts";
export type { TaskFilter } from "./queries/list_filter.ts";
export { pendingWork } from "./queries/pending_work.ts";
export { endOf } from "./queries/task_events.ts";
export { type Family, KINDS } from "./metrics/family_names.ts";
export type { Happened, Percentiles, Stats } from "./metrics/stats.ts";
export type { TransitionEvent } from "./metrics/transition_reader.ts";
export { ENDS, OUTCOMES } from "./metrics/task_counts.ts";
export type { LogLine } from "./queries/log_lines.ts";
export type { BulkRequest } from "./commands/bulk/bulk.ts";
export { BULK_ACTIONS } from "./commands/bulk/order.ts";
export { RETURN_WHEN } from "./queries/wait.ts";
export type { WorkerSeen } from "./queries/workers.ts";

export { mapSchema } from "./commands/flows/map.ts";
export { flowSchema } from "./commands/flows/schema.ts";
export type { Idempotency } from "./commands/idempotency.ts";
export { MOST_TOLD_IN_FULL } from "./commands/independent_submit.ts";
export type { IfMatch } from "./commands/present_task.ts";
export type { CancelRequest } from "./commands/cancel.ts";
export { MOST_CANCELLED } from "./commands/cancel_many.ts";
export type { SubmitCall, Submitted } from "./commands/submit.ts";

export {
  configSchema,
  configShape,
  note as scheduleNote,
  patchSchema,
  scheduleName,
  type SchedulePatch,
} from "./schedules/config.ts";
export { timesShape } from "./schedules/spec.ts";
export { areDeclared } from "./schedules/declared.ts";
export type { ScheduleView } from "./schedules/schedules.ts";
