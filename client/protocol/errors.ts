// What can go wrong, as classes to branch on. TaskError, CrashedError and CancelledError say how a task
// ended; TimeoutError that it has not ended in time; NotFoundError and ForgottenError that it is not there.
// All others are about the call.

import type { Failure, State, Task } from "./wire.ts";

/** Any error of this client. */
export class ErrandError extends Error {
  override name = "ErrandError";
}

/** What the task's function threw, or what that was caused by. */
export class RemoteError extends Error {
  readonly retryable: boolean;
  /** Where the operator shows stacks. */
  readonly remoteStack?: string;
  /** Of an AggregateError. */
  readonly errors?: RemoteError[];
  /** With which an HTTP call was answered, where the error said so. */
  readonly status?: number;

  constructor({ name, message, cause, errors, stack, retryable, status }: Failure) {
    super(message, cause ? { cause: new RemoteError(cause) } : undefined);
    this.name = name;
    this.errors = errors?.map((error) => new RemoteError(error));
    this.retryable = retryable;
    this.status = status;
    this.remoteStack = stack;
  }
}

/**
 * The task ended FAILED: its function threw, or took too long (`state.name` is `TimedOut`). `message` and
 * `cause` are those of what was thrown, `remoteName` is its name.
 */
export class TaskError extends ErrandError {
  override name = "TaskError";
  readonly id: string;
  readonly state: State;
  readonly remoteName: string;
  readonly retryable: boolean;
  readonly remoteStack?: string;
  /** Where the function threw an AggregateError. */
  readonly errors?: RemoteError[];
  /** With which an HTTP call of the function was answered, where its error said so. */
  readonly status?: number;

  constructor({ id, state, error }: Task) {
    const { name, message, cause, errors, stack, retryable, status }: Failure = error ??
      { name: "Error", message: state.message ?? `it ended ${state.type}`, retryable: false };
    super(message, cause ? { cause: new RemoteError(cause) } : undefined);
    this.errors = errors?.map((error) => new RemoteError(error));
    this.id = id;
    this.state = state;
    this.remoteName = name;
    this.status = status;
    this.retryable = retryable;
    this.remoteStack = stack;
  }
}

/** The task ended CRASHED: its workers died more often than `maxCrashes` allows. */
export class CrashedError extends TaskError {
  override name = "CrashedError";
}

/**
 * The task ended CANCELLED. `state.name` says how: Cancelled, Expired, UpstreamFailed, Skipped, Superseded.
 * After UpstreamFailed the `cause` names the task that did not complete; its `cause` is that task's error.
 */
export class CancelledError extends ErrandError {
  override name = "CancelledError";
  readonly id: string;
  readonly state: State;
  /** The reason of the cancel, or the service's own; null without one. */
  readonly reason: string | null;
  /** What its function returned after a cancel with `keepResult`; null if nothing was kept. */
  readonly result: unknown;

  constructor({ id, state, error, result }: Task) {
    super(
      `task ${id} ended ${state.type} ${state.name}${state.message ? `: ${state.message}` : ""}`,
      error ? { cause: new RemoteError(error) } : undefined,
    );
    this.id = id;
    this.state = state;
    this.reason = state.message;
    this.result = result;
  }
}

/**
 * A group as a whole ended FAILED or CANCELLED: what AggregateException and ExceptionGroup are elsewhere.
 * `errors` are those of its first 20 failures in time, and of a missed deadline.
 */
export class GroupError extends ErrandError {
  override name = "GroupError";
  readonly groupId: string;
  readonly state: "FAILED" | "CANCELLED";
  readonly errors: (TaskError | RemoteError)[];

  constructor(
    groupId: string,
    { state, errors, total }: { state: string; errors: (TaskError | RemoteError)[]; total: number },
  ) {
    const first = errors.length === 0 ? "" : `, the first failure: ${errors[0].message}`;
    super(`group ${groupId} of ${total} ended ${state}${first}`, { cause: errors[0] });
    this.groupId = groupId;
    this.state = state as "FAILED" | "CANCELLED";
    this.errors = errors;
  }
}

/** The task or group had not ended in time. That cancels nothing. */
export class TimeoutError extends ErrandError {
  override name = "TimeoutError";
}

/** The deadline of the whole iteration has come. */
export class AsCompletedTimeoutError<Future = unknown> extends TimeoutError {
  override name = "AsCompletedTimeoutError";
  readonly total: number;
  /** Those that had not ended, in the order in which they were given. */
  readonly pending: Future[];

  constructor(total: number, pending: Future[]) {
    super(`${pending.length} (of ${total}) futures unfinished`);
    this.total = total;
    this.pending = pending;
  }
}

/** The service did not answer, or the connection was cut, for as long as the call was tried. */
export class ConnectionError extends ErrandError {
  override name = "ConnectionError";
}

/** Something else than this service answered: the message says what was expected and what came. */
export class UnexpectedAnswerError extends ErrandError {
  override name = "UnexpectedAnswerError";
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** An answer of the service that is no success (RFC 9457). */
export interface Problem {
  /** `/problems/<slug>` */
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  errors?: { pointer: string; message: string }[];
  [member: string]: unknown;
}

/** The service refused the call. Further classes exist for what callers branch on. */
export class ProblemError extends ErrandError {
  override name = "ProblemError";
  readonly problem: Problem;
  readonly status: number;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
    this.status = problem.status;
  }

  /** The last part of the problem's `type`, as `validation-failed`. */
  get slug(): string {
    return this.problem.type.split("/").at(-1)!;
  }

  /** The faults in what was sent; each with a JSON Pointer to its place. */
  get errors(): { pointer: string; message: string }[] {
    return this.problem.errors ?? [];
  }
}

/** 422: what was sent breaks a rule. `errors` points at it. Nothing was stored. */
export class ValidationError extends ProblemError {
  override name = "ValidationError";
}

/** 422: the service has no definition of this name. */
export class UnknownDefinitionError extends ValidationError {
  override name = "UnknownDefinitionError";

  /** Names that look like it, best first. */
  get nearest(): string[] {
    return this.problem.nearest as string[] ?? [];
  }
}

/** 422: `map` was given nothing to go through. */
export class MappingMissingIterableError extends ValidationError {
  override name = "MappingMissingIterableError";
}

/** 422: `map` was given iterables of different lengths. */
export class MappingLengthMismatchError extends ValidationError {
  override name = "MappingLengthMismatchError";
}

/** 409: the state of the task does not allow it, or an id or key is taken. */
export class ConflictError extends ProblemError {
  override name = "ConflictError";
}

/** 404: no task or group has this id, or its retention is over; or no schedule has this name. */
export class NotFoundError extends ProblemError {
  override name = "NotFoundError";

  /** What is missing: `task`, `group` or `schedule`. */
  get kind(): string {
    return String(this.problem.kind);
  }
}

/** 410: the task was deleted on request. */
export class ForgottenError extends ProblemError {
  override name = "ForgottenError";
}

/** 401 or 403: the token is missing, wrong, or may not do this. */
export class UnauthorizedError extends ProblemError {
  override name = "UnauthorizedError";
}

/** 429, 502, 503 or 504, also after the retries. */
export class UnavailableError extends ProblemError {
  override name = "UnavailableError";
  /** The pause that the service asks for (`Retry-After`). */
  readonly retryAfterMs: number;

  constructor(problem: Problem, retryAfterMs: number) {
    super(problem);
    this.retryAfterMs = retryAfterMs;
  }
}
