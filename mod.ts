/**
 * Errand: POST a task, get a durable future. A task service of your own, in your own program or as a
 * service by itself.
 *
 * @module
 */

export { openKv } from "./database.ts";
export { type ClientDefinitions, createErrand, Errand } from "./errand.ts";
export type { DefinitionSet, ErrandOptions } from "./options.ts";
export type { Role, Settings } from "./settings.ts";
export {
  type AnyDefinition,
  type Child,
  define,
  type Definition,
  type DefinitionConfig,
  type DefinitionDefaults,
  type Handler,
  type Json,
  type TaskContext,
  type TaskInfo,
  type WithChildren,
} from "./runtime/core/define.ts";
export {
  ChildFailedError,
  NewerFormatError,
  PermanentError,
  UpstreamGoneError,
} from "./runtime/core/errors.ts";
export type {
  DeclaredSchedule,
  Overlap,
  ScheduleOptions,
  SpecEntry,
  Times,
} from "./runtime/core/schedule_config.ts";
export {
  ignore,
  reject,
  retryAfter,
  type RetryAfterOptions,
  TaskDirective,
} from "./runtime/core/failure_hints.ts";
export { replaceWith, type ReplacingFlow, type ReplacingTask } from "./runtime/core/replace_with.ts";
export { SoftTimeLimitError } from "./runtime/core/soft_time_limit.ts";
export type { ErrorMatch, RetryPolicy } from "./runtime/core/retry.ts";
export type { SubmitOptions } from "./runtime/core/submission.ts";
export type { AttemptName, Clock, Ids, KvPort, Log } from "./runtime/mod.ts";
export { type Config, ConfigError, readConfig } from "./config.ts";
export { log } from "./log.ts";
export { serve, type ServeOptions, type Serving, StartError } from "./service.ts";
export * from "./client/protocol/errors.ts";
