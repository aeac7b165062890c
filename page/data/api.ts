// Calls to the service that has served this page.

/** The path that the service is reached at, without a slash at its end. */
export const BASE = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** An answer that is no success, as the service tells it. */
export class CallError extends Error {
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    message: string,
    readonly faults: readonly { pointer: string; message: string }[] = [],
  ) {
    super(message);
  }

  get isGone(): boolean {
    return this.status === 0;
  }
}

export interface CallOptions {
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** Told each time that a call has been answered, or was not. */
type Watcher = (status: number) => void;
const watchers = new Set<Watcher>();

export function watchCalls(watcher: Watcher): void {
  watchers.add(watcher);
}

const LONGEST_MS = 30_000;
const LATE = "late";

/**
 * @param path as `/v1/tasks?limit=50`
 * @throws {CallError}
 */
export async function call<Answer>(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  // What AbortSignal.timeout makes, a garbage collection may take away before its time.
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(() => limit.abort(LATE), LONGEST_MS);
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener("abort", abort);
  try {
    return await answered(method, path, options, limit.signal);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}

async function answered<Answer>(
  method: string,
  path: string,
  options: CallOptions,
  limit: AbortSignal,
): Promise<Answer> {
  const response = await answerOf(method, path, options, limit);
  for (const watcher of watchers) watcher(response.status);
  const text = await response.text().catch(() => {
    throw new CallError(0, "the answer of the service was cut off");
  });
  const isJson = response.headers.get("content-type")?.includes("json");
  const value = isJson && text !== "" ? JSON.parse(text) : null;
  if (response.ok) return value as Answer;
  throw new CallError(
    response.status,
    value?.detail ?? `the answer is ${response.status}`,
    value?.errors,
  );
}

async function answerOf(
  method: string,
  path: string,
  options: CallOptions,
  limit: AbortSignal,
): Promise<Response> {
  const { body, signal, headers = {} } = options;
  try {
    return await fetch(BASE + path, {
      method,
      // A session changes something only for calls of this page: routes/access/session.ts.
      headers: {
        "errand-page": "1",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: limit,
      credentials: "same-origin",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    for (const watcher of watchers) watcher(0);
    throw new CallError(
      0,
      limit.reason === LATE ? "the service takes too long to answer" : "the service does not answer",
    );
  }
}

export function get<Answer>(
  path: string,
  signal?: AbortSignal,
): Promise<Answer> {
  return call("GET", path, { signal });
}

export function post<Answer>(
  path: string,
  body: unknown = {},
): Promise<Answer> {
  return call("POST", path, { body });
}

/** `?a=1&b=2` of what is given; empty texts are left out. */
export function queryOf(
  values: Record<string, string | number | null | undefined>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") {
      query.set(name, String(value));
    }
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
