// Calls to the service: one request, tried again where that is safe, with a deadline, until there is an
// answer.

import { jsonText } from "../protocol/json.ts";
import { type Answer, connectionError, readAnswer } from "../protocol/response.ts";
import { Backoff, RETRY, type RetryRule } from "./backoff.ts";
import {
  ConflictError,
  ConnectionError,
  ErrandError,
  UnavailableError,
  UnexpectedAnswerError,
} from "../protocol/errors.ts";
import { Limit, pause } from "./deadline.ts";
import type { Expected } from "../protocol/wire.ts";

export interface HttpOptions {
  /** Where the service is, as `http://127.0.0.1:8000`; a path is kept. */
  url: string | URL;
  /** Sent as `Authorization: Bearer …`. */
  token?: string;
  /** Sent with every call. */
  headers?: Record<string, string>;
  /** In place of the platform's `fetch`. */
  fetch?: typeof fetch;
  /** How long calls that are safe to repeat are tried again. Default: 10 s, pauses from 0.1 to 2 s. */
  retry?: Partial<RetryRule>;
  /**
   * How long one request may stay without its answer, beyond the time that it asks the service to wait.
   * Default 30 s.
   */
  requestTimeoutMs?: number;
}

export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query, from the service's own root on. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** What a successful answer must look like. Null: it has no body. */
  expects: Expected | null;
  /** So much longer than usual the answer may take: the service was asked to wait, or has much to do. */
  waitMs?: number;
  /** Go on trying for no longer than this. */
  tryForMs?: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** The pointer of the service's answer while the first call under this key is still under way. */
const KEY_POINTER = "/header/idempotency-key";

export class Http {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Headers;
  readonly requestTimeoutMs: number;
  readonly retry: RetryRule;

  /** @throws {TypeError} for an invalid URL or header */
  constructor({ url, token, headers, fetch, retry, requestTimeoutMs = REQUEST_TIMEOUT_MS }: HttpOptions) {
    this.#base = baseOf(url);
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#headers = new Headers(headers);
    if (token !== undefined) this.#headers.set("authorization", `Bearer ${token}`);
    this.requestTimeoutMs = requestTimeoutMs;
    this.retry = { ...RETRY, ...retry };
  }

  /** Resolves with the answer to a call. */
  async call(call: Call): Promise<Answer> {
    const request = this.request(call);
    const backoff = this.backoff(call);
    for (;;) {
      call.signal?.throwIfAborted();
      try {
        return await this.#once(request, call);
      } catch (error) {
        call.signal?.throwIfAborted();
        const pauseMs = isPassing(error) ? backoff.next(askedMs(error)) : null;
        if (pauseMs === null) throw tried(error, backoff);
        await pause(pauseMs, call.signal);
      }
    }
  }

  async #once(
    request: Request,
    { signal, waitMs = 0, expects }: Call,
  ): Promise<Answer> {
    const limit = new Limit(signal);
    limit.within(this.requestTimeoutMs + waitMs);
    try {
      return await readAnswer(await request.send(limit.signal), request.name, expects);
    } catch (error) {
      throw error instanceof ErrandError ? error : connectionError(request.name, error);
    } finally {
      limit.end();
    }
  }

  /** The pauses between the tries of a call. */
  backoff({ tryForMs = Infinity }: Pick<Call, "tryForMs">): Backoff {
    return new Backoff({ ...this.retry, forMs: Math.min(this.retry.forMs, tryForMs) });
  }

  /** Where a path of the service is. */
  urlOf(path: string): string {
    return this.#base + path;
  }

  /** @throws {TypeError} if JSON cannot hold a part of the body */
  request({ method, path, body, headers }: Omit<Call, "expects">): Request {
    const all = new Headers(this.#headers);
    all.set("accept", "application/json, application/problem+json");
    if (body !== undefined) all.set("content-type", "application/json");
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    const text = jsonText(body);
    const url = this.urlOf(path);
    // Without the query, which may be long.
    const name = `${method} ${url.split("?")[0]}`;
    const fetch = this.#fetch; // A browser's own must not be called as a method.
    return {
      name,
      async send(signal) {
        const response = await fetch(url, { method, headers: all, body: text, signal });
        // A redirect may turn a POST into a GET, whose answer is another one.
        if (!response.redirected || method === "GET") return response;
        await response.body?.cancel();
        const message = `expected an answer of Errand, but ${name} was redirected to ${response.url}`;
        throw new UnexpectedAnswerError(message, response.status);
      },
    };
  }
}

/** A call in the form in which it is sent, once or several times. */
export interface Request {
  /** Its name in errors. */
  name: string;
  send(signal: AbortSignal): Promise<Response>;
}

/** @throws {TypeError} if it is no absolute http(s) URL */
function baseOf(url: string | URL): string {
  const parsed = parsedUrl(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new TypeError(
      `url must be an absolute http or https URL, as http://127.0.0.1:8000; it is ${quoted(url)}`,
    );
  }
  if (/[?#]/.test(parsed.href) || parsed.username !== "" || parsed.password !== "") {
    throw new TypeError(`url must have no user, query or fragment; it is ${quoted(url)}`);
  }
  return parsed.href.replace(/\/+$/, "");
}

/** As `URL.parse`, which the first Node 22 and older browsers lack. */
function parsedUrl(url: string | URL): URL | null {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

function quoted(url: unknown): string {
  return JSON.stringify(String(url));
}

/** Errors that another try may not meet again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConflictError) return error.errors.some(({ pointer }) => pointer === KEY_POINTER);
  return error instanceof ConnectionError || error instanceof UnavailableError;
}

/** The pause that the service asked for. */
export function askedMs(error: unknown): number {
  return error instanceof UnavailableError ? error.retryAfterMs : 0;
}

/** Says how long it was tried. */
function tried(error: unknown, { failures, elapsedMs }: Backoff): unknown {
  if (!(error instanceof ConnectionError) || failures < 2) return error;
  const seconds = (elapsedMs / 1_000).toFixed(1);
  return new ConnectionError(`${error.message} (tried ${failures} times in ${seconds} s)`, {
    cause: error.cause,
  });
}
