// Made by `deno task client` from client/*.ts.
// @ts-self-types="./errand.d.ts"
// client/transport/chunks.ts
function chunksOf(list, size) {
  const chunks2 = [];
  for (let from = 0; from < list.length; from += size) chunks2.push(list.slice(from, from + size));
  return chunks2;
}

// client/protocol/errors.ts
var ErrandError = class extends Error {
  name = "ErrandError";
};
var RemoteError = class _RemoteError extends Error {
  retryable;
  /** Where the operator shows stacks. */
  remoteStack;
  /** Of an AggregateError. */
  errors;
  /** With which an HTTP call was answered, where the error said so. */
  status;
  constructor({ name, message, cause, errors, stack, retryable, status }) {
    super(message, cause ? {
      cause: new _RemoteError(cause)
    } : void 0);
    this.name = name;
    this.errors = errors?.map((error) => new _RemoteError(error));
    this.retryable = retryable;
    this.status = status;
    this.remoteStack = stack;
  }
};
var TaskError = class extends ErrandError {
  name = "TaskError";
  id;
  state;
  remoteName;
  retryable;
  remoteStack;
  /** Where the function threw an AggregateError. */
  errors;
  /** With which an HTTP call of the function was answered, where its error said so. */
  status;
  constructor({ id, state, error }) {
    const { name, message, cause, errors, stack, retryable, status } = error ?? {
      name: "Error",
      message: state.message ?? `it ended ${state.type}`,
      retryable: false
    };
    super(message, cause ? {
      cause: new RemoteError(cause)
    } : void 0);
    this.errors = errors?.map((error2) => new RemoteError(error2));
    this.id = id;
    this.state = state;
    this.remoteName = name;
    this.status = status;
    this.retryable = retryable;
    this.remoteStack = stack;
  }
};
var CrashedError = class extends TaskError {
  name = "CrashedError";
};
var CancelledError = class extends ErrandError {
  name = "CancelledError";
  id;
  state;
  /** The reason of the cancel, or the service's own; null without one. */
  reason;
  /** What its function returned after a cancel with `keepResult`; null if nothing was kept. */
  result;
  constructor({ id, state, error, result }) {
    super(`task ${id} ended ${state.type} ${state.name}${state.message ? `: ${state.message}` : ""}`, error ? {
      cause: new RemoteError(error)
    } : void 0);
    this.id = id;
    this.state = state;
    this.reason = state.message;
    this.result = result;
  }
};
var GroupError = class extends ErrandError {
  name = "GroupError";
  groupId;
  state;
  errors;
  constructor(groupId, { state, errors, total }) {
    const first = errors.length === 0 ? "" : `, the first failure: ${errors[0].message}`;
    super(`group ${groupId} of ${total} ended ${state}${first}`, {
      cause: errors[0]
    });
    this.groupId = groupId;
    this.state = state;
    this.errors = errors;
  }
};
var TimeoutError = class extends ErrandError {
  name = "TimeoutError";
};
var AsCompletedTimeoutError = class extends TimeoutError {
  name = "AsCompletedTimeoutError";
  total;
  /** Those that had not ended, in the order in which they were given. */
  pending;
  constructor(total, pending) {
    super(`${pending.length} (of ${total}) futures unfinished`);
    this.total = total;
    this.pending = pending;
  }
};
var ConnectionError = class extends ErrandError {
  name = "ConnectionError";
};
var UnexpectedAnswerError = class extends ErrandError {
  name = "UnexpectedAnswerError";
  status;
  constructor(message, status, options) {
    super(message, options);
    this.status = status;
  }
};
var ProblemError = class extends ErrandError {
  name = "ProblemError";
  problem;
  status;
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
    this.status = problem.status;
  }
  /** The last part of the problem's `type`, as `validation-failed`. */
  get slug() {
    return this.problem.type.split("/").at(-1);
  }
  /** The faults in what was sent; each with a JSON Pointer to its place. */
  get errors() {
    return this.problem.errors ?? [];
  }
};
var ValidationError = class extends ProblemError {
  name = "ValidationError";
};
var UnknownDefinitionError = class extends ValidationError {
  name = "UnknownDefinitionError";
  /** Names that look like it, best first. */
  get nearest() {
    return this.problem.nearest ?? [];
  }
};
var MappingMissingIterableError = class extends ValidationError {
  name = "MappingMissingIterableError";
};
var MappingLengthMismatchError = class extends ValidationError {
  name = "MappingLengthMismatchError";
};
var ConflictError = class extends ProblemError {
  name = "ConflictError";
};
var NotFoundError = class extends ProblemError {
  name = "NotFoundError";
  /** What is missing: `task`, `group` or `schedule`. */
  get kind() {
    return String(this.problem.kind);
  }
};
var ForgottenError = class extends ProblemError {
  name = "ForgottenError";
};
var UnauthorizedError = class extends ProblemError {
  name = "UnauthorizedError";
};
var UnavailableError = class extends ProblemError {
  name = "UnavailableError";
  /** The pause that the service asks for (`Retry-After`). */
  retryAfterMs;
  constructor(problem, retryAfterMs2) {
    super(problem);
    this.retryAfterMs = retryAfterMs2;
  }
};

// client/protocol/response.ts
var EXCERPT = 200;
var GATEWAY = {
  429: "Too many requests",
  502: "Bad gateway",
  503: "Unavailable",
  504: "Gateway timeout"
};
async function readAnswer(response, call, expected) {
  const { status, headers } = response;
  const text = await response.text();
  if (!response.ok) throw refusal(response, text, call);
  if (expected === null) {
    if (status !== 204) throw unexpected("no more than a 204", response, text, call);
    return {
      status,
      headers,
      body: null
    };
  }
  const body = typeOf(response).endsWith("json") ? parsed(text) : void 0;
  if (body === void 0) throw unexpected("JSON", response, text, call);
  if (!expected.is(body)) throw unexpected(expected.what, response, text, call);
  return {
    status,
    headers,
    body
  };
}
async function readStream(response, call) {
  if (!response.ok) throw refusal(response, await response.text(), call);
  if (typeOf(response) === "text/event-stream" && response.body) return response.body;
  throw unexpected("a stream of events (text/event-stream)", response, await response.text(), call);
}
function refusal(response, text, call) {
  const { status } = response;
  const body = typeOf(response).endsWith("json") ? parsed(text) : void 0;
  if (isProblem(body)) return problemError({
    ...body,
    status
  }, retryAfterMs(response));
  const title = GATEWAY[status];
  const unknown = {
    type: "about:blank",
    status,
    detail: described(response, text, call)
  };
  if (status === 401 || status === 403) return new UnauthorizedError({
    ...unknown,
    title: "Unauthorized"
  });
  if (title !== void 0) return new UnavailableError({
    ...unknown,
    title
  }, retryAfterMs(response));
  return unexpected("an answer of Errand", response, text, call);
}
function problemError(problem, retryAfterMs2) {
  const slug = problem.type.split("/").at(-1);
  switch (problem.status) {
    case 401:
    case 403:
      return new UnauthorizedError(problem);
    case 404:
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
      return new UnavailableError(problem, retryAfterMs2);
    default:
      return new ProblemError(problem);
  }
}
function unprocessable(slug, problem) {
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
function retryAfterMs({ headers }) {
  const seconds = Number(headers.get("retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1e3 : 0;
}
function unexpected(expected, response, text, call) {
  return new UnexpectedAnswerError(`expected ${expected}, but ${described(response, text, call)}`, response.status);
}
function described(response, text, call) {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "no content type";
  const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}\u2026` : text;
  return `${call} was answered with ${status}, ${type}: ${excerpt === "" ? "no body" : JSON.stringify(excerpt)}`;
}
function connectionError(call, error) {
  const messages = [];
  for (let at = error; at instanceof Error && messages.length < 3; at = at.cause) {
    if (at.message !== "" && !messages.includes(at.message)) messages.push(at.message);
  }
  return new ConnectionError(`${call} got no answer: ${messages.join(": ") || String(error)}`, {
    cause: error
  });
}
function parseEvent(data, call) {
  const value = parsed(data);
  if (typeof value === "object" && value !== null) return value;
  const excerpt = JSON.stringify(data.slice(0, EXCERPT));
  throw new UnexpectedAnswerError(`expected a JSON object in an event of ${call}, but got ${excerpt}`, 200);
}
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return void 0;
  }
}
function isProblem(body) {
  const { type, detail } = body ?? {};
  return typeof type === "string" && typeof detail === "string";
}
function typeOf({ headers }) {
  return (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}

// client/transport/event_stream.ts
import { createParser } from "eventsource-parser";

// client/protocol/what_is.ts
function whatIs(value) {
  if (value === null || value === void 0) return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name ?? "a class";
  return `an instance of ${name}${name === "Promise" ? " (await it)" : ""}`;
}

// runtime/core/exact_number.ts
var LARGEST_IN_DIGITS = 1e21;
function isWrittenExactly(value) {
  if (value === 0) return !Object.is(value, -0);
  return Number.isSafeInteger(value) || !Number.isInteger(value) || Math.abs(value) >= LARGEST_IN_DIGITS;
}
function exactly(_key, value) {
  if (typeof value !== "number" || isWrittenExactly(value)) return value;
  const text = value === 0 ? "-0" : String(BigInt(value));
  const { rawJSON } = JSON;
  if (rawJSON) return rawJSON(text);
  throw new TypeError(`${text} cannot be written as it is here, where JSON.rawJSON is missing: send it as a text`);
}

// client/protocol/json.ts
var DEEPEST = 1e3;
function jsonText(value) {
  if (value === void 0) return void 0;
  return requireJson(value, []) ? JSON.stringify(value) : JSON.stringify(value, exactly);
}
function requireJson(given2, path) {
  const value = standsFor(given2, path);
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      if (!Number.isFinite(value)) throw notJson(path, String(value));
      return isWrittenExactly(value);
    case "object":
      break;
    default:
      throw notJson(path, whatIs(value));
  }
  if (value === null) return true;
  if (path.length >= DEEPEST) {
    throw new TypeError(`the value contains itself or is nested more than ${DEEPEST} levels deep`);
  }
  const isList = Array.isArray(value);
  if (!isList && !isPlainObject(value)) {
    throw notJson(path, whatIs(value));
  }
  let isPlain = true;
  for (const key of isList ? value.keys() : Object.keys(value)) {
    const part = value[key];
    if (part === void 0 && !isList) continue;
    path.push(String(key));
    if (!requireJson(part, path)) isPlain = false;
    path.pop();
  }
  return isPlain;
}
function standsFor(value, path) {
  const { toJSON } = value ?? {};
  if (typeof toJSON !== "function") return value;
  if (value instanceof Date && Number.isNaN(value.getTime())) throw notJson(path, "an invalid Date");
  return toJSON.call(value, path.at(-1) ?? "");
}
function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
function notJson(path, what) {
  const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return new TypeError(`${what} at ${pointer || "the top"} is no JSON value`);
}

// client/transport/backoff.ts
var RETRY = {
  forMs: 1e4,
  delayMs: 100,
  maxDelayMs: 2e3
};
var Backoff = class {
  #rule;
  #since = null;
  failures = 0;
  constructor(rule) {
    this.#rule = rule;
  }
  /** For how long it has been failing. */
  get elapsedMs() {
    return this.#since === null ? 0 : performance.now() - this.#since;
  }
  /**
   * The pause before the next try, spread so that many clients do not come back together; null when the time
   * is up.
   *
   * @param atLeastMs what the server asked for
   */
  next(atLeastMs = 0) {
    const { forMs, delayMs, maxDelayMs } = this.#rule;
    this.#since ??= performance.now();
    const leftMs = forMs - this.elapsedMs;
    const computedMs = Math.min(maxDelayMs, delayMs * 2 ** this.failures++);
    if (leftMs <= 0 || atLeastMs > leftMs) return null;
    const pauseMs = Math.max(atLeastMs, computedMs) * (0.5 + Math.random() / 2) + atLeastMs / 2;
    return Math.min(pauseMs, leftMs);
  }
  /** A try succeeded: the next failure begins anew. */
  reset() {
    this.#since = null;
    this.failures = 0;
  }
};

// client/transport/deadline.ts
var LONGEST_TIMER_MS = 2 ** 31 - 1;
function checkTimeout(timeoutMs) {
  if (timeoutMs === void 0) return Infinity;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new RangeError(`timeoutMs must be a number of milliseconds from 0 on; it is ${timeoutMs}`);
}
function requireOptions(options) {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options must be an object, as { timeoutMs: 5_000 }; what was given is ${options}`);
  }
  if ("timeout" in options) {
    throw new TypeError("there is no option timeout: it is timeoutMs, in milliseconds");
  }
}
var Deadline = class {
  #at;
  constructor(timeoutMs) {
    this.#at = performance.now() + timeoutMs;
  }
  /** Never below 0. */
  get leftMs() {
    return Math.max(0, this.#at - performance.now());
  }
};
function after(ms, call) {
  if (ms === Infinity) return () => {
  };
  let timer;
  const start = (leftMs) => {
    timer = leftMs <= LONGEST_TIMER_MS ? setTimeout(call, leftMs) : setTimeout(() => start(leftMs - LONGEST_TIMER_MS), LONGEST_TIMER_MS);
  };
  start(ms);
  return () => clearTimeout(timer);
}
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = after(ms, () => {
      leave2();
      resolve();
    });
    const leave2 = onAbort(signal, () => {
      stop();
      reject(signal.reason);
    });
  });
}
var followed = /* @__PURE__ */ new Map();
function onAbort(signal, call) {
  if (signal === void 0) return () => {
  };
  const followers = followed.get(signal) ?? follow(signal);
  const own = () => call();
  followers.calls.add(own);
  return () => {
    if (followers.calls.delete(own) && followers.calls.size === 0) leave(signal, followers);
  };
}
function follow(signal) {
  const calls = /* @__PURE__ */ new Set();
  const followers = {
    calls,
    tell: () => {
      leave(signal, followers);
      calls.forEach((each) => each());
    }
  };
  followed.set(signal, followers);
  signal.addEventListener("abort", followers.tell);
  return followers;
}
function leave(signal, { tell }) {
  followed.delete(signal);
  signal.removeEventListener("abort", tell);
}
var Limit = class {
  #abort = new AbortController();
  #leave = () => {
  };
  #stop = () => {
  };
  constructor(outer) {
    if (outer?.aborted) this.#abort.abort(outer.reason);
    else this.#leave = onAbort(outer, () => this.#abort.abort(outer.reason));
  }
  get signal() {
    return this.#abort.signal;
  }
  /** From now on something must come within `ms`. */
  within(ms) {
    this.rest();
    this.#stop = after(ms, () => this.#abort.abort(new Error(`nothing came within ${Math.round(ms)} ms`)));
  }
  /** It came: the time that its user takes does not count. */
  rest() {
    this.#stop();
    this.#stop = () => {
    };
  }
  /** Ends it with this reason. */
  abort(reason) {
    this.#abort.abort(reason);
  }
  /** Must be called in any case: stops the timer, leaves the outer signal, and ends what still runs. */
  end() {
    this.#stop();
    this.#leave();
    this.#abort.abort(new Error("it is over"));
  }
};

// client/transport/http.ts
var REQUEST_TIMEOUT_MS = 3e4;
var KEY_POINTER = "/header/idempotency-key";
var Http = class {
  #base;
  #fetch;
  #headers;
  requestTimeoutMs;
  retry;
  /** @throws {TypeError} for an invalid URL or header */
  constructor({ url, token, headers, fetch, retry, requestTimeoutMs = REQUEST_TIMEOUT_MS }) {
    this.#base = baseOf(url);
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#headers = new Headers(headers);
    if (token !== void 0) this.#headers.set("authorization", `Bearer ${token}`);
    this.requestTimeoutMs = requestTimeoutMs;
    this.retry = {
      ...RETRY,
      ...retry
    };
  }
  /** Resolves with the answer to a call. */
  async call(call) {
    const request = this.request(call);
    const backoff = this.backoff(call);
    for (; ; ) {
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
  async #once(request, { signal, waitMs = 0, expects }) {
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
  backoff({ tryForMs = Infinity }) {
    return new Backoff({
      ...this.retry,
      forMs: Math.min(this.retry.forMs, tryForMs)
    });
  }
  /** Where a path of the service is. */
  urlOf(path) {
    return this.#base + path;
  }
  /** @throws {TypeError} if JSON cannot hold a part of the body */
  request({ method, path, body, headers }) {
    const all = new Headers(this.#headers);
    all.set("accept", "application/json, application/problem+json");
    if (body !== void 0) all.set("content-type", "application/json");
    for (const [name2, value] of Object.entries(headers ?? {})) all.set(name2, value);
    const text = jsonText(body);
    const url = this.urlOf(path);
    const name = `${method} ${url.split("?")[0]}`;
    const fetch = this.#fetch;
    return {
      name,
      async send(signal) {
        const response = await fetch(url, {
          method,
          headers: all,
          body: text,
          signal
        });
        if (!response.redirected || method === "GET") return response;
        await response.body?.cancel();
        const message = `expected an answer of Errand, but ${name} was redirected to ${response.url}`;
        throw new UnexpectedAnswerError(message, response.status);
      }
    };
  }
};
function baseOf(url) {
  const parsed2 = parsedUrl(url);
  if (parsed2 === null || !/^https?:$/.test(parsed2.protocol)) {
    throw new TypeError(`url must be an absolute http or https URL, as http://127.0.0.1:8000; it is ${quoted(url)}`);
  }
  if (/[?#]/.test(parsed2.href) || parsed2.username !== "" || parsed2.password !== "") {
    throw new TypeError(`url must have no user, query or fragment; it is ${quoted(url)}`);
  }
  return parsed2.href.replace(/\/+$/, "");
}
function parsedUrl(url) {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}
function quoted(url) {
  return JSON.stringify(String(url));
}
function isPassing(error) {
  if (error instanceof ConflictError) return error.errors.some(({ pointer }) => pointer === KEY_POINTER);
  return error instanceof ConnectionError || error instanceof UnavailableError;
}
function askedMs(error) {
  return error instanceof UnavailableError ? error.retryAfterMs : 0;
}
function tried(error, { failures, elapsedMs }) {
  if (!(error instanceof ConnectionError) || failures < 2) return error;
  const seconds = (elapsedMs / 1e3).toFixed(1);
  return new ConnectionError(`${error.message} (tried ${failures} times in ${seconds} s)`, {
    cause: error.cause
  });
}

// client/transport/event_stream.ts
var SILENCE_MS = 45e3;
var GOOD_MS = 5e3;
var CLOSING_MS = 1e3;
async function* eventStream(http, call, { last = [
  "end"
], isComplete = () => false } = {}) {
  const backoff = http.backoff(call);
  let lastEventId;
  let pauseMs = 0;
  for (; ; ) {
    call.signal?.throwIfAborted();
    const headers = {
      ...call.headers,
      accept: "text/event-stream",
      ...lastEventId === void 0 ? {} : {
        "last-event-id": lastEventId
      }
    };
    const request = http.request({
      ...call,
      headers
    });
    let firstAt = null;
    let lastAt = 0;
    let failure;
    try {
      const heard = {
        anything() {
          lastAt = performance.now();
          firstAt ??= lastAt;
        },
        retry: (ms) => pauseMs = ms
      };
      for await (const event of connection(http, request, call.signal, last, heard)) {
        if (event === null) return;
        lastEventId = event.id ?? lastEventId;
        backoff.reset();
        yield event;
        if (last.includes(event.event)) return;
      }
      failure = new Error("the stream was cut");
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof ErrandError && !isPassing(error)) throw error;
      failure = error;
    }
    if (isComplete()) return;
    if (firstAt !== null && lastAt - firstAt >= GOOD_MS) backoff.reset();
    const nextMs = backoff.next(Math.max(askedMs(failure), backoff.failures === 0 ? 0 : pauseMs));
    if (nextMs === null) throw gaveUp(request, failure, backoff);
    await pause(nextMs, call.signal);
  }
}
async function* connection(http, request, signal, last, heard) {
  const limit = new Limit(signal);
  let reader;
  let leave2 = () => {
  };
  limit.within(http.requestTimeoutMs);
  try {
    const response = await request.send(limit.signal);
    if (response.status === 204) {
      yield null;
      return;
    }
    const arrived = [];
    const parser = createParser({
      onEvent: (event) => void arrived.push(event),
      onRetry: heard.retry
    });
    const body = reader = (await readStream(response, request.name)).getReader();
    limit.signal.throwIfAborted();
    leave2 = onAbort(limit.signal, () => void body.cancel().catch(() => {
    }));
    const decoder = new TextDecoder();
    for (; ; ) {
      limit.within(SILENCE_MS);
      const { value, done } = await reader.read();
      limit.signal.throwIfAborted();
      limit.rest();
      if (done) return;
      heard.anything();
      parser.feed(decoder.decode(value, {
        stream: true
      }));
      for (const { id, event = "message", data } of arrived.splice(0)) {
        if (last.includes(event)) {
          limit.within(CLOSING_MS);
          await closed(reader);
          limit.rest();
        }
        yield {
          id,
          event,
          data
        };
      }
    }
  } finally {
    leave2();
    await reader?.cancel().catch(() => {
    });
    limit.end();
  }
}
async function closed(reader) {
  try {
    while (!(await reader.read()).done) ;
  } catch {
  }
}
function gaveUp(request, failure, { failures, elapsedMs }) {
  if (failure instanceof ErrandError && !(failure instanceof ConnectionError)) return failure;
  const { message, cause } = failure instanceof ConnectionError ? failure : connectionError(request.name, failure);
  const seconds = (elapsedMs / 1e3).toFixed(1);
  return new ConnectionError(`${message} (${failures} connections in ${seconds} s brought no event)`, {
    cause
  });
}

// client/protocol/wire.ts
var TERMINAL = [
  "COMPLETED",
  "FAILED",
  "CRASHED",
  "CANCELLED"
];
function isTerminal({ type }) {
  return TERMINAL.includes(type);
}
var A_TASK = {
  what: "a task",
  is: isTask
};
function isTask(body) {
  const { id, state } = body ?? {};
  return typeof id === "string" && typeof state?.type === "string";
}

// client/transport/completion_stream.ts
var PATH = "/v1/as-completed";
var MOST_IDS = 1e3;
var LONGEST_TIMEOUT_SECONDS = 30 * 24 * 60 * 60;
async function* completions(http, asked, { timeoutMs = Infinity, tryForMs, signal } = {}) {
  const seconds = timeoutMs / 1e3;
  const timeoutSeconds = seconds <= LONGEST_TIMEOUT_SECONDS ? seconds : void 0;
  const call = {
    method: "POST",
    path: "/v1/as-completed",
    body: {
      ..."ids" in asked ? {
        ids: asked.ids
      } : {
        groupId: asked.groupId
      },
      timeoutSeconds
    },
    tryForMs,
    signal
  };
  let told = 0;
  const total = "ids" in asked ? asked.ids.length : asked.total;
  const isComplete = () => told === total;
  for await (const event of eventStream(http, call, {
    last: [
      "end",
      "timeout"
    ],
    isComplete
  })) {
    const completion = completionOf(event);
    if (completion === null) continue;
    told++;
    yield completion;
  }
}
function completionOf({ event, data }) {
  if (event === "timeout") return {
    kind: "timeout"
  };
  if (event !== "task") return null;
  const task = parseEvent(data, PATH);
  if (task.forgotten) return {
    kind: "gone",
    id: String(task.id)
  };
  if (isTask(task)) return {
    kind: "task",
    task
  };
  throw new UnexpectedAnswerError(`expected a task in an event of ${PATH}, but got ${data.slice(0, 200)}`, 200);
}

// client/transport/parallel.ts
var AT_ONCE = 6;
async function inParallel(list, call) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < list.length) {
      const at = next++;
      results[at] = await call(list[at]);
    }
  };
  await Promise.all(Array.from({
    length: Math.min(AT_ONCE, list.length)
  }, work));
  return results;
}

// client/transport/missing_tasks.ts
function missingOf(ids, error) {
  if (!(error instanceof NotFoundError || error instanceof ForgottenError)) return [];
  const places = error.errors.map(({ pointer }) => /^\/ids\/(\d+)$/.exec(pointer)?.[1]);
  return places.flatMap((place) => place === void 0 ? [] : ids[Number(place)] ?? []);
}
async function explain(http, ids, tell) {
  await inParallel(ids, async (id) => {
    try {
      const { body: task } = await http.call({
        method: "GET",
        path: `/v1/tasks/${id}`,
        expects: A_TASK
      });
      tell(id, {
        task
      });
    } catch (error) {
      tell(id, {
        error
      });
    }
  });
}

// client/transport/completion_hub.ts
var MOST_STREAMS = 3;
var GATHER_MS = 25;
var MUCH_LARGER = 8;
var SPARE_STREAMS = 2;
var MOST_CONTRADICTIONS = 3;
var CompletionHub = class {
  #http;
  #waiters = /* @__PURE__ */ new Map();
  /** Waited for, and in no stream yet. */
  #fresh = /* @__PURE__ */ new Set();
  #streams = /* @__PURE__ */ new Set();
  #contradictions = /* @__PURE__ */ new Map();
  #isScheduled = false;
  constructor(http) {
    this.#http = http;
  }
  /** Tells the waiter once, after this call. Returns what stops that. */
  watch(id, waiter) {
    const waiters = this.#waiters.get(id);
    if (waiters) waiters.add(waiter);
    else {
      this.#waiters.set(id, /* @__PURE__ */ new Set([
        waiter
      ]));
      this.#fresh.add(id);
      this.#schedule();
    }
    return () => this.#leave(id, waiter);
  }
  #leave(id, waiter) {
    const waiters = this.#waiters.get(id);
    if (!waiters?.delete(waiter) || waiters.size > 0) return;
    this.#waiters.delete(id);
    this.#fresh.delete(id);
    for (const stream of this.#streams) {
      if (stream.ids.delete(id) && stream.ids.size === 0) this.#close(stream);
    }
  }
  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#joinable(1) === null) queueMicrotask(() => this.#open());
    else after(GATHER_MS, () => this.#open());
  }
  #open() {
    this.#isScheduled = false;
    const ids = [
      ...this.#fresh
    ];
    this.#fresh.clear();
    if (ids.length === 0) return;
    for (let stream = this.#joinable(ids.length); stream !== null; stream = this.#joinable(ids.length)) {
      ids.push(...stream.ids);
      this.#close(stream);
    }
    for (const chunk of chunksOf(ids, MOST_IDS)) {
      const stream = {
        ids: new Set(chunk),
        abort: new AbortController()
      };
      this.#streams.add(stream);
      void this.#read(stream);
    }
  }
  /** The stream that `count` new ids go together with; null if they get one of their own. */
  #joinable(count) {
    if (this.#streams.size < MOST_STREAMS) return null;
    const [smallest] = [
      ...this.#streams
    ].sort((a, b) => a.ids.size - b.ids.size);
    const { size } = smallest.ids;
    if (size + count > MOST_IDS) return null;
    const hasSpare = this.#streams.size < MOST_STREAMS + SPARE_STREAMS;
    return hasSpare && size > MUCH_LARGER * (count + 4) ? null : smallest;
  }
  #close(stream) {
    this.#streams.delete(stream);
    stream.abort.abort();
  }
  async #read(stream) {
    const { ids, abort: { signal } } = stream;
    const asked = [
      ...ids
    ];
    let told = 0;
    try {
      for await (const completion of completions(this.#http, {
        ids: asked
      }, {
        signal
      })) {
        if (completion.kind === "timeout") continue;
        told++;
        const id = completion.kind === "task" ? completion.task.id : completion.id;
        if (!ids.delete(id)) continue;
        if (completion.kind === "task") this.#tell(id, (waiter) => waiter.onEnd(completion.task));
        else void this.#explain([
          id
        ]);
        if (ids.size === 0 && told < asked.length) break;
      }
      if (ids.size > 0) throw new ErrandError(`the stream ended before ${ids.size} of its tasks had`);
      this.#streams.delete(stream);
    } catch (error) {
      if (this.#streams.delete(stream)) await this.#fail(asked, ids, error);
    }
  }
  /** A task that is not there must not end the wait for the others. */
  async #fail(asked, left, error) {
    const missing = missingOf(asked, error).filter((id) => left.delete(id));
    for (const id of left) {
      if (missing.length === 0) this.#tell(id, (waiter) => waiter.onError(error));
      else this.#again(id);
    }
    await this.#explain(missing);
  }
  async #explain(ids) {
    await explain(this.#http, ids, (id, what) => {
      if ("error" in what) this.#tell(id, (waiter) => waiter.onError(what.error));
      else if (isTerminal(what.task.state)) this.#tell(id, (waiter) => waiter.onEnd(what.task));
      else this.#contradicted(id);
    });
  }
  /** It was not there, and then it was: its id was used again, or two answers of the service differ. */
  #contradicted(id) {
    const times = (this.#contradictions.get(id) ?? 0) + 1;
    this.#contradictions.set(id, times);
    if (times < MOST_CONTRADICTIONS) return this.#again(id);
    const message = `the service says that task ${id} is there, and that it is not`;
    this.#tell(id, (waiter) => waiter.onError(new UnexpectedAnswerError(message, 404)));
  }
  #again(id) {
    if (!this.#waiters.has(id)) return;
    this.#fresh.add(id);
    this.#schedule();
  }
  #tell(id, tell) {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    this.#contradictions.delete(id);
    for (const waiter of waiters ?? []) tell(waiter);
  }
};

// client/canvas/flow_result.ts
function idsIn(expression) {
  const ids = /* @__PURE__ */ new Set();
  resolved(expression, (id) => ids.add(id));
  return [
    ...ids
  ];
}
function resolved(expression, of) {
  if (typeof expression !== "object" || expression === null) return expression;
  if (Array.isArray(expression)) return expression.map((each) => resolved(each, of));
  const { $task } = expression;
  if (typeof $task === "string") return of($task);
  return Object.fromEntries(Object.entries(expression).map(([name, each]) => [
    name,
    resolved(each, of)
  ]));
}

// client/canvas/options.ts
function taskOptionsOf({ waitFor, ...options }) {
  return waitFor === void 0 ? options : {
    ...options,
    waitFor: waitForOf(waitFor)
  };
}
function waitForOf(waitFor) {
  if (!(Symbol.iterator in waitFor)) return itemOf(waitFor);
  return [
    ...waitFor
  ].flatMap((item) => isFlow(item) ? idsIn(item.toJSON()) : [
    itemOf(item)
  ]);
}
function isFlow(item) {
  return typeof item === "object" && item !== null && "groupId" in item && "toJSON" in item;
}
function itemOf(item) {
  if (item === null) return nameOf(item);
  if (typeof item === "object" && "anyOf" in item) return {
    ...item,
    anyOf: item.anyOf.map(nameOf)
  };
  if (typeof item === "object" && "task" in item && !("id" in item) && !("groupId" in item)) {
    return {
      ...item,
      task: nameOf(item.task)
    };
  }
  return nameOf(item);
}
function idOf(future) {
  if (typeof future !== "object" || future === null) return void 0;
  return "groupId" in future ? future.groupId : future.id;
}
function nameOf(upstream) {
  const id = typeof upstream === "string" ? upstream : idOf(upstream);
  if (typeof id === "string") return id;
  throw new TypeError(`waitFor takes futures, ids and conditions; one of them is ${whatIs(upstream)}`);
}

// client/canvas/canvas.ts
function sig(name, input, { into, immutable, name: node, waitFor, allowFailure: allowFailure2, ...options } = {}) {
  return frozen({
    task: name,
    input: copied(input),
    into,
    immutable,
    name: node,
    waitFor: waitFor && Object.freeze(waitForOf(waitFor)),
    allowFailure: allowFailure2,
    options: given(options)
  });
}
function chain(...elements) {
  return frozen({
    chain: listOf(elements)
  });
}
function group(...elements) {
  return frozen({
    group: listOf(elements)
  });
}
function chord(header, body) {
  const list = Symbol.iterator in header ? Object.freeze([
    ...header
  ]) : header;
  return frozen({
    chord: frozen({
      header: list,
      body
    })
  });
}
function chunks(name, inputs, size, options = {}) {
  return frozen({
    chunks: frozen({
      task: name,
      inputs: copied([
        ...inputs
      ]),
      size,
      options: given(taskOptionsOf(options))
    })
  });
}
function flowOf(canvas) {
  return "task" in canvas ? chain(canvas) : canvas;
}
function listOf(elements) {
  const [first] = elements;
  const isList = elements.length === 1 && Symbol.iterator in first;
  return Object.freeze(isList ? [
    ...first
  ] : elements);
}
function copied(value) {
  const text = jsonText(value);
  return text === void 0 ? void 0 : JSON.parse(text, (_, each) => Object.freeze(each));
}
function given(options) {
  return Object.keys(options).length === 0 ? void 0 : copied(options);
}
function frozen(members) {
  const present = Object.entries(members).filter(([, member]) => member !== void 0);
  return Object.freeze(Object.fromEntries(present));
}

// client/futures/inspect.ts
var INSPECT = Symbol.for("nodejs.util.inspect.custom");
function onInspect(type, shown) {
  Object.defineProperty(type.prototype, INSPECT, {
    value() {
      const members = Object.entries(shown(this)).filter(([, member]) => member !== void 0);
      const texts = members.map(([name, member]) => `${name}: ${JSON.stringify(member)}`);
      return `${this.constructor.name} { ${texts.join(", ")} }`;
    }
  });
}

// client/futures/group_cancel.ts
var OUTCOMES = {
  what: "how many were cancelled",
  is(body) {
    const { cancelled, requested, tooLate } = body ?? {};
    return [
      cancelled,
      requested,
      tooLate
    ].every((count) => typeof count === "number");
  }
};
async function cancelGroup({ http }, groupId, reason, { signal, ...how } = {}) {
  const path = `/v1/groups/${groupId}/cancel`;
  const call = {
    method: "POST",
    path,
    body: {
      reason,
      ...how
    },
    signal,
    expects: OUTCOMES
  };
  const { body: { cancelled, requested, tooLate } } = await http.call(call);
  return {
    cancelled,
    requested,
    tooLate
  };
}
async function cancelTasks({ http }, which, reason, { signal, ...how } = {}) {
  const body = {
    ...which,
    reason,
    ...how
  };
  return (await http.call({
    method: "POST",
    path: "/v1/tasks/cancel",
    body,
    signal,
    expects: OUTCOMES
  })).body;
}

// client/protocol/ids.ts
var UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
function checkId(of, id) {
  if (!UUID.test(id)) throw new TypeError(`the id of a ${of} must be a UUID; it is ${JSON.stringify(id)}`);
  return id.toLowerCase();
}
function aKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// client/futures/group_outcome.ts
var A_GROUP_STATE = {
  what: "the state of a group",
  is(body) {
    const { state, errors, total } = body ?? {};
    return typeof state === "string" && Array.isArray(errors) && typeof total === "number";
  }
};
var LONGEST_WAIT_SECONDS = 60;
async function outcomeOf(connection2, groupId, { timeoutMs, signal }) {
  const limitMs = checkTimeout(timeoutMs);
  const deadline = new Deadline(limitMs);
  for (; ; ) {
    const seconds = Math.min(LONGEST_WAIT_SECONDS, deadline.leftMs / 1e3);
    const told = await groupState(connection2, groupId, {
      seconds,
      signal
    });
    if (told.state !== "RUNNING" && told.state !== "CANCELLING") {
      const { state, total, counts, compensation = null } = told;
      return {
        state,
        errors: told.errors.map(errorOf),
        total,
        counts,
        compensation
      };
    }
    if (deadline.leftMs === 0) {
      throw new TimeoutError(`group ${groupId} has not ended within ${limitMs} ms`);
    }
  }
}
async function groupState({ http }, groupId, { seconds = 0, signal }) {
  const path = `/v1/groups/${groupId}?graph=false&wait=${seconds}`;
  const call = {
    method: "GET",
    path,
    signal,
    waitMs: seconds * 1e3,
    expects: A_GROUP_STATE
  };
  return (await http.call(call)).body;
}
function groupErrorOf(groupId, { state, errors, total }) {
  return state === "COMPLETED" ? null : new GroupError(groupId, {
    state,
    errors,
    total
  });
}
function errorOf({ id, state, error }) {
  if (id === null || state === null) return new RemoteError(error);
  const task = {
    id,
    state,
    error
  };
  return state.type === "CRASHED" ? new CrashedError(task) : new TaskError(task);
}

// client/futures/continuation.ts
async function submitContinuation({ http }, upstream, on, continuation) {
  if (typeof continuation?.task !== "string") {
    throw new TypeError(`what follows a task is one task, as sig() makes it; what was given is ${whatIs(continuation)}`);
  }
  const { body: { id, task, state } } = await http.call({
    method: "POST",
    path: "/v1/tasks",
    body: bodyOf(upstream, on, continuation),
    headers: {
      "idempotency-key": aKey()
    },
    expects: A_TASK
  });
  return {
    id,
    seen: {
      task,
      type: state.type
    }
  };
}
function bodyOf(upstream, on, continuation) {
  const { task, input, into, immutable, allowFailure: allowFailure2, options, waitFor } = continuation;
  const outcome2 = on.includes("COMPLETED") ? {
    $task: upstream
  } : {
    $task: upstream,
    $allowFailure: true
  };
  const given2 = immutable || into === void 0 && input !== void 0 ? input : into === void 0 ? outcome2 : {
    ...input,
    [into]: outcome2
  };
  const others = [
    waitFor,
    options?.waitFor
  ].flatMap((one) => one === void 0 ? [] : Symbol.iterator in one ? [
    ...one
  ] : [
    one
  ]);
  return {
    task,
    input: given2,
    options: {
      ...options,
      ...allowFailure2 !== void 0 && {
        allowFailure: allowFailure2
      },
      waitFor: [
        {
          task: upstream,
          on
        },
        ...others
      ]
    }
  };
}

// client/futures/settlement.ts
var TAKEN_BACK = [
  "UpstreamFailed",
  "Skipped"
];
var Settlement = class {
  #connection;
  #id;
  #task = null;
  #seen;
  /**
   * Grows when the task is run again: an answer to an earlier request may tell of an end that no longer
   * holds.
   */
  #life = 0;
  #callbacks = [];
  /** Stops the wait that callbacks need. */
  #stopWatching = null;
  constructor(connection2, id, seen) {
    this.#connection = connection2;
    this.#id = id;
    this.#seen = seen;
  }
  get seen() {
    return this.#seen;
  }
  see({ task, state: { type } }) {
    this.#seen = {
      task,
      type
    };
  }
  /** The ended task; null if its end has not been seen, or may be taken back. */
  get task() {
    return this.#task;
  }
  /** Returns a function to call with the ended task: it counts only if no retry came since now. */
  settler() {
    const life = this.#life;
    return (task) => this.#settle(task, life);
  }
  /** The task is run again, or gone. */
  forget() {
    this.#task = null;
    if (this.#seen) this.#seen = {
      task: this.#seen.task
    };
    this.#life++;
  }
  #settle(task, life) {
    if (this.#task || life !== this.#life) return;
    this.see(task);
    if (!TAKEN_BACK.includes(task.state.name)) this.#task = task;
    this.#unwatch();
    for (const { run } of this.#callbacks.splice(0)) run();
  }
  /** Runs it at the end, in the order in which they were added; at once if that has been seen. */
  addCallback(of, run) {
    if (this.#task) return run();
    this.#callbacks.push({
      of,
      run
    });
    if (this.#stopWatching === null) this.#watch();
  }
  /** Returns how many there were. */
  removeCallback(of) {
    const before = this.#callbacks.length;
    this.#callbacks = this.#callbacks.filter((callback) => callback.of !== of);
    if (this.#callbacks.length === 0) this.#unwatch();
    return before - this.#callbacks.length;
  }
  #watch() {
    const { completions: completions2, http, log } = this.#connection;
    const settle = this.settler();
    this.#stopWatching = completions2.watch(this.#id, {
      onEnd: (task) => {
        this.#stopWatching = null;
        settle(task);
        if (this.#callbacks.length > 0) this.#watch();
      },
      onError: (error) => {
        if (isPassing(error)) {
          this.#stopWatching = after(http.retry.maxDelayMs, () => this.#watch());
          return;
        }
        this.#stopWatching = null;
        log(`the callbacks of task ${this.#id} were not called`, error);
      }
    });
  }
  #unwatch() {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }
  /**
   * The ended task, as soon as it has ended.
   *
   * @throws {TimeoutError} at the timeout
   */
  wait(options) {
    return new Promise((resolve, reject) => {
      requireOptions(options);
      const { timeoutMs, signal } = options;
      const limitMs = checkTimeout(timeoutMs);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#task) return resolve(this.#task);
      const settle = this.settler();
      const stops = [];
      const stop = () => stops.forEach((each) => each());
      const onEnd = (task) => {
        stop();
        settle(task);
        resolve(task);
      };
      const onError = (error) => {
        stop();
        reject(error);
      };
      stops.push(onAbort(signal, () => onError(signal.reason)), after(limitMs, () => {
        this.#askAtDeadline(limitMs, signal).then(onEnd, onError);
      }));
      if (limitMs > 0) stops.push(this.#connection.completions.watch(this.#id, {
        onEnd,
        onError
      }));
    });
  }
  /** At the deadline the service itself is asked: its message may still be on the way. */
  async #askAtDeadline(limitMs, signal) {
    const late = `task ${this.#id} has not ended within ${limitMs} ms`;
    let task;
    try {
      task = await this.#connection.statuses.ended(this.#id);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ErrandError && !isPassing(error)) throw error;
      throw new TimeoutError(`${late}, as far as is known: ${error.message}`, {
        cause: error
      });
    }
    if (task === null) throw new TimeoutError(late);
    return task;
  }
};

// client/futures/retry_once.ts
var MOST_TRIES = 10;
async function retryOnce(http, id, change, signal) {
  const call = (method, rest = {}) => http.call({
    method,
    path: `/v1/tasks/${id}`,
    expects: A_TASK,
    signal,
    ...rest
  });
  const ended = await call("GET");
  for (let version = ended, tries = 1; ; tries++) {
    const headers = {
      "if-match": version.headers.get("etag") ?? "*"
    };
    try {
      await call("POST", {
        path: `/v1/tasks/${id}/retry`,
        body: change,
        headers
      });
      return;
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 412) || tries === MOST_TRIES) throw error;
      version = await call("GET");
      if (lastSeq(version.body) !== lastSeq(ended.body)) return;
    }
  }
}
function lastSeq({ history }) {
  return history.at(-1)?.seq;
}

// client/protocol/outcome.ts
function errorOf2(task) {
  switch (task.state.type) {
    case "COMPLETED":
      return null;
    case "CANCELLED":
      return new CancelledError(task);
    case "CRASHED":
      return new CrashedError(task);
    default:
      return new TaskError(task);
  }
}

// client/futures/result_options.ts
var AN_OUTCOME = {
  what: "the outcome of a cancel",
  is: (body) => typeof body?.outcome === "string"
};

// client/futures/task_future.ts
var internals;
var TaskFuture = class _TaskFuture {
  id;
  /** The submit made no task: another one had its unique key. */
  deduplicated;
  #connection;
  #settlement;
  /** Made by a client: `submit`, `map`, `future`. */
  constructor(connection2, id, seen, deduplicated = false) {
    this.id = checkId("task", id);
    this.deduplicated = deduplicated;
    this.#connection = connection2;
    this.#settlement = new Settlement(connection2, this.id, seen);
  }
  async result(options = {}) {
    const task = await this.#endedOrCancelled(options);
    const error = errorOf2(task);
    if (error === null) return task.result;
    if (options.raiseOnFailure === false) return error;
    throw error;
  }
  /**
   * Waits for the end. The error with which the task failed; null if it completed.
   *
   * @throws {CancelledError | TimeoutError | NotFoundError | ForgottenError} as `result`
   */
  async exception(options = {}) {
    const error = errorOf2(await this.#settlement.wait(options));
    if (error instanceof CancelledError) throw error;
    return error;
  }
  /** Waits for the end, whatever it is. True: it has ended; false: not in time. */
  async wait(options = {}) {
    try {
      await this.#settlement.wait(options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }
  /** The whole task as it is now. */
  async task({ signal } = {}) {
    if (this.#settlement.task) return this.#settlement.task;
    const settle = this.#settlement.settler();
    const { body: task } = await this.#call("GET", "", {
      signal
    });
    if (isTerminal(task.state)) settle(task);
    else this.#settlement.see(task);
    return task;
  }
  async state(options) {
    return (await this.task(options)).state;
  }
  /** True if it has ended: completed, failed, crashed or cancelled. */
  async done(options) {
    return isTerminal(await this.state(options));
  }
  /** True while its function runs, also while that is asked to stop. */
  async running(options) {
    const { type } = await this.state(options);
    return type === "RUNNING" || type === "CANCELLING";
  }
  /** True if it ended by a cancel, or expired. */
  async cancelled(options) {
    return (await this.state(options)).type === "CANCELLED";
  }
  /** True if the service knows it; false if nobody ever submitted it, or it is gone. */
  async exists(options) {
    try {
      await this.task(options);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ForgottenError) return false;
      throw error;
    }
  }
  /**
   * True: it is cancelled (also if it was before), or it runs and was asked to stop. A function may ignore
   * that for `graceMs`. False: it was too late, the task has ended otherwise.
   */
  async cancel(reason, { signal, ...how } = {}) {
    try {
      await this.#call("POST", "/cancel", {
        body: {
          reason,
          ...how
        },
        signal,
        expects: AN_OUTCOME
      });
      return true;
    } catch (error) {
      if (error instanceof ConflictError && error.problem.outcome === "too_late") return false;
      throw error;
    }
  }
  /**
   * Runs an ended task that did not complete once more, under the same id, perhaps with another input
   * (without futures). Dependents that its failure had cancelled wait for it again. The task is retried once,
   * however often the call is sent, and also if another caller retries it at the same moment.
   *
   * @throws {ConflictError} if it has not ended, or completed
   */
  async retry({ signal, ...change } = {}) {
    try {
      await retryOnce(this.#connection.http, this.id, change, signal);
    } finally {
      this.#settlement.forget();
    }
  }
  /**
   * Deletes the ended task and all that it stored. From then on it is a ForgottenError.
   *
   * @throws {ConflictError} if it has not ended
   */
  async forget({ signal } = {}) {
    try {
      await this.#call("DELETE", "", {
        signal,
        expects: null
      });
    } catch (error) {
      if (!(error instanceof ForgottenError)) throw error;
    } finally {
      this.#settlement.forget();
    }
  }
  /**
   * Everything that happens to the task, from the first event on, or behind the one numbered `after`. Goes on
   * by itself after a cut, with nothing missing and nothing twice. Ends behind the `result` or `error`.
   */
  async *events(options = {}) {
    const { after: after2, signal } = options;
    const path = `/v1/tasks/${this.id}/events${after2 === void 0 ? "" : `?after=${after2}`}`;
    for await (const { id, event, data } of eventStream(this.#connection.http, {
      method: "GET",
      path,
      signal
    })) {
      if (event !== "end") {
        yield {
          event,
          seq: Number(id),
          data: parseEvent(data, path)
        };
      }
    }
  }
  /**
   * Called once with this future when the task has ended; at once if that is known already. Callbacks run in
   * the order in which they were added. What one throws is logged, and nothing else. It waits without a
   * limit, also for a service that is away. If there is no such task, that is logged.
   */
  addDoneCallback(callback) {
    this.#settlement.addCallback(callback, () => this.#run(callback));
  }
  /** Returns how many there were. */
  removeDoneCallback(callback) {
    return this.#settlement.removeCallback(callback);
  }
  /**
   * Submits a task, made by `sig`, that starts when this one has completed, and is CANCELLED `Skipped` if it
   * ends otherwise. It gets the result: as the field `into`; without an input, as its input; else not at all.
   */
  onCompleted(continuation) {
    return this.#on([
      "COMPLETED"
    ], continuation);
  }
  /** Likewise when this one has FAILED or CRASHED. It gets `{error}` in place of a result. */
  onFailed(continuation) {
    return this.#on([
      "FAILED",
      "CRASHED"
    ], continuation);
  }
  /** Likewise when this one has ended CANCELLED, but not `Skipped`. */
  onCancelled(continuation) {
    return this.#on([
      "CANCELLED"
    ], continuation);
  }
  async #on(ends, continuation) {
    const { id, seen } = await submitContinuation(this.#connection, this.id, ends, continuation);
    return new _TaskFuture(this.#connection, id, seen);
  }
  /** In an input it stands for its result. */
  toJSON() {
    return {
      $task: this.id
    };
  }
  /** Its id. */
  toString() {
    return this.id;
  }
  static {
    onInspect(this, (future) => {
      const { task, type } = future.#settlement.seen ?? {};
      return {
        id: future.id,
        task,
        state: type
      };
    });
    internals = {
      connectionOf: (future) => future.#connection,
      settlementOf: (future) => future.#settlement,
      isFuture: (value) => typeof value === "object" && value !== null && #connection in value
    };
  }
  #run(callback) {
    const failed = (error) => this.#connection.log(`a callback of task ${this.id} failed`, error);
    try {
      Promise.resolve(callback(this)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
  async #endedOrCancelled(options) {
    const { signal, cancelOnTimeout = false, cancelOnAbort = false } = options;
    try {
      return await this.#settlement.wait(options);
    } catch (error) {
      if (cancelOnAbort && signal?.aborted) await Promise.allSettled([
        this.cancel("its caller has gone")
      ]);
      if (!cancelOnTimeout || !(error instanceof TimeoutError)) throw error;
      await this.cancel("its caller's time was over", {
        signal
      });
      const task = await this.#settlement.wait({
        signal
      });
      if (task.state.type === "CANCELLED") throw error;
      return task;
    }
  }
  async #call(method, path, rest) {
    return await this.#connection.http.call({
      method,
      path: `/v1/tasks/${this.id}${path}`,
      expects: A_TASK,
      ...rest
    });
  }
};

// client/futures/future_set.ts
function listOf2(futures) {
  if (typeof futures !== "object" || futures === null || !(Symbol.iterator in futures)) {
    throw new TypeError(`futures must be a list, as [a, b]; what was given is ${whatIs(futures)}`);
  }
  const list = Array.isArray(futures) ? futures : [
    ...futures
  ];
  for (const [i, each] of list.entries()) {
    if (!internals.isFuture(each)) {
      throw new TypeError(`element ${i} of the futures is none: it is ${whatIs(each)}`);
    }
  }
  return list;
}
function distinct(futures) {
  const known = /* @__PURE__ */ new Map();
  const lists = [];
  for (const future of listOf2(futures)) {
    const connection2 = internals.connectionOf(future);
    const ofConnection = known.get(connection2) ?? /* @__PURE__ */ new Map();
    known.set(connection2, ofConnection);
    const list = ofConnection.get(future.id);
    if (list) list.push(future);
    else {
      const fresh = [
        future
      ];
      ofConnection.set(future.id, fresh);
      lists.push(fresh);
    }
  }
  return lists.map((list) => {
    const settlers = list.map((future) => internals.settlementOf(future).settler());
    const settle = (task) => settlers.forEach((tell) => tell(task));
    const hasEnded = () => {
      const end = list.map((future) => internals.settlementOf(future).task).find((task) => task !== null);
      if (end) settle(end);
      return end !== void 0;
    };
    const see = (task) => list.forEach((future) => internals.settlementOf(future).see(task));
    return {
      future: list[0],
      hasEnded,
      settle,
      see
    };
  });
}
function partsOf(tasks) {
  return [
    ...byConnection(tasks)
  ].flatMap(([connection2, list]) => chunksOf(list, MOST_IDS).map((chunk) => ({
    connection: connection2,
    tasks: new Map(chunk)
  })));
}
function streamPartsOf(tasks, group2) {
  const [first, ...others] = byConnection(tasks);
  if (group2 !== null && first !== void 0 && others.length === 0 && first[1].length > MOST_IDS) {
    const asked = {
      groupId: group2.groupId,
      total: group2.length
    };
    return [
      {
        connection: first[0],
        tasks: new Map(first[1]),
        asked
      }
    ];
  }
  return partsOf(tasks).map((part) => ({
    ...part,
    asked: {
      ids: [
        ...part.tasks.keys()
      ]
    }
  }));
}
function isGroup(futures) {
  return Array.isArray(futures) && "groupId" in futures && typeof futures.groupId === "string";
}
function byConnection(tasks) {
  const lists = /* @__PURE__ */ new Map();
  for (const task of tasks) {
    const connection2 = internals.connectionOf(task.future);
    const list = lists.get(connection2) ?? [];
    lists.set(connection2, list);
    list.push([
      task.future.id,
      task
    ]);
  }
  return lists;
}

// client/transport/merge.ts
async function* merged(sources) {
  if (sources.length === 1) return yield* sources[0];
  const next = (source) => source.next().then((step) => ({
    source,
    step
  }));
  const waiting = new Map(sources.map((source) => [
    source,
    next(source)
  ]));
  try {
    while (waiting.size > 0) {
      const { source, step } = await Promise.race(waiting.values());
      if (step.done) {
        waiting.delete(source);
      } else {
        yield step.value;
        waiting.set(source, next(source));
      }
    }
  } finally {
    for (const [source, step] of waiting) {
      step.catch(() => {
      });
      source.return(void 0).catch(() => {
      });
    }
  }
}

// client/futures/as_completed.ts
var GRACE_MS = 2e3;
function asCompleted(futures, options = {}) {
  requireOptions(options);
  const { timeoutMs, signal } = options;
  const group2 = isGroup(futures) ? futures : null;
  return iterate(distinct(futures), group2, new Deadline(checkTimeout(timeoutMs)), signal);
}
async function* iterate(tasks, group2, deadline, signal) {
  const pending = new Set(tasks);
  for (const task of tasks) {
    signal?.throwIfAborted();
    if (!task.hasEnded()) continue;
    pending.delete(task);
    yield task.future;
  }
  signal?.throwIfAborted();
  const stop = new Limit(signal);
  let isLate = false;
  try {
    const streams = streamPartsOf(pending, group2).map((part) => read(part, deadline, stop.signal));
    for await (const task of merged(streams)) {
      if (task === null) isLate = true;
      else if (pending.delete(task)) yield task.future;
    }
  } finally {
    stop.end();
  }
  if (pending.size === 0) return;
  if (!isLate) throw new ErrandError(`the stream ended before ${pending.size} of its tasks had`);
  throw new AsCompletedTimeoutError(tasks.length, [
    ...pending
  ].map(({ future }) => future));
}
async function* read({ connection: connection2, tasks, asked }, deadline, signal) {
  const limit = new Limit(signal);
  const options = {
    timeoutMs: deadline.leftMs,
    signal: limit.signal
  };
  const events = completions(connection2.http, asked, options);
  try {
    for (; ; ) {
      limit.within(deadline.leftMs + GRACE_MS);
      const { value, done } = await events.next();
      limit.rest();
      if (done) return;
      if (value.kind === "timeout") yield null;
      else {
        const task = tasks.get(value.kind === "task" ? value.task.id : value.id);
        if (value.kind === "task") task?.settle(value.task);
        if (task) yield task;
      }
    }
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error;
    yield null;
  } finally {
    limit.end();
    await events.return(void 0);
  }
}

// client/futures/gather.ts
async function gather(given2, options = {}) {
  requireOptions(options);
  const { returnExceptions = false, cancelOnAbort = false, ...limits } = options;
  const futures = listOf2(given2);
  const { signal } = limits;
  try {
    return await inPlaces(futures, limits, (future) => returnExceptions ? outcome(future, signal) : future.result({
      signal
    }));
  } catch (error) {
    if (cancelOnAbort && signal?.aborted) await Promise.allSettled([
      cancelAll(futures)
    ]);
    throw error;
  }
}
async function inPlaces(futures, limits, valueOf) {
  const values = /* @__PURE__ */ new Map();
  for await (const future of asCompleted(futures, limits)) values.set(future, await valueOf(future));
  return await Promise.all(futures.map(async (future) => values.has(future) ? values.get(future) : await valueOf(future)));
}
async function outcome(future, signal) {
  try {
    return await future.result({
      signal
    });
  } catch (error) {
    if (error instanceof ErrandError) return error;
    throw error;
  }
}
async function cancelAll(futures, reason, options) {
  const errors = [];
  const outcomes = await inParallel(futures, async (future) => {
    const known = internals.settlementOf(future).task;
    if (known) return known.state.type === "CANCELLED";
    try {
      return await future.cancel(reason, options);
    } catch (error) {
      errors.push(error);
      return false;
    }
  });
  if (errors.length > 0) throw errors[0];
  return outcomes;
}

// client/futures/wait.ts
var RETURN_WHEN = [
  "FIRST_COMPLETED",
  "FIRST_EXCEPTION",
  "ALL_COMPLETED"
];
var LONGEST_WAIT_MS = 6e4;
var GRACE_MS2 = 2e3;
var WAITED = {
  what: "which tasks are done",
  is(body) {
    const { done, notDone } = body ?? {};
    return [
      done,
      notDone
    ].every((list) => Array.isArray(list) && list.every(isTask));
  }
};
async function wait(futures, options = {}) {
  requireOptions(options);
  const { returnWhen = "ALL_COMPLETED", timeoutMs, signal } = options;
  if (!RETURN_WHEN.includes(returnWhen)) {
    throw new RangeError(`returnWhen must be one of ${RETURN_WHEN.join(", ")}; it is ${String(returnWhen)}`);
  }
  const deadline = new Deadline(checkTimeout(timeoutMs));
  signal?.throwIfAborted();
  const tasks = distinct(futures);
  const over = new Limit(signal);
  const condition = {
    returnWhen,
    deadline,
    signal,
    over,
    isMet: false
  };
  try {
    const parts = partsOf(tasks).map((part) => waitForPart(part, condition));
    const ended = new Set((await Promise.all(parts)).flat());
    const isDone = (task) => ended.has(task);
    return {
      done: tasks.filter(isDone).map(({ future }) => future),
      notDone: tasks.filter((task) => !isDone(task)).map(({ future }) => future)
    };
  } finally {
    over.end();
  }
}
async function waitForPart(part, condition) {
  const { returnWhen, deadline, over, signal } = condition;
  for (let isFirst = true; ; ) {
    let answer;
    try {
      if (!isFirst) await pause(Math.min(part.connection.http.retry.delayMs, deadline.leftMs), over.signal);
      const waitMs = Math.min(deadline.leftMs, LONGEST_WAIT_MS);
      answer = await ask(part, returnWhen, waitMs, deadline.leftMs + GRACE_MS2, over.signal);
    } catch (error) {
      signal?.throwIfAborted();
      const isLate = deadline.leftMs === 0 && isPassing(error);
      if (!isLate && !condition.isMet) throw error;
      return endedOf(part, (await ask(part, returnWhen, 0, GRACE_MS2, signal)).done);
    }
    const { done, notDone } = answer;
    if (returnWhen !== "ALL_COMPLETED" && done.some((task) => isEnough(task, returnWhen))) {
      condition.isMet = true;
      over.abort();
    }
    if (condition.isMet || notDone.length === 0 || deadline.leftMs === 0) return endedOf(part, done);
    isFirst = false;
  }
}
async function ask({ connection: connection2, tasks }, returnWhen, waitMs, limitMs, signal) {
  const body = {
    ids: [
      ...tasks.keys()
    ],
    returnWhen,
    timeoutSeconds: waitMs / 1e3
  };
  const limit = new Limit(signal);
  limit.within(limitMs);
  try {
    const call = {
      method: "POST",
      path: "/v1/wait",
      body,
      waitMs,
      expects: WAITED
    };
    return (await connection2.http.call({
      ...call,
      tryForMs: limitMs,
      signal: limit.signal
    })).body;
  } catch (error) {
    if (error instanceof ErrandError || signal?.aborted) throw error;
    throw new ConnectionError(error.message, {
      cause: error
    });
  } finally {
    limit.end();
  }
}
function endedOf({ tasks }, done) {
  return done.flatMap((told) => {
    const task = tasks.get(told.id);
    task?.see(told);
    return task ?? [];
  });
}
function isEnough({ state: { type } }, returnWhen) {
  return returnWhen === "FIRST_COMPLETED" || type === "FAILED" || type === "CRASHED";
}

// client/futures/task_futures.ts
var TaskFutures = class extends Array {
  /** The id of the group; null for a list that is no group. */
  groupId;
  /** Made by a client's `map`; of other groups by their futures. */
  constructor(futures, groupId) {
    super();
    for (const future of futures) this.push(future);
    this.groupId = groupId;
    Object.freeze(this);
  }
  // `filter` and `map` make a plain array, which is no group.
  static get [Symbol.species]() {
    return Array;
  }
  async results({ raiseOnFailure, ...limits } = {}) {
    const { signal } = limits;
    return await inPlaces(this, limits, (future) => future.result({
      raiseOnFailure,
      signal
    }));
  }
  inOrder({ timeoutMs, ...how } = {}) {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    return this.#inOrder(this.#values(deadline, how));
  }
  async *#inOrder(values) {
    let isWhole = false;
    try {
      yield* values;
      isWhole = true;
    } finally {
      if (!isWhole) await Promise.allSettled([
        this.#leave("the iteration over its map was left")
      ]);
    }
  }
  async #leave(reason) {
    if (this.groupId === null || this.length === 0) await this.cancel(reason);
    else await cancelGroup(internals.connectionOf(this[0]), this.groupId, reason);
  }
  #values(deadline, how) {
    const isLarge = this.groupId !== null && this.length > MOST_IDS;
    return isLarge ? this.#valuesAsTold(deadline, how) : this.#valuesAsAsked(deadline, how);
  }
  /** All are waited for from the first value on, until the loop is left. */
  async *#valuesAsAsked(deadline, how) {
    const limit = new Limit(how.signal);
    try {
      const options = {
        ...how,
        timeoutMs: deadline.leftMs,
        signal: limit.signal
      };
      const results = this.map((future) => future.result(options));
      for (const each of results) each.catch(() => {
      });
      for (const each of results) yield await each;
    } finally {
      limit.end();
    }
  }
  /** A large group is one stream, which tells all of them as they end. */
  async *#valuesAsTold(deadline, how) {
    const ended = /* @__PURE__ */ new Set();
    let next = 0;
    for await (const future of asCompleted(this, {
      timeoutMs: deadline.leftMs,
      signal: how.signal
    })) {
      ended.add(future);
      for (; next < this.length && ended.delete(this[next]); next++) {
        yield await this[next].result(how);
      }
    }
  }
  /** The futures as their tasks end. */
  asCompleted(options = {}) {
    return asCompleted(this, options);
  }
  /** Waits until `returnWhen` is true of them, or the time is over, which is no error. */
  wait(options = {}) {
    return wait(this, options);
  }
  /**
   * Cancels those that have not ended, one by one. Returns for each whether it was in time.
   * `errand.group(groupId).cancel()` takes one call for all, and returns how many.
   */
  cancel(reason, options) {
    return cancelAll(this, reason, options);
  }
};

// client/futures/group_future.ts
var A_GROUP = {
  what: "a group",
  is(body) {
    const { id, total, counts, nodes = null } = body ?? {};
    const isGraph = nodes === null || Array.isArray(nodes) && nodes.every(isTask);
    return typeof id === "string" && typeof total === "number" && typeof counts === "object" && isGraph;
  }
};
var A_PAGE = {
  what: "a page of tasks",
  is(body) {
    const { tasks } = body ?? {};
    return Array.isArray(tasks) && tasks.every(isTask);
  }
};
var PAGE = 500;
var GRACE_MS3 = 2e3;
var GroupFuture = class {
  groupId;
  #connection;
  #members = null;
  /** Made by a client: `run`, `group`. */
  constructor(connection2, groupId) {
    this.groupId = checkId("group", groupId);
    this.#connection = connection2;
  }
  /**
   * The futures of its tasks, in order. (Of a group of more than 1,000: in the order in which they were
   * submitted, without those that are deleted.)
   *
   * @throws {NotFoundError} if there is no such group any more
   */
  async members({ signal } = {}) {
    this.#members ??= new TaskFutures(await this.#load(signal), this.groupId);
    return this.#members;
  }
  async #load(signal) {
    const { nodes } = await this.#status("true", signal);
    return (nodes ?? await this.#listed(signal)).map(({ id, task, state: { type } }) => {
      return new TaskFuture(this.#connection, id, {
        task,
        type
      });
    });
  }
  /** Lists begin with the newest. */
  async #listed(signal) {
    const newestFirst = [];
    let cursor = null;
    do {
      const after2 = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/tasks?groupId=${this.groupId}&limit=${PAGE}${after2}`;
      const { body } = await this.#connection.http.call({
        method: "GET",
        path,
        signal,
        expects: A_PAGE
      });
      newestFirst.push(...body.tasks);
      cursor = body.nextCursor ?? null;
    } while (cursor !== null);
    return newestFirst.reverse();
  }
  async results({ timeoutMs, ...how } = {}) {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const futures = await this.#membersBy(deadline, how.signal);
    return await futures.results({
      ...how,
      timeoutMs: deadline.leftMs
    });
  }
  /**
   * How it has ended as a whole, as soon as it has. With a policy (`group` of `run` and `map`) that is final;
   * without one it follows from its tasks, and a retry of one takes it back.
   *
   * @throws {TimeoutError} at the timeout
   */
  outcome(options = {}) {
    return outcomeOf(this.#connection, this.groupId, options);
  }
  /**
   * The values of all its tasks, in order, once it has ended. Where its policy allows for failures their
   * errors stand in their places.
   *
   * @throws {GroupError} if it ended FAILED or CANCELLED, with all errors
   * @throws {TimeoutError} at the timeout
   */
  async result({ timeoutMs, signal } = {}) {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const error = groupErrorOf(this.groupId, await this.outcome({
      timeoutMs,
      signal
    }));
    if (error) throw error;
    const values = this.results({
      timeoutMs: Math.max(deadline.leftMs, GRACE_MS3),
      signal,
      raiseOnFailure: false
    });
    return await values;
  }
  /** As it is now. */
  async state({ signal } = {}) {
    return (await groupState(this.#connection, this.groupId, {
      signal
    })).state;
  }
  /** The errors of its first 20 failures so far, in time, and of a missed deadline. */
  async errors({ signal } = {}) {
    return (await groupState(this.#connection, this.groupId, {
      signal
    })).errors.map(errorOf);
  }
  /** How far it has come with taking its completed tasks back; null if it does not. */
  async compensation({ signal } = {}) {
    return (await groupState(this.#connection, this.groupId, {
      signal
    })).compensation ?? null;
  }
  /** The futures as their tasks end. */
  asCompleted({ timeoutMs, signal } = {}) {
    return this.#asCompleted(new Deadline(checkTimeout(timeoutMs)), signal);
  }
  async *#asCompleted(deadline, signal) {
    const futures = await this.#membersBy(deadline, signal);
    yield* futures.asCompleted({
      timeoutMs: deadline.leftMs,
      signal
    });
  }
  /** Waits until `returnWhen` is true of its tasks, or the time is over, which is no error. */
  async wait({ timeoutMs, signal, returnWhen } = {}) {
    const deadline = new Deadline(checkTimeout(timeoutMs));
    const futures = await this.#membersBy(deadline, signal);
    return await futures.wait({
      timeoutMs: deadline.leftMs,
      signal,
      returnWhen
    });
  }
  /** To read the list of tasks takes some of the time. */
  async #membersBy(deadline, signal) {
    const limit = new Limit(signal);
    limit.within(deadline.leftMs + GRACE_MS3);
    try {
      return await this.members({
        signal: limit.signal
      });
    } catch (error) {
      if (error instanceof ErrandError || signal?.aborted) throw error;
      throw new TimeoutError(`nobody told in time which tasks are in group ${this.groupId}`, {
        cause: error
      });
    } finally {
      limit.end();
    }
  }
  /**
   * Cancels all that have not ended, in one call: those that wait at once, those that run as soon as they
   * stop.
   */
  async cancel(reason, options) {
    return await cancelGroup(this.#connection, this.groupId, reason, options);
  }
  /** How it stands now. */
  async counts({ signal } = {}) {
    const { total, done, counts } = await this.#status("false", signal);
    return {
      total,
      done,
      counts
    };
  }
  /** Its tasks as they stand now, and who waits for whom; null for a group of more than 1,000. */
  async graph({ signal } = {}) {
    const { nodes, edges } = await this.#status("true", signal);
    return nodes && {
      nodes,
      edges
    };
  }
  /** True if the service knows it. */
  async exists(options) {
    try {
      await this.counts(options);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }
  /** In an input it stands for the results of its tasks. */
  toJSON() {
    return {
      $task: this.groupId
    };
  }
  /** Its id. */
  toString() {
    return this.groupId;
  }
  static {
    onInspect(this, ({ groupId }) => ({
      groupId
    }));
  }
  async #status(graph, signal) {
    const path = `/v1/groups/${this.groupId}?graph=${graph}`;
    return (await this.#connection.http.call({
      method: "GET",
      path,
      signal,
      expects: A_GROUP
    })).body;
  }
};

// client/canvas/flow_future.ts
var A_FLOW = {
  what: "the tasks of a flow",
  is(body) {
    const { groupId, tasks, result } = body ?? {};
    if (typeof groupId !== "string" || typeof tasks !== "object" || tasks === null) return false;
    const ids = new Set(Object.values(tasks).map((task) => task?.id));
    return [
      ...ids
    ].every((id) => typeof id === "string") && idsIn(result).every((id) => ids.has(id));
  }
};
var MOST_NAMES = 20;
var FlowFuture = class extends GroupFuture {
  /** Of all its tasks, in the order of the canvas. */
  futures;
  #byName;
  #result;
  /** Made by a client's `run`. */
  constructor(connection2, { groupId, tasks, result }) {
    super(connection2, groupId);
    const inOrder = Object.entries(tasks).sort(([, a], [, b]) => a.id < b.id ? -1 : 1);
    this.#byName = new Map(inOrder.map(([name, { id, task, state }]) => {
      return [
        name,
        new TaskFuture(connection2, id, {
          task,
          type: state?.type
        })
      ];
    }));
    this.futures = new TaskFutures([
      ...this.#byName.values()
    ], this.groupId);
    this.#result = result;
  }
  /** The names of its tasks, in the order of `futures`. */
  get names() {
    return [
      ...this.#byName.keys()
    ];
  }
  /**
   * The future of the task of this name: as its signature says, or else by its place, as "0" or "header.1".
   *
   * @throws {RangeError} if none has this name
   */
  future(name) {
    const future = this.#byName.get(name);
    if (future) return future;
    const names = this.names.slice(0, MOST_NAMES).join(", ") + (this.names.length > MOST_NAMES ? ", \u2026" : "");
    throw new RangeError(`no task of the flow is named ${JSON.stringify(name)}; it has ${names}`);
  }
  // deno-lint-ignore require-await -- it is known here
  async members() {
    return this.futures;
  }
  async result({ timeoutMs, signal, raiseOnFailure = true } = {}) {
    checkTimeout(timeoutMs);
    const limit = new Limit(signal);
    try {
      const ids = idsIn(this.#result);
      const options = {
        timeoutMs,
        signal: limit.signal
      };
      const futures = new Map(this.futures.map((future) => [
        future.id,
        future
      ]));
      const values = await Promise.all(ids.map((id) => futures.get(id).result(options)));
      const byId = new Map(ids.map((id, i) => [
        id,
        values[i]
      ]));
      return resolved(this.#result, (id) => byId.get(id));
    } catch (error) {
      const isOutcome = error instanceof TaskError || error instanceof CancelledError;
      if (isOutcome && !raiseOnFailure) return error;
      throw error;
    } finally {
      limit.end();
    }
  }
  /** In an input it stands for what the whole hands on. */
  toJSON() {
    return this.#result;
  }
};

// client/definitions/definition_list.ts
var DEFINITIONS = {
  what: "the definitions",
  is: (body) => Array.isArray(body?.definitions)
};
var DefinitionList = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /** By name. */
  async list({ signal } = {}) {
    const call = {
      method: "GET",
      path: "/v1/definitions",
      expects: DEFINITIONS,
      signal
    };
    return (await this.connection.http.call(call)).body.definitions;
  }
};

// client/operation/bulk.ts
var A_PREVIEW = {
  what: "the tasks that it would be for",
  is: (body) => typeof body?.count?.value === "number"
};
var Bulk = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /**
   * Starts it: the future of a task that has progress, and can be cancelled as any other.
   *
   * @throws {ValidationError}
   */
  async start(request, { idempotencyKey = aKey(), signal } = {}) {
    const headers = {
      "idempotency-key": idempotencyKey
    };
    const call = {
      method: "POST",
      path: "/v1/bulk",
      body: request,
      headers,
      expects: A_TASK,
      signal
    };
    const { body: task } = await this.connection.http.call(call);
    return new TaskFuture(this.connection, task.id, {
      task: task.task,
      type: task.state.type
    });
  }
  /** Which tasks it would be for now. Nothing is done. */
  async preview(request, { signal } = {}) {
    const body = {
      ...request,
      dryRun: true
    };
    const call = {
      method: "POST",
      path: "/v1/bulk",
      body,
      expects: A_PREVIEW,
      signal
    };
    return (await this.connection.http.call(call)).body;
  }
};

// client/operation/events.ts
async function* eventsOf({ http }, { signal, ...filter }) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== void 0) query.set(name, String(value));
  }
  const path = `/v1/events${query.size === 0 ? "" : `?${query}`}`;
  for await (const { id, event, data } of eventStream(http, {
    method: "GET",
    path,
    signal
  })) {
    if (event !== "state" && event !== "gap") continue;
    yield {
      event,
      place: id,
      data: parseEvent(data, path)
    };
  }
}

// client/operation/stats.ts
var STATS = {
  what: "the figures of the service",
  is: (body) => typeof body?.now?.ready === "number"
};
async function statsOf({ http }, { minutes, signal }) {
  const path = `/v1/stats${minutes === void 0 ? "" : `?minutes=${minutes}`}`;
  return (await http.call({
    method: "GET",
    path,
    expects: STATS,
    signal
  })).body;
}

// client/operation/workers.ts
var WORKERS = {
  what: "the workers",
  is: (body) => Array.isArray(body?.workers)
};
var Workers = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /** By their start. One that has died is among them for up to a lease. */
  async list({ signal } = {}) {
    const call = {
      method: "GET",
      path: "/v1/workers",
      expects: WORKERS,
      signal
    };
    return (await this.connection.http.call(call)).body.workers;
  }
};

// client/transport/query.ts
function queryOf(filter) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value === void 0) continue;
    query.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  return query;
}

// client/operation/groups.ts
var GROUPS = {
  what: "groups",
  is: (body) => Array.isArray(body?.groups)
};
var A_GROUP2 = {
  what: "a group",
  is: (body) => typeof body?.counts === "object"
};
var Groups = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /**
   * The groups that fit the filter, newest first, read page by page.
   *
   * @throws {ValidationError} for a filter that the service does not take
   */
  async *list(filter = {}, { pageSize = 50, signal } = {}) {
    const query = queryOf(filter);
    query.set("limit", String(pageSize));
    for (; ; ) {
      const path = `/v1/groups?${query}`;
      const { body } = await this.connection.http.call({
        method: "GET",
        path,
        expects: GROUPS,
        signal
      });
      yield* body.groups;
      if (body.nextCursor === null) return;
      query.set("cursor", body.nextCursor);
    }
  }
  /**
   * One of them, as it stands now.
   *
   * @throws {NotFoundError}
   */
  async get(id, { signal } = {}) {
    const path = `/v1/groups/${checkId("group", id)}`;
    return (await this.connection.http.call({
      method: "GET",
      path,
      expects: A_GROUP2,
      signal
    })).body;
  }
};

// client/keys/keys.ts
var KEYS = {
  what: "the keys",
  is: (body) => Array.isArray(body?.keys)
};
var A_MADE_KEY = {
  what: "a key and its secret",
  is: (body) => typeof body?.secret === "string"
};
var Keys = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /** Without their secrets. */
  async list({ signal } = {}) {
    return (await this.#call("GET", "", {
      expects: KEYS,
      signal
    })).keys;
  }
  /**
   * @throws {ConflictError} if a key of this name is there
   * @throws {ValidationError}
   */
  async make({ expiresAt, ...key }, { signal } = {}) {
    const until = expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt;
    return await this.#secret("", {
      ...key,
      expiresAt: until
    }, signal);
  }
  /** Gives it a new secret. The former one is good for `graceSeconds` more (0). */
  async rotate(id, { graceSeconds, signal } = {}) {
    return await this.#secret(`/${encodeURIComponent(id)}/rotate`, {
      graceSeconds
    }, signal);
  }
  /** A second later it opens nothing. */
  async revoke(id, { signal } = {}) {
    await this.#call("DELETE", `/${encodeURIComponent(id)}`, {
      expects: null,
      signal
    });
  }
  /** Not tried again: if the answer was lost, so is the secret, and a second one would hide that. */
  async #secret(path, body, signal) {
    return await this.#call("POST", path, {
      body,
      expects: A_MADE_KEY,
      signal,
      tryForMs: 0
    });
  }
  async #call(method, path, rest) {
    const call = {
      method,
      path: `/v1/keys${path}`,
      ...rest
    };
    return (await this.connection.http.call(call)).body;
  }
};

// client/queues/queues.ts
var A_QUEUE = {
  what: "a queue",
  is(body) {
    const { name, counts } = body ?? {};
    return typeof name === "string" && typeof counts?.ready === "number";
  }
};
var QUEUES = {
  what: "the queues",
  is: (body) => Array.isArray(body?.queues)
};
var A_CONCURRENCY = {
  what: "how many run at once",
  is: (body) => typeof body?.concurrency === "object"
};
var A_PAUSE = {
  what: "whether it is paused",
  is: (body) => body?.paused !== void 0
};
var Queues = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /** By name: those that tasks, definitions, workers or pauses name. */
  async list({ signal } = {}) {
    return (await this.#call("GET", "/v1/queues", QUEUES, {
      signal
    })).queues;
  }
  /** One queue; every name that may be one is one. */
  async get(name, { signal } = {}) {
    return await this.#call("GET", queuePath(name), A_QUEUE, {
      signal
    });
  }
  /** Resolves once nothing of the queue starts any more; elsewhere nothing does a second later. */
  async pause(name, options) {
    return await this.#pause(queuePath(name), options);
  }
  /** Wakes waiting workers. What was not paused stays as it is. */
  async resume(name, options) {
    await this.#resume(queuePath(name), options);
  }
  /**
   * At most so many tasks of the queue run at once from now on: 0 to 10,000, and 0 holds all. Null takes back
   * what was said. What runs goes on.
   *
   * @throws {ValidationError} for another number
   */
  async limit(name, concurrency, options) {
    return await this.#limit(queuePath(name), concurrency, options);
  }
  /** The same for tasks of a definition, in whatever queue. */
  async limitDefinition(name, concurrency, options) {
    return await this.#limit(`/v1/definitions/${encodeURIComponent(name)}/concurrency`, concurrency, options);
  }
  /** Tasks of the definition, in whatever queue. */
  async pauseDefinition(name, options) {
    return await this.#pause(`/v1/definitions/${encodeURIComponent(name)}`, options);
  }
  async resumeDefinition(name, options) {
    await this.#resume(`/v1/definitions/${encodeURIComponent(name)}`, options);
  }
  /** All tasks of all queues. */
  async pauseAll(options) {
    return await this.#pause("/v1", options);
  }
  async resumeAll(options) {
    await this.#resume("/v1", options);
  }
  /** The pause of everything that is in force; null if none is. */
  async pausedAll({ signal } = {}) {
    return (await this.#call("GET", "/v1/queues", QUEUES, {
      signal
    })).paused;
  }
  async #limit(path, concurrency, { signal } = {}) {
    return (await this.#call("PUT", path, A_CONCURRENCY, {
      body: {
        concurrency
      },
      signal
    })).concurrency;
  }
  async #pause(path, { note, until, signal } = {}) {
    const body = {
      note,
      untilMs: until === void 0 ? void 0 : Number(until)
    };
    return (await this.#call("POST", `${path}/pause`, A_PAUSE, {
      body,
      signal
    })).paused;
  }
  async #resume(path, { signal } = {}) {
    await this.#call("POST", `${path}/resume`, A_PAUSE, {
      body: {},
      signal
    });
  }
  /** Each of them may be repeated. */
  async #call(method, path, expects, rest) {
    return (await this.connection.http.call({
      method,
      path,
      expects,
      ...rest
    })).body;
  }
};
function queuePath(name) {
  return `/v1/queues/${encodeURIComponent(name)}`;
}

// client/transport/stream_url.ts
var A_TICKET = {
  what: "a ticket",
  is: (body) => typeof body?.ticket === "string"
};
async function streamUrl(http, path, { ttlSeconds, signal }) {
  const body = {
    path,
    ttlSeconds
  };
  const call = {
    method: "POST",
    path: "/v1/tickets",
    body,
    expects: A_TICKET,
    signal
  };
  const { ticket } = (await http.call(call)).body;
  return http.urlOf(`${path}${path.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`);
}

// client/transport/status_batcher.ts
var GATHER_MS2 = 5;
var TRY_MS = 1500;
var SILENT_MS = 2e3;
var StatusBatcher = class {
  #http;
  #next = /* @__PURE__ */ new Map();
  constructor(http) {
    this.#http = http;
  }
  /**
   * The ended task; null if it has not ended.
   *
   * @throws {ConnectionError} if the service does not answer within two seconds
   */
  ended(id) {
    if (this.#next.size === 0) after(GATHER_MS2, () => this.#askForAll());
    return new Promise((resolve, reject) => {
      const asked = this.#next.get(id) ?? [];
      this.#next.set(id, asked);
      asked.push({
        resolve,
        reject
      });
    });
  }
  #askForAll() {
    const all = this.#next;
    this.#next = /* @__PURE__ */ new Map();
    for (const chunk of chunksOf([
      ...all
    ], MOST_IDS)) void this.#ask(new Map(chunk));
  }
  async #ask(asked) {
    const ids = [
      ...asked.keys()
    ];
    const limit = new Limit();
    limit.within(SILENT_MS);
    const options = {
      timeoutMs: 0,
      tryForMs: TRY_MS,
      signal: limit.signal
    };
    const tell = (id, task) => {
      asked.get(id)?.forEach(({ resolve }) => resolve(task));
      asked.delete(id);
    };
    try {
      for await (const completion of completions(this.#http, {
        ids
      }, options)) {
        if (completion.kind === "task") tell(completion.task.id, completion.task);
        if (completion.kind === "gone") await this.#explain([
          completion.id
        ], asked);
      }
      for (const id of [
        ...asked.keys()
      ]) tell(id, null);
    } catch (error) {
      const missing = missingOf(ids, error);
      await this.#explain(missing, asked);
      if (asked.size === 0) return;
      if (missing.length > 0) return await this.#ask(asked);
      for (const each of [
        ...asked.values()
      ].flat()) each.reject(error);
    } finally {
      limit.end();
    }
  }
  async #explain(ids, asked) {
    await explain(this.#http, ids, (id, what) => {
      for (const { resolve, reject } of asked.get(id) ?? []) {
        if ("error" in what) reject(what.error);
        else resolve(isTerminal(what.task.state) ? what.task : null);
      }
      asked.delete(id);
    });
  }
};

// client/protocol/references.ts
var Quoted = class {
  value;
  constructor(value) {
    this.value = value;
  }
  toJSON() {
    return {
      $quote: this.value
    };
  }
};
function quote(value) {
  return new Quoted(value);
}
var FailureAllowed = class {
  id;
  constructor(id) {
    this.id = id;
  }
  toJSON() {
    return {
      $task: this.id,
      $allowFailure: true
    };
  }
};
function allowFailure(future) {
  if (!("groupId" in future)) return new FailureAllowed(future.id);
  const { $task } = future.toJSON?.() ?? {};
  if ($task === future.groupId) return new FailureAllowed(future.groupId);
  throw new TypeError("allowFailure takes the future of a task or of a group; of a flow take one of its tasks, as flow.future(name), or the group: errand.group(flow.groupId)");
}

// client/canvas/mapping.ts
var Unmapped = class {
  #value;
  constructor(value) {
    this.#value = value;
  }
  get value() {
    return this.#value;
  }
};
function unmapped(value) {
  return new Unmapped(value);
}
function mappingOf(fields) {
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    eachQuoted(field)
  ]);
  const isForAll = (field) => field instanceof Unmapped || isObject(field) && !isIterable(field);
  return {
    map: Object.fromEntries(entries.filter(([, field]) => !isForAll(field)).map(([name, field]) => [
      name,
      isIterable(field) ? [
        ...field
      ] : field
    ])),
    unmapped: Object.fromEntries(entries.filter(([, field]) => isForAll(field)).map(([name, field]) => [
      name,
      field instanceof Unmapped ? field.value : field
    ]))
  };
}
function eachQuoted(field) {
  return field instanceof Quoted && isIterable(field.value) ? Array.from(field.value, quote) : field;
}
function lengthOf({ map }) {
  return Object.values(map).reduce((most, each) => Math.max(most, Array.isArray(each) ? each.length : 0), 0);
}
function isObject(field) {
  return typeof field === "object" && field !== null;
}
function isIterable(field) {
  return isObject(field) && Symbol.iterator in field;
}

// client/limits/limits.ts
var has = (what, ...fields) => ({
  what,
  is: (body) => typeof body === "object" && body !== null && fields.every((field) => field in body)
});
var A_RULE = has("a rule", "pattern", "changedAt");
var A_LIMIT = has("a limit", "key", "running", "waiting");
var LIMITS = has("limits", "rules", "limits", "nextAfter");
var Limits = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /**
   * Sets the rule for each key that the pattern matches. It acts at once on what waits.
   *
   * @throws {ValidationError} for a rule that the service does not take
   */
  async set(pattern, rule, options = {}) {
    return await this.#call("PUT", pattern, {
      body: rule,
      expects: A_RULE,
      ...options
    });
  }
  /** @throws {NotFoundError} if there is no rule with just this pattern */
  async remove(pattern, options = {}) {
    await this.#call("DELETE", pattern, {
      expects: null,
      ...options
    });
  }
  /** How many tasks with a key run and wait, and what limits them. */
  async get(key, options = {}) {
    return await this.#call("GET", key, {
      expects: A_LIMIT,
      ...options
    });
  }
  /** All rules, by their patterns. */
  async rules({ signal } = {}) {
    return (await this.#page("?limit=1", signal)).rules;
  }
  /** The limits that were used in the last hour, by their keys, read page by page. */
  async *list({ signal } = {}) {
    for (let after2 = ""; ; ) {
      const query = after2 === "" ? "" : `&after=${encodeURIComponent(after2)}`;
      const page = await this.#page(`?limit=200${query}`, signal);
      yield* page.limits;
      after2 = page.nextAfter;
      if (after2 === null) return;
    }
  }
  async #page(query, signal) {
    const call = {
      method: "GET",
      path: `/v1/limits${query}`,
      expects: LIMITS,
      signal
    };
    return (await this.connection.http.call(call)).body;
  }
  async #call(method, key, rest) {
    const path = `/v1/limits/${encodeURIComponent(key)}`;
    return (await this.connection.http.call({
      method,
      path,
      ...rest
    })).body;
  }
};

// client/tasks/tasks.ts
var TASKS = {
  what: "tasks",
  is: (body) => Array.isArray(body?.tasks)
};
var LOGS = {
  what: "lines of a log",
  is: (body) => Array.isArray(body?.logs)
};
var Tasks = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /**
   * The tasks that fit the filter, newest first, read page by page.
   *
   * @throws {ValidationError} for a filter that the service does not take
   */
  async *list(filter = {}, { pageSize = 100, signal } = {}) {
    const query = queryOf(filter);
    query.set("limit", String(pageSize));
    for (; ; ) {
      const path = `/v1/tasks?${query}`;
      const { body } = await this.connection.http.call({
        method: "GET",
        path,
        expects: TASKS,
        signal
      });
      yield* body.tasks;
      if (body.nextCursor === null) return;
      query.set("cursor", body.nextCursor);
    }
  }
  /** How many fit the filter, as far as the service has time to count. */
  async count(filter = {}, { signal } = {}) {
    const query = queryOf(filter);
    query.set("limit", "1");
    query.set("count", "true");
    const path = `/v1/tasks?${query}`;
    const { body } = await this.connection.http.call({
      method: "GET",
      path,
      expects: TASKS,
      signal
    });
    return body.count;
  }
  /** What the function of a task has logged so far, read page by page. */
  async *logs(id, { after: after2 = 0, signal } = {}) {
    for (let from = after2; from !== null; ) {
      const path = `/v1/tasks/${checkId("task", id)}/logs?after=${from}`;
      const { body } = await this.connection.http.call({
        method: "GET",
        path,
        expects: LOGS,
        signal
      });
      yield* body.logs;
      from = body.nextAfter;
    }
  }
  /** The tasks that wait for a task, or have waited for it, in no order: up to 100. */
  async dependents(id, { signal } = {}) {
    const path = `/v1/tasks/${checkId("task", id)}/dependents`;
    return (await this.connection.http.call({
      method: "GET",
      path,
      expects: TASKS,
      signal
    })).body;
  }
  /**
   * Submits a new task like an ended one, also like a completed one, perhaps with another input. However
   * often the call is sent, it is one task.
   *
   * @throws {ConflictError} if it has not ended
   */
  async rerun(id, { input, idempotencyKey = aKey(), signal } = {}) {
    const { body: task, headers } = await this.connection.http.call({
      method: "POST",
      path: `/v1/tasks/${checkId("task", id)}/rerun`,
      body: {
        input
      },
      headers: {
        "idempotency-key": idempotencyKey
      },
      expects: A_TASK,
      signal
    });
    const seen = {
      task: task.task,
      type: task.state.type
    };
    return new TaskFuture(this.connection, task.id, seen, headers.has("errand-deduplicated"));
  }
};

// client/schedules/schedules.ts
var has2 = (what, ...fields) => ({
  what,
  is: (body) => typeof body === "object" && body !== null && fields.every((field) => field in body)
});
var A_SCHEDULE = has2("a schedule", "name", "spec", "next");
var SCHEDULES = has2("schedules", "schedules", "nextCursor");
var TIMES = has2("times", "times");
var A_BACKFILL = has2("the tasks of a backfill", "tasks", "existing");
var Schedules = class {
  connection;
  constructor(connection2) {
    this.connection = connection2;
  }
  /**
   * Makes a schedule, or changes it as a whole. The same again changes nothing, and where it stands stays.
   *
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
   * the fault
   * @throws {ConflictError} if code declares it
   */
  put(name, config, options = {}) {
    return this.#call("PUT", name, "", {
      body: config,
      ...options
    });
  }
  /**
   * Changes some of it. Null takes a field away.
   *
   * @throws {NotFoundError} and as `put`
   */
  patch(name, patch, options = {}) {
    return this.#call("PATCH", name, "", {
      body: patch,
      ...options
    });
  }
  /** @throws {NotFoundError} */
  get(name, options = {}) {
    return this.#call("GET", name, "", options);
  }
  /** All schedules by their names, read page by page. */
  async *list({ signal } = {}) {
    for (let cursor = ""; ; ) {
      const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/schedules?limit=100${query}`;
      const { body } = await this.connection.http.call({
        method: "GET",
        path,
        expects: SCHEDULES,
        signal
      });
      yield* body.schedules;
      cursor = body.nextCursor;
      if (cursor === null) return;
    }
  }
  /** It fires no more until it is resumed. @throws {NotFoundError} */
  pause(name, note, options = {}) {
    return this.#call("POST", name, "/pause", {
      body: {
        note
      },
      ...options
    });
  }
  /** It goes on with its first time behind now. @throws {NotFoundError} */
  resume(name, options = {}) {
    return this.#call("POST", name, "/resume", options);
  }
  /**
   * Submits a task of it now, also while it is paused, and whatever runs. However often the call is sent, it
   * is one task.
   *
   * @throws {NotFoundError}
   * @throws {ValidationError} for an input that the definition does not take
   */
  async trigger(name, { input, idempotencyKey = aKey(), signal } = {}) {
    const headers = {
      "idempotency-key": idempotencyKey
    };
    const task = await this.#call("POST", name, "/trigger", {
      body: {
        input
      },
      headers,
      expects: A_TASK,
      signal
    });
    return new TaskFuture(this.connection, task.id, {
      task: task.task,
      type: task.state.type
    });
  }
  /**
   * Submits the tasks of times that have passed, but for those that are there; at most 1,000.
   *
   * @param range instants, both included; dates or ISO 8601
   * @throws {NotFoundError}
   * @throws {ValidationError} for a range that is not over yet, or has too many times
   */
  async backfill(name, { from, to }, { signal } = {}) {
    const body = {
      from: textOf(from),
      to: textOf(to)
    };
    const { tasks } = await this.#call("POST", name, "/backfill", {
      body,
      expects: A_BACKFILL,
      signal
    });
    return tasks.map(({ id, scheduledFor }) => ({
      future: new TaskFuture(this.connection, id),
      scheduledFor
    }));
  }
  /**
   * The next times of a spec, ISO 8601. Nothing is stored.
   *
   * @throws {ValidationError}
   */
  async preview(times, { count, signal } = {}) {
    const body = {
      ...times,
      count
    };
    const call = {
      method: "POST",
      path: "/v1/schedules/preview",
      body,
      expects: TIMES,
      signal
    };
    return (await this.connection.http.call(call)).body.times;
  }
  /**
   * Its tasks stay.
   *
   * @throws {NotFoundError}
   * @throws {ConflictError} if code declares it
   */
  async delete(name, options = {}) {
    await this.#call("DELETE", name, "", {
      expects: null,
      ...options
    });
  }
  async #call(method, name, path, { expects = A_SCHEDULE, ...rest }) {
    const at = `/v1/schedules/${encodeURIComponent(name)}${path}`;
    return (await this.connection.http.call({
      method,
      path: at,
      expects,
      ...rest
    })).body;
  }
};
function textOf(instant) {
  return typeof instant === "string" ? instant : instant.toISOString();
}

// client/client.ts
var MS_PER_THOUSAND = 1e3;
var A_MAP = {
  what: "the submitted tasks",
  is(body) {
    const { groupId, tasks } = body ?? {};
    return typeof groupId === "string" && Array.isArray(tasks) && tasks.every((task) => typeof task?.id === "string");
  }
};
var Client = class {
  /** Queues: what is in them, and pausing them, a definition, or everything. */
  queues;
  #connection;
  /** What submits tasks over time. */
  schedules;
  limits;
  /** Lists of tasks. */
  tasks;
  /** Lists of groups. The future of one: `group(id)`. */
  groups;
  definitions;
  keys;
  workers;
  /** One action on many tasks. */
  bulk;
  /** @throws {TypeError} if the URL is no absolute http(s) URL */
  constructor({ log = logged, ...options }) {
    const http = new Http(options);
    this.#connection = {
      http,
      completions: new CompletionHub(http),
      statuses: new StatusBatcher(http),
      log
    };
    this.schedules = new Schedules(this.#connection);
    this.limits = new Limits(this.#connection);
    this.queues = new Queues(this.#connection);
    this.tasks = new Tasks(this.#connection);
    this.groups = new Groups(this.#connection);
    this.definitions = new DefinitionList(this.#connection);
    this.keys = new Keys(this.#connection);
    this.workers = new Workers(this.#connection);
    this.bulk = new Bulk(this.#connection);
  }
  /**
   * Submits a task. When this resolves, the task is on disk.
   *
   * After a lost connection it is sent again under the same Idempotency-Key, so it never becomes two tasks.
   *
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
   * the fault
   * @throws {ConflictError} if the id is taken
   */
  async submit(name, ...[input, options = {}]) {
    const { id, signal, idempotencyKey, ...taskOptions } = options;
    const body = {
      task: name,
      input,
      id,
      options: taskOptionsOf(taskOptions)
    };
    const call = {
      signal,
      idempotencyKey
    };
    const { body: task, headers } = await this.#answerOf("/v1/tasks", body, A_TASK, call);
    const seen = {
      task: name,
      type: task.state.type
    };
    return new TaskFuture(this.#connection, task.id, seen, headers.has("errand-deduplicated"));
  }
  /**
   * The future of a task that was submitted anywhere, at any time. Asks nothing yet.
   *
   * @throws {TypeError} if the id is no UUID
   */
  future(id) {
    return new TaskFuture(this.#connection, id);
  }
  /**
   * The future of a group that was made anywhere, at any time. Asks nothing yet.
   *
   * @throws {TypeError} if the id is no UUID
   */
  group(groupId) {
    return new GroupFuture(this.#connection, groupId);
  }
  /**
   * Cancels tasks that have not ended: those of a list of ids, or all that a filter matches, at most 10,000.
   *
   * @throws {ValidationError} if the filter matches more, or says nothing: then none is cancelled
   */
  cancelTasks(which, reason, options) {
    return cancelTasks(this.#connection, which, reason, options);
  }
  async map(name, given2, moreOrOptions = {}, options = {}) {
    const what = eachQuoted(given2);
    return Symbol.iterator in what ? await this.#map(name, {
      inputs: [
        ...what
      ]
    }, moreOrOptions) : await this.#map(name, mappingOf({
      ...what,
      ...moreOrOptions
    }), options);
  }
  async #map(task, what, { signal, idempotencyKey, maxConcurrent, ...taskOptions }) {
    const body = {
      task,
      ...what,
      options: taskOptionsOf(taskOptions),
      maxConcurrent
    };
    const length = "inputs" in what ? what.inputs.length : lengthOf(what);
    const waitMs = MS_PER_THOUSAND * Math.floor(length / 1e3);
    const options = {
      signal,
      idempotencyKey,
      waitMs
    };
    const { groupId, tasks } = await this.#post("/v1/map", body, A_MAP, options);
    const seen = /* @__PURE__ */ new Map();
    const seenAs = (type) => seen.get(type) ?? seen.set(type, {
      task,
      type
    }).get(type);
    const futures = tasks.map(({ id, state }) => new TaskFuture(this.#connection, id, seenAs(state?.type)));
    return new TaskFutures(futures, groupId);
  }
  /**
   * A task for a canvas, as the function `sig` makes it; here its name, its input and its field `into` have
   * to be those of a definition.
   */
  sig(name, input, options) {
    return sig(name, input, options);
  }
  /**
   * Submits all tasks of a canvas at once, or none: made by `sig`, `chain`, `group`, `chord` and `chunks`.
   *
   * The names and inputs in it, and what each gets from the one before, are compared with the definitions of
   * this client. A canvas that does not fit is no argument for this call; the compiler's message says why.
   *
   * @param options for all its tasks, where they have none of their own; the tags are added to theirs
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
   * the fault
   */
  async run(canvas, { signal, idempotencyKey, ...taskOptions } = {}) {
    const body = {
      ...flowOf(canvas),
      options: taskOptionsOf(taskOptions)
    };
    return new FlowFuture(this.#connection, await this.#post("/v1/flows", body, A_FLOW, {
      signal,
      idempotencyKey
    }));
  }
  /**
   * A URL at which a browser's `EventSource`, which can send no token, reads one stream:
   * `/v1/tasks/{id}/events` or `/v1/as-completed` with its query. It can be opened for a minute, or for
   * `ttlSeconds`, by whoever has it.
   *
   * @throws {ValidationError} if it is the path of no stream
   * @throws {UnauthorizedError} if the token may not read
   */
  async streamUrl(path, options = {}) {
    return await streamUrl(this.#connection.http, path, options);
  }
  /** What waits and runs, and what happened in the last `minutes`: 1 to 60, default 15. */
  stats(options = {}) {
    return statsOf(this.#connection, options);
  }
  /** Each change of a task's state from now on, in all processes. A `gap` says that some may be missing. */
  events(options = {}) {
    return eventsOf(this.#connection, options);
  }
  async #post(path, body, expects, options) {
    return (await this.#answerOf(path, body, expects, options)).body;
  }
  /** A call that makes something: it is made once, however often the call is sent. */
  async #answerOf(path, body, expects, { idempotencyKey = aKey(), ...rest }) {
    const headers = {
      "idempotency-key": idempotencyKey
    };
    return await this.#connection.http.call({
      method: "POST",
      path,
      body,
      headers,
      expects,
      ...rest
    });
  }
};
function logged(message, error) {
  console.error(`errand: ${message}:`, error);
}
export {
  AsCompletedTimeoutError,
  Bulk,
  CancelledError,
  Client,
  ConflictError,
  ConnectionError,
  CrashedError,
  DefinitionList,
  ErrandError,
  FailureAllowed,
  FlowFuture,
  ForgottenError,
  GroupError,
  GroupFuture,
  Groups,
  Keys,
  Limits,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NotFoundError,
  ProblemError,
  Queues,
  Quoted,
  RemoteError,
  Schedules,
  TaskError,
  TaskFuture,
  TaskFutures,
  Tasks,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownDefinitionError,
  ValidationError,
  Workers,
  allowFailure,
  asCompleted,
  chain,
  chord,
  chunks,
  gather,
  group,
  quote,
  sig,
  unmapped,
  wait
};
