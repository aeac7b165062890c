// Errors that callers handle. Their HTTP form is in routes/http/problem.ts.

import { RELEASE } from "./release.ts";
import type { TaskError } from "./task.ts";
import { bare } from "./tenant.ts";
import { likely } from "./nearest.ts";
import { RevivedError } from "./thrown_error.ts";

/** One fault of a submitted value. `pointer` is a JSON Pointer (RFC 6901) into that value. */
export interface Fault {
  pointer: string;
  message: string;
}

/** The submitted value breaks a rule. Nothing was stored. */
export class ValidationError extends Error {
  override name = "ValidationError";
  /** A task function that throws it fails for good. */
  readonly retryable = false;
  constructor(readonly faults: Fault[]) {
    super(faults.map((fault) => `${fault.pointer || "/"}: ${fault.message}`).join("; "));
  }
}

export class UnknownDefinitionError extends Error {
  override name = "UnknownDefinitionError";
  constructor(readonly task: string, readonly nearest: string[], readonly pointer = "/task") {
    super(`no definition is named "${task}"; ${remedyOf(task, nearest)}`);
  }
}

function remedyOf(task: string, nearest: string[]): string {
  if (nearest.length === 0) {
    return "there are none here: a program makes them with define(), and with DEMO_TASKS=true the service has examples";
  }
  const meant = likely(task, nearest).map((name) => `"${name}"`);
  return meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : "GET /v1/definitions lists all";
}

export class MappingMissingIterableError extends Error {
  override name = "MappingMissingIterableError";
  constructor(readonly pointer: string) {
    super('at least one field of the map must be a list; what is the same for all goes into "unmapped"');
  }
}

export class MappingLengthMismatchError extends Error {
  override name = "MappingLengthMismatchError";
  constructor(readonly lengths: Record<string, number>, readonly faults: Fault[]) {
    const told = Object.entries(lengths).map(([field, length]) => `"${field}" has ${length}`).join(", ");
    super(`the lists of a map must have the same length: ${told}`);
  }
}

/** There is no such task or group, or its retention is over. `faults` has all of several that are missing. */
export class NotFoundError extends Error {
  override name = "NotFoundError";
  /** @param id of a schedule its name, of a limit the pattern of its rule */
  constructor(
    readonly kind: "task" | "group" | "schedule" | "limit",
    readonly id: string,
    readonly faults: Fault[] = [],
  ) {
    super(
      kind === "limit"
        ? `no rule has the pattern ${JSON.stringify(id)}`
        : kind === "schedule"
        ? `no schedule has the name ${JSON.stringify(id)}`
        : `no ${kind} has the id ${bare(id)}, or its retention is over`,
    );
  }
}

/** There is no such queue or definition, or none that the caller may know. */
export class UnknownNameError extends Error {
  override name = "UnknownNameError";
  constructor(readonly kind: "queue" | "definition", readonly named: string, hint = "") {
    super(`there is no ${kind} ${JSON.stringify(named)}${hint && `; ${hint}`}`);
  }
}

/** The caller may not do this, whatever its scopes. */
export class ForbiddenError extends Error {
  override name = "ForbiddenError";
}

/** The task was deleted on request. `faults` has all of several that are missing. */
export class ForgottenError extends Error {
  override name = "ForgottenError";
  constructor(readonly id: string, readonly faults: Fault[] = []) {
    super(`task ${bare(id)} was forgotten: it and all it stored were deleted on request`);
  }
}

/** The present state does not allow this. */
export class ConflictError extends Error {
  override name = "ConflictError";
  constructor(message: string, readonly pointer = "") {
    super(message);
  }
}

/** Another call that names the same is not stored yet, and may never be. */
export function underWay(what: string, pointer: string): ConflictError {
  return new ConflictError(`a call with ${what} is still under way: repeat yours in a moment`, pointer);
}

/** The caller's precondition (an ETag) no longer holds. */
export class PreconditionError extends Error {
  override name = "PreconditionError";
}

export class TooLargeError extends Error {
  override name = "TooLargeError";
  constructor(readonly pointer: string, what: string, bytes: number, limitBytes: number, setting: string) {
    super(`${what} has ${bytes} bytes; the limit is ${limitBytes} bytes (${setting})`);
  }
}

export class QueueFullError extends Error {
  override name = "QueueFullError";
  /** @param whose all tasks, or those of one caller */
  constructor(readonly waiting: number, most: number, whose?: string) {
    super(
      whose === undefined
        ? `${waiting} tasks wait for a worker; the limit is ${most} (MAX_QUEUED)`
        : `${waiting} tasks of ${whose} wait for a worker; its limit is ${most} (GET /v1/usage)`,
    );
  }
}

/** A task that must not wait found no free slot of a limit. Nothing was stored. */
export class LimitFullError extends Error {
  override name = "LimitFullError";
  constructor(keys: string[]) {
    const told = keys.map((key) => JSON.stringify(key)).join(" or ");
    super(`no slot of ${told} is free, and the task must not wait for one (onFull is "reject")`);
  }
}

/** What a caller keeps stored is all that it may. */
export class StorageFullError extends Error {
  override name = "StorageFullError";
  constructor(whose: string, bytes: number, most: number) {
    super(
      `the tasks of ${whose} take ${bytes} bytes of the database, and its limit is ${most} (GET /v1/usage): ` +
        "delete some, or give them a shorter retentionMs",
    );
  }
}

/** A child did not complete. Its `cause` is the child's error, whole, if it has one. */
export class ChildFailedError extends Error {
  override name = "ChildFailedError";
  /** False if the child's error was for good: another attempt of the parent would get the same. */
  readonly retryable: boolean;
  constructor(
    readonly id: string,
    /** FAILED, CRASHED or CANCELLED. */
    readonly state: string,
    readonly remoteName: string,
    message: string,
    error: TaskError | null,
  ) {
    super(
      `the task ${bare(id)} ended ${state}: ${remoteName}: ${message}`,
      error ? { cause: new RevivedError(error) } : {},
    );
    this.retryable = error?.retryable ?? true;
  }
}

/** A result that a task needs is gone. */
export class UpstreamGoneError extends Error {
  override name = "UpstreamGoneError";
  readonly retryable = false;
  constructor(id: string, why = "is not there any more") {
    super(`the result of its upstream ${bare(id)} ${why}`);
  }
}

/** Each result is within its bound; all of a group together are not. */
export class UpstreamTooLargeError extends Error {
  override name = "UpstreamTooLargeError";
  readonly retryable = false;
  constructor(group: string, maxBytes: number) {
    super(
      `the results of its upstream, the group ${bare(group)}, have together more than ${maxBytes} bytes ` +
        "(MAX_RESULT_BYTES)",
    );
  }
}

/** The outcome of a commit is unknown. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/** The database's file was deleted or replaced: what is committed is gone with the process. */
export class DatabaseGoneError extends UnavailableError {
  override name = "DatabaseGoneError";
}

/** What a path names cannot be opened as a database. The message names the rule and the remedy. */
export class DatabaseFileError extends Error {
  override name = "DatabaseFileError";
}

/** KV has not answered in time. A commit may be applied already, or later: it must be read back. */
export class DeadlineError extends UnavailableError {
  override name = "DeadlineError";
}

/**
 * A newer release wrote this record. It is not changed or deleted: another process may be of that
 * release.
 */
export class NewerRecordError extends Error {
  override name = "NewerRecordError";
  /** @param written what is the same in all versions of a record */
  constructor(
    readonly written: { id: string; op: string; ops?: string[] },
    version: number,
    release: string,
    known: number,
  ) {
    super(
      `task ${
        bare(written.id)
      } was written by ${release} (record version ${version}); this is Errand ${RELEASE}, which reads ` +
        `record versions up to ${known}: run ${release} or a later one on this database`,
    );
  }
}

/** A newer release has changed the form of the whole database. */
export class NewerFormatError extends Error {
  override name = "NewerFormatError";
  constructor(version: number, release: string, known: number) {
    super(
      `the database was written by ${release} (format ${version}); this is Errand ${RELEASE}, which reads formats up to ` +
        `${known}: run ${release} or a later one on it, or restore a backup from before it`,
    );
  }
}

export class IdempotencyMismatchError extends Error {
  override name = "IdempotencyMismatchError";
  constructor(key: string) {
    super(`idempotency key "${key}" was used before with another body`);
  }
}

/** Thrown by a handler: the task fails at once, without another attempt. */
export class PermanentError extends Error {
  override name = "PermanentError";
  readonly retryable = false;
}
