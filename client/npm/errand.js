// Made by `deno task client` from client/*.ts.
// @ts-self-types="./errand.d.ts"
// client/chunks.ts
function chunksOf(list, size) {
  const chunks = [];
  for (let from = 0; from < list.length; from += size) chunks.push(list.slice(from, from + size));
  return chunks;
}

// client/errors.ts
var ErrandError = class extends Error {
  name = "ErrandError";
};
var RemoteError = class _RemoteError extends Error {
  retryable;
  /** Where the operator shows stacks. */
  remoteStack;
  constructor({ name, message, cause, stack, retryable }) {
    super(message, cause ? {
      cause: new _RemoteError(cause)
    } : void 0);
    this.name = name;
    this.retryable = retryable;
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
  constructor({ id, state, error }) {
    const { name, message, cause, stack, retryable } = error ?? {
      name: "Error",
      message: state.message ?? `it ended ${state.type}`,
      retryable: false
    };
    super(message, cause ? {
      cause: new RemoteError(cause)
    } : void 0);
    this.id = id;
    this.state = state;
    this.remoteName = name;
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
  /** As given to the cancel; else what the service says; null if nobody gave one. */
  reason;
  constructor({ id, state }) {
    super(`task ${id} ended ${state.type} ${state.name}${state.message ? `: ${state.message}` : ""}`);
    this.id = id;
    this.state = state;
    this.reason = state.message;
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
var ConflictError = class extends ProblemError {
  name = "ConflictError";
};
var NotFoundError = class extends ProblemError {
  name = "NotFoundError";
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
var MappingMissingIterableError = class extends ErrandError {
  name = "MappingMissingIterableError";
};
var MappingLengthMismatchError = class extends ErrandError {
  name = "MappingLengthMismatchError";
};

// client/answer.ts
var EXCERPT = 200;
var GATEWAY = {
  502: "Bad gateway",
  503: "Unavailable",
  504: "Gateway timeout"
};
async function readAnswer(response, call) {
  const { status, headers } = response;
  const text = await response.text();
  if (!response.ok) throw refusal(response, text, call);
  if (status === 204) return {
    status,
    headers,
    body: null
  };
  if (!typeOf(response).endsWith("json")) throw unexpected("JSON", response, text, call);
  const body = parsed(text);
  if (body === void 0) throw unexpected("JSON", response, text, call);
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
      return new NotFoundError(problem);
    case 409:
      return new ConflictError(problem);
    case 410:
      return slug === "task-forgotten" ? new ForgottenError(problem) : new ProblemError(problem);
    case 422:
      if (slug === "unknown-definition") return new UnknownDefinitionError(problem);
      return slug === "validation-failed" ? new ValidationError(problem) : new ProblemError(problem);
    case 429:
    case 502:
    case 503:
    case 504:
      return new UnavailableError(problem, retryAfterMs2);
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
  if (value !== void 0) return value;
  const excerpt = JSON.stringify(data.slice(0, EXCERPT));
  throw new UnexpectedAnswerError(`expected JSON in an event of ${call}, but got ${excerpt}`, 200);
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

// client/event_stream.ts
import { createParser } from "eventsource-parser";

// client/backoff.ts
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
   * The pause before the next try, spread so that many clients do not come back together; null when the time is up.
   *
   * @param atLeastMs what the server asked for
   */
  next(atLeastMs = 0) {
    const { forMs, delayMs, maxDelayMs } = this.#rule;
    this.#since ??= performance.now();
    const computedMs = Math.min(maxDelayMs, delayMs * 2 ** this.failures++);
    const pauseMs = Math.max(atLeastMs, computedMs) * (0.5 + Math.random() / 2) + atLeastMs / 2;
    return this.elapsedMs + pauseMs > forMs ? null : pauseMs;
  }
  /** It got somewhere: what fails from now on is another matter. */
  reset() {
    this.#since = null;
    this.failures = 0;
  }
};

// client/time.ts
var LONGEST_TIMER_MS = 2 ** 31 - 1;
function checkTimeout(timeoutMs) {
  if (timeoutMs === void 0) return Infinity;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new RangeError(`timeoutMs must be a number of milliseconds from 0 on; it is ${timeoutMs}`);
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
  const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
}
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    const stop = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, {
      once: true
    });
  });
}
var Limit = class {
  #abort = new AbortController();
  #outer;
  #stop = () => {
  };
  constructor(outer) {
    this.#outer = outer;
    if (outer?.aborted) this.#onAbort();
    else outer?.addEventListener("abort", this.#onAbort, {
      once: true
    });
  }
  get signal() {
    return this.#abort.signal;
  }
  /** From now on: something has to come within `ms`. */
  within(ms) {
    this.#stop();
    this.#stop = after(ms, () => this.#abort.abort(new Error(`nothing came within ${ms} ms`)));
  }
  /** To be called in any case: lets go of the timer and of the outer signal, and ends what still runs. */
  end() {
    this.#stop();
    this.#outer?.removeEventListener("abort", this.#onAbort);
    this.#abort.abort(new Error("it is over"));
  }
  #onAbort = () => this.#abort.abort(this.#outer.reason);
};

// client/http.ts
var REQUEST_TIMEOUT_MS = 3e4;
var KEY_POINTER = "/header/idempotency-key";
var Http = class {
  #base;
  #fetch;
  #headers;
  requestTimeoutMs;
  retry;
  /** @throws {TypeError} for a URL or a header that cannot be one */
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
  /** The answer to a call, once there is one. */
  async call(call) {
    const request = this.request(call);
    const backoff = new Backoff(this.retry);
    for (; ; ) {
      call.signal?.throwIfAborted();
      try {
        return await this.#once(request, call);
      } catch (error) {
        call.signal?.throwIfAborted();
        const pauseMs = call.repeatable === false || !isPassing(error) ? null : backoff.next(askedMs(error));
        if (pauseMs === null) throw tried(error, backoff);
        await pause(pauseMs, call.signal);
      }
    }
  }
  async #once(request, { signal, waitMs = 0, limitMs = this.requestTimeoutMs }) {
    const limit = new Limit(signal);
    limit.within(limitMs + waitMs);
    try {
      return await readAnswer(await request.send(limit.signal), request.name);
    } catch (error) {
      throw error instanceof ErrandError ? error : connectionError(request.name, error);
    } finally {
      limit.end();
    }
  }
  /** @throws {TypeError} if the body is nothing that JSON can say */
  request({ method, path, body, headers }) {
    const all = new Headers(this.#headers);
    all.set("accept", "application/json, application/problem+json");
    if (body !== void 0) all.set("content-type", "application/json");
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    const text = body === void 0 ? void 0 : JSON.stringify(body);
    const url = this.#base + path;
    return {
      // How errors speak of it: without the query, which may be long.
      name: `${method} ${url.split("?")[0]}`,
      send: (signal) => this.#fetch(url, {
        method,
        headers: all,
        body: text,
        signal
      })
    };
  }
};
function baseOf(url) {
  const parsed2 = URL.parse(url);
  if (parsed2 === null || !/^https?:$/.test(parsed2.protocol)) {
    throw new TypeError(`url must be an absolute http or https URL, as http://127.0.0.1:8000; it is ${quoted(url)}`);
  }
  if (parsed2.search !== "" || parsed2.hash !== "" || parsed2.username !== "") {
    throw new TypeError(`url must have no user, query or fragment; it is ${quoted(url)}`);
  }
  return parsed2.href.replace(/\/+$/, "");
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

// client/event_stream.ts
var SILENCE_MS = 45e3;
var GOOD_MS = 5e3;
var CLOSING_MS = 1e3;
async function* eventStream(http, call, last = [
  "end"
]) {
  const backoff = new Backoff(http.retry);
  let lastEventId;
  let askedMs2 = 0;
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
    const openedAt = performance.now();
    let failure;
    try {
      const onRetry = (ms) => askedMs2 = ms;
      for await (const event of connection(http, request, call.signal, last, onRetry)) {
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
    if (performance.now() - openedAt >= GOOD_MS) backoff.reset();
    const pauseMs = backoff.next(backoff.failures === 0 ? 0 : askedMs2);
    if (pauseMs === null) throw gaveUp(request, failure, backoff);
    await pause(pauseMs, call.signal);
  }
}
async function* connection(http, request, signal, last, onRetry) {
  const limit = new Limit(signal);
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
      onRetry
    });
    const reader = (await readStream(response, request.name)).getReader();
    const decoder = new TextDecoder();
    for (; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      limit.within(SILENCE_MS);
      parser.feed(decoder.decode(value, {
        stream: true
      }));
      for (const { id, event = "message", data } of arrived.splice(0)) {
        if (last.includes(event)) {
          limit.within(CLOSING_MS);
          await closed(reader);
        }
        yield {
          id,
          event,
          data
        };
      }
    }
  } finally {
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

// client/completion_stream.ts
var MOST_IDS = 1e3;
var LONGEST_TIMEOUT_SECONDS = 30 * 24 * 60 * 60;
async function* completions(http, query, { timeoutMs = Infinity, signal } = {}) {
  const timeoutSeconds = timeoutMs === Infinity ? void 0 : Math.min(timeoutMs / 1e3, LONGEST_TIMEOUT_SECONDS);
  const call = {
    method: "POST",
    path: "/v1/as-completed",
    body: {
      ...query,
      timeoutSeconds
    },
    signal
  };
  for await (const event of eventStream(http, call, [
    "end",
    "timeout"
  ])) {
    const completion = completionOf(event);
    if (completion !== null) yield completion;
  }
}
function completionOf({ event, data }) {
  if (event === "timeout") return {
    kind: "timeout"
  };
  if (event !== "task") return null;
  const task = parseEvent(data, "/v1/as-completed");
  return task.forgotten ? {
    kind: "gone",
    id: task.id
  } : {
    kind: "task",
    task
  };
}

// client/wire.ts
var TERMINAL = [
  "COMPLETED",
  "FAILED",
  "CRASHED",
  "CANCELLED"
];
function isTerminal({ type }) {
  return TERMINAL.includes(type);
}

// client/arrivals.ts
var MOST_STREAMS = 3;
var GATHER_MS = 25;
var Arrivals = class {
  #http;
  #waiters = /* @__PURE__ */ new Map();
  /** Waited for, and in no stream yet. */
  #fresh = /* @__PURE__ */ new Set();
  #streams = /* @__PURE__ */ new Set();
  #isScheduled = false;
  constructor(http) {
    this.#http = http;
  }
  /** Tells the waiter once, after this call; gives what stops it. */
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
    if (this.#streams.size < MOST_STREAMS) queueMicrotask(() => this.#open());
    else after(GATHER_MS, () => this.#open());
  }
  #open() {
    this.#isScheduled = false;
    const ids = [
      ...this.#fresh
    ];
    this.#fresh.clear();
    if (ids.length === 0) return;
    while (this.#streams.size >= MOST_STREAMS) {
      const [smallest] = [
        ...this.#streams
      ].sort((a, b) => a.ids.size - b.ids.size);
      if (smallest.ids.size + ids.length > MOST_IDS) break;
      ids.push(...smallest.ids);
      this.#close(smallest);
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
  #close(stream) {
    this.#streams.delete(stream);
    stream.abort.abort();
  }
  async #read(stream) {
    const { ids, abort: { signal } } = stream;
    const asked = [
      ...ids
    ];
    try {
      for await (const completion of completions(this.#http, {
        ids: asked
      }, {
        signal
      })) {
        if (completion.kind === "timeout") continue;
        const id = completion.kind === "task" ? completion.task.id : completion.id;
        ids.delete(id);
        if (completion.kind === "task") this.#tell(id, (waiter) => waiter.onEnd(completion.task));
        else await this.#explain(id);
      }
      if (ids.size > 0) throw new ErrandError(`the stream ended before ${ids.size} of its tasks had`);
      this.#streams.delete(stream);
    } catch (error) {
      if (this.#streams.delete(stream)) await this.#fail(asked, ids, error);
    }
  }
  /** A task that is not there must not take the others with it. */
  async #fail(asked, left, error) {
    const missing = missingOf(asked, error).filter((id) => left.delete(id));
    for (const id of left) {
      if (missing.length === 0) this.#tell(id, (waiter) => waiter.onError(error));
      else this.#again(id);
    }
    for (const id of missing) await this.#explain(id);
  }
  /** Asks for the one task, to say what has become of it. */
  async #explain(id) {
    try {
      const { body: task } = await this.#http.call({
        method: "GET",
        path: `/v1/tasks/${id}`
      });
      if (isTerminal(task.state)) this.#tell(id, (waiter) => waiter.onEnd(task));
      else this.#again(id);
    } catch (error) {
      this.#tell(id, (waiter) => waiter.onError(error));
    }
  }
  #again(id) {
    if (!this.#waiters.has(id)) return;
    this.#fresh.add(id);
    this.#schedule();
  }
  #tell(id, tell) {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiters ?? []) tell(waiter);
  }
};
function missingOf(ids, error) {
  if (!(error instanceof NotFoundError || error instanceof ForgottenError)) return [];
  const places = error.errors.map(({ pointer }) => /^\/ids\/(\d+)$/.exec(pointer)?.[1]);
  return places.flatMap((place) => place === void 0 ? [] : ids[Number(place)] ?? []);
}

// client/outcome.ts
function errorOf(task) {
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

// client/task_future.ts
var internals;
var TaskFuture = class {
  id;
  #connection;
  #ended = null;
  /** Bound, as functions that take a future would keep a `TaskFuture<number>` from being a `TaskFuture<unknown>`. */
  #callbacks = [];
  /** Stops waiting for the sake of callbacks. */
  #stopWatching = null;
  /** Made by a client: `submit`, `map`, `future`. */
  constructor(connection2, id) {
    this.#connection = connection2;
    this.id = id;
  }
  async result(options = {}) {
    const task = options.cancelOnTimeout ? await this.#endedOrCancelled(options) : await this.#end(options);
    const error = errorOf(task);
    if (error === null) return task.result;
    if (options.raiseOnFailure === false) return error;
    throw error;
  }
  /**
   * The error with which the task failed, as soon as it has ended; null if it completed.
   *
   * @throws {CancelledError | TimeoutError | NotFoundError | ForgottenError} as `result`
   */
  async exception(options = {}) {
    const error = errorOf(await this.#end(options));
    if (error instanceof CancelledError) throw error;
    return error;
  }
  /** Waits for the end, however it may be. True: it has ended; false: not in time. */
  async wait(options = {}) {
    try {
      await this.#end(options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }
  /** The whole task as it is now. */
  async task({ signal } = {}) {
    if (this.#ended) return this.#ended;
    const { body: task } = await this.#call("GET", "", {
      signal
    });
    if (isTerminal(task.state)) this.#settle(task);
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
   * True: it is cancelled (also if it was before), or runs and was asked to stop; a function may ignore that for
   * `graceMs`. False: too late, it has ended otherwise.
   */
  async cancel(reason, options = {}) {
    const { graceMs, signal } = options;
    try {
      await this.#call("POST", "/cancel", {
        body: {
          reason,
          graceMs
        },
        signal
      });
      return true;
    } catch (error) {
      if (error instanceof ConflictError && error.problem.outcome === "too_late") return false;
      throw error;
    }
  }
  /**
   * Runs an ended task that did not complete once more, under the same id. It is not sent twice: after a
   * ConnectionError the state says whether it arrived.
   *
   * @throws {ConflictError} if it has not ended, or completed
   */
  async retry({ signal, ...change } = {}) {
    await this.#call("POST", "/retry", {
      body: change,
      signal,
      repeatable: false
    });
    this.#ended = null;
  }
  /**
   * Deletes the ended task and all that it stored. From then on it is a ForgottenError.
   *
   * @throws {ConflictError} if it has not ended
   */
  async forget({ signal } = {}) {
    try {
      await this.#call("DELETE", "", {
        signal
      });
    } catch (error) {
      if (!(error instanceof ForgottenError)) throw error;
    }
    this.#ended = null;
  }
  /**
   * Everything that happens to the task, from the first event on, or behind the one numbered `after`. Goes on by
   * itself after a cut, with nothing missing and nothing twice. Ends behind the `result` or `error`.
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
   * Called once with this future when the task has ended; at once if that is known already. Callbacks run in the
   * order in which they were added. What one throws is logged, and nothing else.
   */
  addDoneCallback(callback) {
    const run = () => this.#run(callback);
    if (this.#ended) return run();
    this.#callbacks.push({
      of: callback,
      run
    });
    this.#stopWatching ??= this.#connection.arrivals.watch(this.id, {
      onEnd: (task) => this.#settle(task),
      onError: (error) => {
        this.#stopWatching = null;
        this.#connection.log(`the callbacks of task ${this.id} were not called`, error);
      }
    });
  }
  /** Gives how many there were of it. */
  removeDoneCallback(callback) {
    const before = this.#callbacks.length;
    this.#callbacks = this.#callbacks.filter(({ of }) => of !== callback);
    if (this.#callbacks.length === 0) this.#unwatch();
    return before - this.#callbacks.length;
  }
  static {
    internals = {
      connectionOf: (future) => future.#connection,
      knownEnd: (future) => future.#ended,
      settle: (future, task) => future.#settle(task)
    };
  }
  #settle(task) {
    if (this.#ended) return;
    this.#ended = task;
    this.#unwatch();
    for (const { run } of this.#callbacks.splice(0)) run();
  }
  #unwatch() {
    this.#stopWatching?.();
    this.#stopWatching = null;
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
    try {
      return await this.#end(options);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      await this.cancel("its caller's time was over", {
        signal: options.signal
      });
      const task = await this.#end({
        signal: options.signal
      });
      if (task.state.type === "CANCELLED") throw error;
      return task;
    }
  }
  /** The ended task. */
  #end({ timeoutMs, signal }) {
    return new Promise((resolve, reject) => {
      const limitMs = checkTimeout(timeoutMs);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended) return resolve(this.#ended);
      const stops = [];
      const stop = () => stops.forEach((each) => each());
      const onEnd = (task) => {
        stop();
        this.#settle(task);
        resolve(task);
      };
      const onError = (error) => {
        stop();
        reject(error);
      };
      const onAbort = () => onError(signal.reason);
      signal?.addEventListener("abort", onAbort, {
        once: true
      });
      stops.push(() => signal?.removeEventListener("abort", onAbort), after(limitMs, () => {
        this.#lastLook(limitMs, signal).then(onEnd, onError);
      }));
      if (limitMs > 0) stops.push(this.#connection.arrivals.watch(this.id, {
        onEnd,
        onError
      }));
    });
  }
  /** At the deadline the service itself is asked: news may be on its way still. */
  async #lastLook(limitMs, signal) {
    const late = `task ${this.id} has not ended within ${limitMs} ms`;
    let isDone;
    try {
      isDone = await this.#connection.looks.isDone(this.id);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      throw new TimeoutError(`${late}, as far as is known: ${error.message}`, {
        cause: error
      });
    }
    if (isDone) return (await this.#call("GET", "", {
      signal
    })).body;
    throw new TimeoutError(late);
  }
  async #call(method, path, rest) {
    return await this.#connection.http.call({
      method,
      path: `/v1/tasks/${this.id}${path}`,
      ...rest
    });
  }
};

// client/futures.ts
function uniqueOf(futures) {
  const known = /* @__PURE__ */ new Map();
  return [
    ...futures
  ].filter((future) => {
    const connection2 = internals.connectionOf(future);
    const ids = known.get(connection2) ?? /* @__PURE__ */ new Set();
    known.set(connection2, ids);
    return ids.size < ids.add(future.id).size;
  });
}
function byConnection(futures) {
  const groups = /* @__PURE__ */ new Map();
  for (const future of futures) {
    const connection2 = internals.connectionOf(future);
    const group = groups.get(connection2) ?? /* @__PURE__ */ new Map();
    groups.set(connection2, group.set(future.id, future));
  }
  return groups;
}

// client/merge.ts
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

// client/as_completed.ts
var GRACE_MS = 2e3;
function asCompleted(futures, { timeoutMs, signal } = {}) {
  return iterate(futures, new Deadline(checkTimeout(timeoutMs)), signal);
}
async function* iterate(given, deadline, signal) {
  signal?.throwIfAborted();
  const futures = uniqueOf(given);
  const pending = new Set(futures);
  for (const future of futures) {
    if (internals.knownEnd(future) === null) continue;
    pending.delete(future);
    yield future;
  }
  const groupId = futures.length > MOST_IDS ? groupOf(given) : null;
  const sources = sourcesOf([
    ...pending
  ], groupId);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal?.addEventListener("abort", onAbort, {
    once: true
  });
  try {
    for await (const { future, task } of merged(sources.map((source) => read(source, deadline, stop.signal)))) {
      if (!pending.delete(future)) continue;
      if (task) internals.settle(future, task);
      yield future;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stop.abort();
  }
  if (pending.size === 0) return;
  if (deadline.leftMs === 0) throw new AsCompletedTimeoutError(futures.length, [
    ...pending
  ]);
  throw new ErrandError(`the stream ended before ${pending.size} of its tasks had`);
}
function groupOf(given) {
  return given.groupId ?? null;
}
function sourcesOf(futures, groupId) {
  const sources = [];
  for (const [connection2, ofIt] of byConnection(futures)) {
    if (groupId !== null) {
      sources.push({
        connection: connection2,
        futures: ofIt,
        groupId
      });
      continue;
    }
    for (const chunk of chunksOf([
      ...ofIt
    ], MOST_IDS)) {
      sources.push({
        connection: connection2,
        futures: new Map(chunk),
        groupId: null
      });
    }
  }
  return sources;
}
async function* read({ connection: connection2, futures, groupId }, deadline, signal) {
  const query = groupId === null ? {
    ids: [
      ...futures.keys()
    ]
  } : {
    groupId
  };
  const limit = new Limit(signal);
  limit.within(deadline.leftMs + GRACE_MS);
  try {
    const options = {
      timeoutMs: deadline.leftMs,
      signal: limit.signal
    };
    for await (const completion of completions(connection2.http, query, options)) {
      if (completion.kind === "timeout") return;
      const task = completion.kind === "task" ? completion.task : null;
      const future = futures.get(completion.kind === "task" ? completion.task.id : completion.id);
      if (future) yield {
        future,
        task
      };
    }
  } catch (error) {
    const isLate = limit.signal.aborted && !signal.aborted;
    if (!isLate) throw error;
  } finally {
    limit.end();
  }
}

// client/gather.ts
async function gather(given, { returnExceptions = false, cancelOnAbort = false, ...limits } = {}) {
  const raiseOnFailure = !returnExceptions;
  const results = /* @__PURE__ */ new Map();
  try {
    for await (const future of asCompleted(given, limits)) {
      results.set(future.id, await future.result({
        raiseOnFailure,
        signal: limits.signal
      }));
    }
  } catch (error) {
    if (cancelOnAbort && limits.signal?.aborted) await cancelAll(given);
    throw error;
  }
  return [
    ...given
  ].map(({ id }) => results.get(id));
}
async function cancelAll(futures, reason) {
  return await Promise.all([
    ...futures
  ].map((future) => future.cancel(reason)));
}

// client/looks.ts
var LOOK_MS = 2e3;
var Looks = class {
  #http;
  #next = null;
  constructor(http) {
    this.#http = http;
  }
  /** One try, of at most two seconds. */
  async isDone(id) {
    if (this.#next === null || this.#next.ids.size === MOST_IDS) {
      const ids = /* @__PURE__ */ new Set();
      this.#next = {
        ids,
        done: Promise.resolve().then(() => this.#look(ids))
      };
    }
    this.#next.ids.add(id);
    return (await this.#next.done).has(id);
  }
  async #look(ids) {
    if (this.#next?.ids === ids) this.#next = null;
    const { body } = await this.#http.call({
      method: "POST",
      path: "/v1/wait",
      body: {
        ids: [
          ...ids
        ],
        timeoutSeconds: 0
      },
      repeatable: false,
      limitMs: LOOK_MS
    });
    return new Set(body.done.map(({ id }) => id));
  }
};

// client/mapping.ts
var Unmapped = class {
  value;
  constructor(value) {
    this.value = value;
  }
};
function unmapped(value) {
  return new Unmapped(value);
}
function inputsOf(fields) {
  const values = Object.entries(fields).map(([name, field]) => isMapped(field) ? {
    name,
    each: [
      ...field
    ]
  } : {
    name,
    all: field instanceof Unmapped ? field.value : field
  });
  const lengths = values.flatMap(({ name, each }) => each ? [
    {
      name,
      length: each.length
    }
  ] : []);
  if (lengths.length === 0) {
    const names = Object.keys(fields);
    throw new MappingMissingIterableError(`map needs at least one field that is an iterable to go through; ` + (names.length > 0 ? `${names.join(", ")} are none` : "no field is given"));
  }
  if (new Set(lengths.map(({ length }) => length)).size > 1) {
    const said = lengths.map(({ name, length }) => `${name} has ${length}`).join(", ");
    throw new MappingLengthMismatchError(`map needs iterables of one length; ${said}. What each task is to get as a whole is marked with unmapped(\u2026)`);
  }
  return Array.from({
    length: lengths[0].length
  }, (_, i) => Object.fromEntries(values.map(({ name, each, all }) => [
    name,
    each ? each[i] : all
  ])));
}
function isMapped(field) {
  return typeof field === "object" && field !== null && Symbol.iterator in field;
}

// client/wait.ts
var RETURN_WHEN = [
  "FIRST_COMPLETED",
  "FIRST_EXCEPTION",
  "ALL_COMPLETED"
];
var LONGEST_WAIT_MS = 6e4;
async function wait(given, { returnWhen = "ALL_COMPLETED", timeoutMs, signal } = {}) {
  if (!RETURN_WHEN.includes(returnWhen)) {
    throw new RangeError(`returnWhen must be one of ${RETURN_WHEN.join(", ")}; it is ${String(returnWhen)}`);
  }
  const deadline = new Deadline(checkTimeout(timeoutMs));
  signal?.throwIfAborted();
  const futures = uniqueOf(given);
  const over = new AbortController();
  const onAbort = () => over.abort(signal.reason);
  signal?.addEventListener("abort", onAbort, {
    once: true
  });
  try {
    const parts = partsOf(futures).map((part) => waitForPart(part, returnWhen, deadline, over, signal));
    const isDone = new Set((await Promise.all(parts)).flat());
    return {
      done: futures.filter((future) => isDone.has(future)),
      notDone: futures.filter((future) => !isDone.has(future))
    };
  } finally {
    over.abort();
    signal?.removeEventListener("abort", onAbort);
  }
}
function partsOf(futures) {
  return [
    ...byConnection(futures)
  ].flatMap(([connection2, ofIt]) => chunksOf([
    ...ofIt
  ], MOST_IDS).map((chunk) => ({
    connection: connection2,
    futures: new Map(chunk)
  })));
}
async function waitForPart({ connection: connection2, futures }, returnWhen, deadline, over, signal) {
  const ask = async (waitMs, signal2) => {
    const body = {
      ids: [
        ...futures.keys()
      ],
      returnWhen,
      timeoutSeconds: waitMs / 1e3
    };
    return (await connection2.http.call({
      method: "POST",
      path: "/v1/wait",
      body,
      waitMs,
      signal: signal2
    })).body;
  };
  for (; ; ) {
    const { done, notDone } = await ask(Math.min(deadline.leftMs, LONGEST_WAIT_MS), over.signal).catch((error) => {
      signal?.throwIfAborted();
      if (over.signal.aborted) return ask(0, signal);
      throw error;
    });
    if (returnWhen !== "ALL_COMPLETED" && done.some((task) => isEnough(task, returnWhen))) over.abort();
    if (over.signal.aborted || notDone.length === 0 || deadline.leftMs === 0) {
      return done.map(({ id }) => futures.get(id));
    }
  }
}
function isEnough({ state: { type } }, returnWhen) {
  return returnWhen === "FIRST_COMPLETED" || type === "FAILED" || type === "CRASHED";
}

// client/task_futures.ts
var TaskFutures = class extends Array {
  /** The group on the service; null for an empty list, and for more tasks than a group takes. */
  groupId;
  /** Made by a client's `map`. */
  constructor(futures, groupId) {
    super();
    this.push(...futures);
    this.groupId = groupId;
    Object.freeze(this);
  }
  // What `filter` and `map` make is a plain array: it is not the group any more.
  static get [Symbol.species]() {
    return Array;
  }
  /**
   * All values in the order of the inputs. The first one in that order that failed is thrown at its turn.
   *
   * @throws as `TaskFuture.result`; the timeout is one for all
   */
  async results(options = {}) {
    const deadline = new Deadline(checkTimeout(options.timeoutMs));
    const pending = this.map((future) => future.result({
      ...options,
      timeoutMs: deadline.leftMs
    }));
    for (const each of pending) each.catch(() => {
    });
    const results = [];
    for (const each of pending) results.push(await each);
    return results;
  }
  /**
   * The values one by one in the order of the inputs, as from Python's `Executor.map`: the first that failed is thrown
   * at its turn, and an error, or leaving the loop, cancels the tasks that have not ended.
   *
   * @param options `timeoutMs` is one deadline for the whole iteration, from this call on
   */
  inOrder(options = {}) {
    return this.#inOrder(new Deadline(checkTimeout(options.timeoutMs)), options.signal);
  }
  async *#inOrder(deadline, signal) {
    let given = 0;
    try {
      for (const future of this) {
        const value = await future.result({
          timeoutMs: deadline.leftMs,
          signal
        });
        given++;
        yield value;
      }
    } finally {
      if (given < this.length) await cancelAll(this.slice(given));
    }
  }
  /** The futures as their tasks end. */
  asCompleted(options = {}) {
    return asCompleted(this, options);
  }
  wait(options = {}) {
    return wait(this, options);
  }
  /** Cancels those that have not ended; for each, whether it was in time. */
  cancel(reason) {
    return cancelAll(this, reason);
  }
};

// client/client.ts
var MOST_IN_A_BATCH = 1e3;
var BATCH_CHARACTERS = 4 * 1024 * 1024;
var MOST_IN_A_GROUP = 1e4;
var Client = class {
  #connection;
  /** @throws {TypeError} if the URL is no absolute http(s) URL */
  constructor({ log = logged, ...options }) {
    const http = new Http(options);
    this.#connection = {
      http,
      arrivals: new Arrivals(http),
      looks: new Looks(http),
      log
    };
  }
  /**
   * Submits a task. When this resolves, the task is on disk.
   *
   * After a lost connection it is sent again under the same Idempotency-Key, so it never becomes two tasks.
   *
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at the fault
   * @throws {ConflictError} if the id is taken
   */
  async submit(name, ...[input, options = {}]) {
    const { id, signal, idempotencyKey = aKey(), ...taskOptions } = options;
    const { body: task } = await this.#connection.http.call({
      method: "POST",
      path: "/v1/tasks",
      body: {
        task: name,
        input,
        id,
        options: taskOptions
      },
      headers: {
        "idempotency-key": idempotencyKey
      },
      signal
    });
    return this.future(task.id);
  }
  /** The future of a task that was submitted anywhere, at any time. Asks nothing yet. */
  future(id) {
    return new TaskFuture(this.#connection, id);
  }
  async map(name, what, moreOrOptions = {}, options = {}) {
    return Symbol.iterator in what ? await this.#submitAll(name, [
      ...what
    ], moreOrOptions) : await this.#submitAll(name, inputsOf({
      ...what,
      ...moreOrOptions
    }), options);
  }
  async #submitAll(name, inputs, options) {
    const { signal, idempotencyKey = aKey(), ...taskOptions } = options;
    const batches = batchesOf(inputs.map((input) => ({
      task: name,
      input,
      options: taskOptions
    })));
    const futures = [];
    let groupId = null;
    try {
      for (const [i, tasks] of batches.entries()) {
        const { body } = await this.#connection.http.call({
          method: "POST",
          path: "/v1/tasks/batch",
          body: {
            tasks,
            group: batches.length === 1
          },
          headers: {
            "idempotency-key": `${idempotencyKey}:${i}`
          },
          signal
        });
        futures.push(...body.tasks.map(({ id }) => this.future(id)));
        groupId = body.groupId;
      }
      if (batches.length > 1 && futures.length <= MOST_IN_A_GROUP) {
        const body = {
          ids: futures.map(({ id }) => id)
        };
        groupId = (await this.#connection.http.call({
          method: "POST",
          path: "/v1/groups",
          body,
          signal
        })).body.id;
      }
    } catch (error) {
      await cancelAll(futures, "a later part of the same map was refused").catch(() => {
      });
      throw error;
    }
    return new TaskFutures(futures, groupId);
  }
};
function batchesOf(submissions) {
  const batches = [];
  let characters = 0;
  for (const submission of submissions) {
    const length = JSON.stringify(submission).length;
    const last = batches.at(-1);
    if (last === void 0 || last.length === MOST_IN_A_BATCH || characters + length > BATCH_CHARACTERS) {
      batches.push([
        submission
      ]);
      characters = length;
    } else {
      last.push(submission);
      characters += length;
    }
  }
  return batches;
}
function aKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
function logged(message, error) {
  console.error(`errand: ${message}:`, error);
}
export {
  AsCompletedTimeoutError,
  CancelledError,
  Client,
  ConflictError,
  ConnectionError,
  CrashedError,
  ErrandError,
  ForgottenError,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  NotFoundError,
  ProblemError,
  RemoteError,
  TaskError,
  TaskFuture,
  TaskFutures,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownDefinitionError,
  ValidationError,
  asCompleted,
  gather,
  unmapped,
  wait
};
