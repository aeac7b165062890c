// Every answer that is not a success: application/problem+json (RFC 9457). The only place that knows which
// error of the runtime becomes which status.

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  ConflictError,
  type Fault,
  ForbiddenError,
  ForgottenError,
  IdempotencyMismatchError,
  LimitFullError,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NewerRecordError,
  NotFoundError,
  PreconditionError,
  QueueFullError,
  StorageFullError,
  TooLargeError,
  UnavailableError,
  UnknownDefinitionError,
  UnknownNameError,
  ValidationError,
} from "../../runtime/core/errors.ts";
import { NoSuchKeyError } from "../../auth/key_store.ts";
import { pathOf } from "./prefix.ts";
import { NOSNIFF } from "./safe_headers.ts";

const MOST_ERRORS = 1_000;

export interface Problem {
  status: number;
  /** Last part of the `type` URI. */
  slug: string;
  title: string;
  detail: string;
  errors?: Fault[];
  headers?: Record<string, string>;
  /** Further members. */
  extra?: Record<string, unknown>;
}

/** An answer decided in a route that is not a success. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export function problemResponse(c: Context, problem: Problem): Response {
  return problemAt(pathOf(c), problem);
}

/** @param instance the path of the call as its caller sees it */
export function problemAt(instance: string, problem: Problem): Response {
  const { status, slug, title, detail, errors, extra, headers } = problem;
  const body = { type: `/problems/${slug}`, title, status, detail, instance, ...extra, errors };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...NOSNIFF,
      ...headers,
    },
  });
}

/** What an error means over HTTP; null if it is a fault of ours. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof ValidationError) return validationFailed(error.faults);
  if (error instanceof UnknownDefinitionError) {
    const { message, pointer, nearest } = error;
    return {
      status: 422,
      slug: "unknown-definition",
      title: "Unknown definition",
      detail: message,
      errors: [{ pointer, message }],
      extra: { nearest },
    };
  }
  if (error instanceof MappingMissingIterableError) {
    const { message, pointer } = error;
    return {
      status: 422,
      slug: "mapping-missing-iterable",
      title: "Mapping without a list",
      detail: message,
      errors: [{ pointer, message }],
    };
  }
  if (error instanceof MappingLengthMismatchError) {
    const { message, lengths, faults } = error;
    return {
      status: 422,
      slug: "mapping-length-mismatch",
      title: "Lists of different lengths",
      detail: message,
      errors: faults,
      extra: { lengths },
    };
  }
  if (error instanceof TooLargeError) return tooLarge(error.message, error.pointer);
  if (error instanceof NotFoundError) {
    // What is missing: a path that does not exist is not-found too.
    return { ...notFound(error.message), errors: someOf(error.faults), extra: { kind: error.kind } };
  }
  if (error instanceof ForgottenError) {
    const { message: detail, faults } = error;
    return { status: 410, slug: "task-forgotten", title: "Task forgotten", detail, errors: someOf(faults) };
  }
  if (error instanceof ConflictError) {
    return {
      status: 409,
      slug: "conflict",
      title: "Conflict",
      detail: error.message,
      errors: faultsAt(error.pointer, error.message),
    };
  }
  if (error instanceof PreconditionError) {
    return { status: 412, slug: "precondition-failed", title: "Precondition failed", detail: error.message };
  }
  if (error instanceof IdempotencyMismatchError) {
    const detail = error.message;
    return { status: 422, slug: "idempotency-mismatch", title: "Idempotency key used before", detail };
  }
  if (error instanceof LimitFullError) {
    return { status: 409, slug: "limit-full", title: "Limit full", detail: error.message };
  }
  if (error instanceof QueueFullError) {
    const headers = { "retry-after": "2" };
    return { status: 429, slug: "queue-full", title: "Queue full", detail: error.message, headers };
  }
  if (error instanceof StorageFullError) {
    const headers = { "retry-after": "60" };
    return { status: 429, slug: "queue-full", title: "Storage full", detail: error.message, headers };
  }
  if (error instanceof UnknownNameError) return { ...notFound(error.message), extra: { kind: error.kind } };
  if (error instanceof ForbiddenError) return forbidden(error.message);
  if (error instanceof NoSuchKeyError) return notFound(error.message);
  if (error instanceof UnavailableError) return unavailable("the database does not answer");
  // Not for ever: another process behind this address may have the newer release, and this one will get it.
  if (error instanceof NewerRecordError) return unavailable(error.message);
  if (error instanceof HTTPException) return ofHttpException(error);
  return null;
}

export function validationFailed(faults: Fault[]): Problem {
  const [{ pointer, message }] = faults;
  // A map of 100,000 elements may have as many faults.
  const errors = faults.slice(0, MOST_ERRORS);
  const detail = `${pointer || "the value"}: ${message}` +
    (faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : "");
  return { status: 422, slug: "validation-failed", title: "Validation failed", detail, errors };
}

export function unavailable(detail: string): Problem {
  return { status: 503, slug: "unavailable", title: "Unavailable", detail, headers: { "retry-after": "2" } };
}

export function malformedJson(detail: string): Problem {
  const errors = [{ pointer: "", message: detail }];
  return { status: 400, slug: "malformed-json", title: "Malformed JSON", detail, errors };
}

export function tooLarge(detail: string, pointer = ""): Problem {
  const errors = [{ pointer, message: detail }];
  return { status: 413, slug: "payload-too-large", title: "Payload too large", detail, errors };
}

/** @param header names the kind of body that the service does not read */
export function unsupportedContent(
  header: string,
  detail: string,
  headers?: Record<string, string>,
): Problem {
  const errors = [{ pointer: `/header/${header}`, message: detail }];
  return {
    status: 415,
    slug: "unsupported-media-type",
    title: "Unsupported media type",
    detail,
    errors,
    headers,
  };
}

export function notFound(detail: string): Problem {
  return { status: 404, slug: "not-found", title: "Not found", detail };
}

/** 401: the caller is unknown. */
export function unauthorized(detail: string): Problem {
  const headers = { "www-authenticate": "Bearer" };
  return { status: 401, slug: "unauthorized", title: "Unauthorized", detail, headers };
}

export function keyEnded(): Problem {
  return unauthorized("the API key of this call was revoked, or has expired");
}

/** 403: the caller may not do this. */
export function forbidden(detail: string, extra?: Record<string, unknown>): Problem {
  return { status: 403, slug: "forbidden", title: "Forbidden", detail, extra };
}

export function methodNotAllowed(method: string, path: string, allowed: string[]): Problem {
  return {
    status: 405,
    slug: "method-not-allowed",
    title: "Method not allowed",
    detail: `${path} takes ${allowed.join(", ")}, not ${method}`,
    headers: { allow: allowed.join(", ") },
  };
}

/** The client went away before its request was answered: nobody reads this. */
export function clientClosed(): Problem {
  return {
    status: 499,
    slug: "client-closed",
    title: "Client closed request",
    detail: "the client went away",
  };
}

export function tooManyWait(most: number): Problem {
  return {
    status: 429,
    slug: "rate-limited",
    title: "Too many wait",
    detail: `${most} streams and waits are open here, and more are not allowed (MAX_WAITING)`,
    headers: { "retry-after": "5" },
  };
}

/** @param who has so many open */
export function tooManyWaitOf(who: string, most: number): Problem {
  return {
    ...tooManyWait(most),
    detail: `${who} has ${most} streams and waits open here, and may not have more (GET /v1/usage)`,
  };
}

/** The body did not come to its end. */
export function tooSlow(seconds: number): Problem {
  return {
    status: 408,
    slug: "request-timeout",
    title: "Request timeout",
    detail: `the body was not complete within ${seconds} s`,
    headers: { connection: "close" },
  };
}

export function internal(requestId: string): Problem {
  return {
    status: 500,
    slug: "internal",
    title: "Internal error",
    detail: `something went wrong here; the log has it under ${requestId}`,
    extra: { requestId },
  };
}

function ofHttpException({ status, message }: HTTPException): Problem {
  if (status === 400) return malformedJson(message || "the body is no JSON");
  return { status, slug: `http-${status}`, title: `HTTP ${status}`, detail: message };
}

function someOf(faults: Fault[]): Fault[] | undefined {
  return faults.length > 0 ? faults : undefined;
}

function faultsAt(pointer: string, message: string): Fault[] | undefined {
  return pointer === "" ? undefined : [{ pointer, message }];
}
