// From a response to its value, or to the error that says what came instead.

import {
  ConflictError,
  ConnectionError,
  ErrandError,
  ForgottenError,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NotFoundError,
  type Problem,
  ProblemError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownDefinitionError,
  ValidationError,
} from "./errors.ts";
import type { Expected } from "./wire.ts";

const EXCERPT = 200;
/** A proxy in front of a service says these in its own words. */
const GATEWAY: Record<number, string> = {
  429: "Too many requests",
  502: "Bad gateway",
  503: "Unavailable",
  504: "Gateway timeout",
};

export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  body: any;
}

/**
 * The JSON of a successful answer; null for one without a body.
 *
 * @throws {ProblemError} for a refusal
 * @throws {UnexpectedAnswerError} for what this service never answers
 */
export async function readAnswer(
  response: Response,
  call: string,
  expected: Expected | null,
): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  if (!response.ok) throw refusal(response, text, call);
  if (expected === null) {
    if (status !== 204) throw unexpected("no more than a 204", response, text, call);
    return { status, headers, body: null };
  }
  const body = typeOf(response).endsWith("json") ? parsed(text) : undefined;
  if (body === undefined) throw unexpected("JSON", response, text, call);
  if (!expected.is(body)) throw unexpected(expected.what, response, text, call);
  return { status, headers, body };
}

/** The body of a successful answer that is a stream of events. */
export async function readStream(
  response: Response,
  call: string,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (!response.ok) throw refusal(response, await response.text(), call);
  if (typeOf(response) === "text/event-stream" && response.body) return response.body;
  throw unexpected("a stream of events (text/event-stream)", response, await response.text(), call);
}

function refusal(response: Response, text: string, call: string): ErrandError {
  const { status } = response;
  const body = typeOf(response).endsWith("json") ? parsed(text) : undefined;
  if (isProblem(body)) return problemError({ ...body, status }, retryAfterMs(response));
  const title = GATEWAY[status];
  const unknown = { type: "about:blank", status, detail: described(response, text, call) };
  if (status === 401 || status === 403) return new UnauthorizedError({ ...unknown, title: "Unauthorized" });
  if (title !== undefined) return new UnavailableError({ ...unknown, title }, retryAfterMs(response));
  return unexpected("an answer of Errand", response, text, call);
}

function problemError(problem: Problem, retryAfterMs: number): ProblemError {
  const slug = problem.type.split("/").at(-1);
  switch (problem.status) {
    case 401:
    case 403:
      return new UnauthorizedError(problem);
    case 404:
      // A 404 without a kind is about the path: the URL may be that of another service.
      return typeof problem.kind === "string" ? new NotFoundError(problem) : new ProblemError(problem);
    case 409:
      return new ConflictError(problem);
    case 410:
      return slug === "task-forgotten" ? new ForgottenError(problem) : new ProblemError(problem);
    case 422:
      return unprocessable(slug, problem);
    case 429:
    case 502:
    case 503:
    case 504:
      return new UnavailableError(problem, retryAfterMs);
    default:
      return new ProblemError(problem);
  }
}

function unprocessable(slug: string | undefined, problem: Problem): ProblemError {
  switch (slug) {
    case "validation-failed":
      return new ValidationError(problem);
    case "unknown-definition":
      return new UnknownDefinitionError(problem);
    case "mapping-missing-iterable":
      return new MappingMissingIterableError(problem);
    case "mapping-length-mismatch":
      return new MappingLengthMismatchError(problem);
    default:
      return new ProblemError(problem);
  }
}

/** `Retry-After` in seconds, the form that this service uses. */
function retryAfterMs({ headers }: Response): number {
  const seconds = Number(headers.get("retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

function unexpected(expected: string, response: Response, text: string, call: string): UnexpectedAnswerError {
  return new UnexpectedAnswerError(
    `expected ${expected}, but ${described(response, text, call)}`,
    response.status,
  );
}

/** What came, in words for a message. */
function described(response: Response, text: string, call: string): string {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "no content type";
  const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
  return `${call} was answered with ${status}, ${type}: ${
    excerpt === "" ? "no body" : JSON.stringify(excerpt)
  }`;
}

/** `fetch` says it with a TypeError, whose cause may say more. */
export function connectionError(call: string, error: unknown): ConnectionError {
  const messages: string[] = [];
  for (let at: unknown = error; at instanceof Error && messages.length < 3; at = at.cause) {
    if (at.message !== "" && !messages.includes(at.message)) messages.push(at.message);
  }
  return new ConnectionError(`${call} got no answer: ${messages.join(": ") || String(error)}`, {
    cause: error,
  });
}

/** @throws {UnexpectedAnswerError} if it is no JSON object */
// deno-lint-ignore no-explicit-any
export function parseEvent(data: string, call: string): any {
  const value = parsed(data);
  if (typeof value === "object" && value !== null) return value;
  const excerpt = JSON.stringify(data.slice(0, EXCERPT));
  throw new UnexpectedAnswerError(`expected a JSON object in an event of ${call}, but got ${excerpt}`, 200);
}

// deno-lint-ignore no-explicit-any
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON text has this value, so it can mean "no JSON".
  }
}

function isProblem(body: unknown): body is Problem {
  const { type, detail } = (body ?? {}) as Partial<Problem>;
  return typeof type === "string" && typeof detail === "string";
}

function typeOf({ headers }: Response): string {
  return (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}
