// What the client says when something else answers than a healthy service: over real sockets, to a listener
// that says whatever the test wants, byte for byte. Every call must end with an error that tells what is
// wrong; none may hang.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import {
  asCompleted,
  Client,
  ConflictError,
  ConnectionError,
  ErrandError,
  ForgottenError,
  gather,
  NotFoundError,
  ProblemError,
  sig,
  TaskError,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  wait,
} from "../../client/mod.ts";
import { UNKNOWN_ID } from "../support/service.ts";
import { aClient, type Errand } from "../support/client_service.ts";
import { eventually, HANGS_MS, pause, unlessItHangs } from "../support/waiting.ts";

const ID = UNKNOWN_ID;
const OTHER_ID = "01999999-9999-7999-8999-99999999999a";
const TASK = { id: ID, state: { type: "PENDING", name: "Pending" } };
const ENDED = { id: ID, state: { type: "COMPLETED", name: "Completed" }, result: 3 };
const GROUP = { id: ID, total: 1, done: 0, counts: { PENDING: 1 }, nodes: [TASK], edges: [] };
const PAGE = "<!doctype html><title>It works!</title>";
const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";

interface Received {
  method: string;
  path: string;
  headers: Headers;
  body: string;
  at: number;
}

/** What is sent, and whether the connection is closed then, or held until the client closes it. */
interface Reply {
  text: string;
  held?: boolean;
}

/** Decides what the nth request (from 0 on) gets. */
type Script = (request: Received, n: number) => Reply;

/** Takes one request per connection. */
class Listener implements AsyncDisposable {
  readonly received: Received[] = [];
  /** Held connections that the client has closed. */
  hungUp = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #script: Script;
  readonly #connections = new Set<Deno.Conn>();
  readonly #work: Promise<void>[] = [];

  constructor(script: Script) {
    this.#script = script;
    this.#work.push(this.#accept());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  get paths(): string[] {
    return this.received.map(({ method, path }) => `${method} ${path}`);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) this.#work.push(this.#serve(connection));
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    this.#connections.add(connection);
    try {
      const request = await requestOn(connection);
      if (request === null) return;
      const { text, held = false } = this.#script(request, this.received.push(request) - 1);
      await sent(connection, text);
      if (!held) return;
      while (await connection.read(new Uint8Array(1_024)) !== null);
      this.hungUp++;
    } catch {
      // A connection that the client closes with answers on the way to it says so with an error.
      this.hungUp++;
    } finally {
      if (this.#connections.delete(connection)) connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await Promise.all(this.#work);
  }
}

async function sent(connection: Deno.Conn, text: string): Promise<void> {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}

/** Null if the connection was closed before there was one. */
async function requestOn(connection: Deno.Conn): Promise<Received | null> {
  const chunk = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) {
      const [first, ...lines] = text.slice(0, end).split("\r\n");
      const [method, path] = first.split(" ");
      const headers = new Headers(lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string];
      }));
      const body = text.slice(end + 4);
      // Everything that is sent here is ASCII.
      if (body.length >= Number(headers.get("content-length"))) {
        return { method, path, headers, body, at: performance.now() };
      }
    }
    const length = await connection.read(chunk);
    if (length === null) return null;
    text += decoder.decode(chunk.subarray(0, length), { stream: true });
  }
}

const CUT: Reply = { text: "" };
const SILENCE: Reply = { text: "", held: true };

interface AnswerOptions {
  headers?: Record<string, string>;
  /** As announced; by default the length that it has. */
  length?: number;
}

function answer(
  status: number,
  type: string | null,
  body: string,
  { headers = {}, length = body.length }: AnswerOptions = {},
): Reply {
  const all = Object.entries({ ...(type === null ? {} : { "content-type": type }), ...headers });
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return {
    text:
      `HTTP/1.1 ${status} Whatever\r\n${lines}content-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
  };
}

function page(status: number): Reply {
  return answer(status, "text/html; charset=utf-8", PAGE);
}

function json(status: number, body: unknown): Reply {
  return answer(status, JSON_TYPE, JSON.stringify(body));
}

function problem(status: number, slug: string, more = {}, headers: Record<string, string> = {}): Reply {
  const body = { type: `/problems/${slug}`, title: slug, status, detail: `what ${slug} means`, ...more };
  return answer(status, PROBLEM_TYPE, JSON.stringify(body), { headers });
}

/** Its body ends when the connection is closed. */
function stream(text: string, held = false): Reply {
  return {
    text: `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${text}`,
    held,
  };
}

function event(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

type Call = (errand: Errand, signal?: AbortSignal) => Promise<unknown>;

const STREAMS: Record<string, Call> = {
  result: (errand, signal) => errand.future(ID).result({ signal }),
  exception: (errand, signal) => errand.future(ID).exception({ signal }),
  events: (errand, signal) => Array.fromAsync(errand.future(ID).events({ signal })),
  asCompleted: (errand, signal) => Array.fromAsync(asCompleted([errand.future(ID)], { signal })),
  gather: (errand, signal) => gather([errand.future(ID)], { signal }),
};

const ANSWERS: Record<string, Call> = {
  submit: (errand, signal) => errand.submit("add", { a: 1, b: 2 }, { signal }),
  map: (errand, signal) => errand.map("add", [{ a: 1, b: 2 }], { signal }),
  run: (errand, signal) => errand.run(sig("add", { a: 1, b: 2 }), { signal }),
  members: (errand, signal) => errand.group(ID).members({ signal }),
  counts: (errand, signal) => errand.group(ID).counts({ signal }),
  cancelGroup: (errand, signal) => errand.group(ID).cancel("why", { signal }),
  task: (errand, signal) => errand.future(ID).task({ signal }),
  wait: (errand, signal) => wait([errand.future(ID)], { timeoutMs: 100, signal }),
  cancel: (errand, signal) => errand.future(ID).cancel("why", { signal }),
  forget: (errand, signal) => errand.future(ID).forget({ signal }),
};

/** All that can be repeated without harm. */
const CALLS = { ...ANSWERS, ...STREAMS };

const FAST = { retry: { forMs: 300, delayMs: 20 } };
/** Time for more than one try, also on a machine that has other things to do. */
const MORE_THAN_ONCE = { retry: { forMs: 1_500, delayMs: 100 } };

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...all: any[]) => E;

/** The error with which it fails: of exactly this class, and saying this. It may be awaited later. */
function failed<E extends Error>(
  what: string,
  promise: Promise<unknown>,
  type: ErrorClass<E>,
  ...says: RegExp[]
): Promise<E> {
  const gave = (value: unknown) => assert.fail(`${what} gave ${JSON.stringify(value)}`);
  const error = unlessItHangs(promise.then(gave, (error: unknown) => error), what).then((error) => {
    assert.ok(error instanceof Error, `${what} threw ${error}`);
    assert.equal(error.constructor, type, `${what} threw ${error.name}: ${error.message}`);
    for (const pattern of says) assert.match(error.message, pattern, `${what} threw ${error.message}`);
    return error as E;
  });
  error.catch(() => {});
  return error;
}

/** Each call against a listener of its own, all at once. */
async function forEach(
  calls: Record<string, Call>,
  script: Script,
  check: (name: string, run: (signal?: AbortSignal) => Promise<unknown>, listener: Listener) => Promise<void>,
  options: Parameters<typeof aClient>[1] = FAST,
): Promise<void> {
  const checks = await Promise.allSettled(
    Object.entries(calls).map(async ([name, call]) => {
      await using listener = new Listener(script);
      const errand = aClient(listener.url, options);
      await check(name, (signal) => call(errand, signal), listener);
    }),
  );
  // Only now, as what goes on behind the end of a test would be the next one's.
  for (const check of checks) if (check.status === "rejected") throw check.reason;
}

/** Every call gets the same answer, and fails with it at the first request. */
async function failAtOnce<E extends Error>(
  reply: Reply,
  type: ErrorClass<E>,
  says: RegExp[],
  calls: Record<string, Call> = CALLS,
): Promise<void> {
  await forEach(calls, () => reply, async (name, run, { received }) => {
    await failed(name, run(), type, ...says);
    assert.equal(received.length, 1, `${name} was tried again`);
  });
}

/** A port that is taken, and on which nobody listens: it is the other end of a connection. */
async function aDeafPort(): Promise<AsyncDisposable & { url: string }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  const connection = await Deno.connect({ hostname, port });
  const other = await listener.accept();
  return {
    url: `http://127.0.0.1:${connection.localAddr.port}`,
    [Symbol.asyncDispose]() {
      for (const each of [connection, other, listener]) each.close();
      return Promise.resolve();
    },
  };
}

// URLs

for (const url of ["", "foo", "/v1", "ftp://x", "localhost:8000", "127.0.0.1:8000", "file:///tmp"]) {
  Deno.test(`${JSON.stringify(url)} is no URL of a service, as the constructor says`, () => {
    assert.throws(() => new Client({ url }), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /url must be an absolute http or https URL/);
      assert.ok(error.message.includes(JSON.stringify(url)), error.message);
      return true;
    });
  });
}

for (const end of ["?a=1", "/x?a=1", "#a"]) {
  Deno.test(`a URL that ends with ${end} is refused by the constructor`, () => {
    const url = `http://127.0.0.1:8000${end}`;
    assert.throws(() => new Client({ url }), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /url must have no user, query or fragment/);
      assert.ok(error.message.includes(JSON.stringify(url)), error.message);
      return true;
    });
  });
}

Deno.test("a URL with a user is refused by the constructor", () => {
  const rule = { name: "TypeError", message: /url must have no user, query or fragment/ };
  assert.throws(() => new Client({ url: "http://me:secret@127.0.0.1:8000" }), rule);
});

Deno.test("an empty query or fragment is a query or a fragment: it is refused by the constructor", () => {
  const rule = { name: "TypeError", message: /url must have no user, query or fragment/ };
  for (const url of ["http://127.0.0.1:8000/?", "http://127.0.0.1:8000#"]) {
    assert.throws(() => new Client({ url }), rule, url);
  }
});

Deno.test("a path in the URL is kept, with and without a slash at its end", async () => {
  await using listener = new Listener(() => json(200, ENDED));
  for (const path of ["", "/", "/errand", "/errand/"]) {
    await aClient(listener.url + path, FAST).future(ID).task();
  }
  const own = `/v1/tasks/${ID}`;
  assert.deepEqual(listener.received.map(({ path }) => path), [own, own, `/errand${own}`, `/errand${own}`]);
});

// Nobody there

Deno.test("where nobody listens every call says so after its retries, and how often it was tried", async () => {
  await using port = await aDeafPort();
  await Promise.all(
    Object.entries(CALLS).map(async ([name, call]) => {
      const promise = call(aClient(port.url, MORE_THAN_ONCE));
      const says = name in STREAMS ? /\(\d+ connections in \d+\.\d s/ : /\(tried \d+ times in \d+\.\d s\)/;
      const error = await failed(name, promise, ConnectionError, /got no answer: .*refused/, says);
      const times = Number(/\((?:tried )?(\d+)/.exec(error.message)![1]);
      assert.ok(times >= 2, error.message);
      assert.ok(error.message.includes(port.url), error.message);
    }),
  );
});

Deno.test("with retries for 0 ms nothing is tried again", async () => {
  await using port = await aDeafPort();
  const errand = aClient(port.url, { retry: { forMs: 0 } });
  for (const [name, call] of Object.entries(CALLS)) {
    await failed(name, call(errand), ConnectionError, /got no answer: .*refused/);
  }
});

Deno.test("where nobody listens a result's timeout is a TimeoutError that says what is wrong", async () => {
  await using port = await aDeafPort();
  const errand = aClient(port.url);
  const error = await failed(
    "result",
    errand.future(ID).result({ timeoutMs: 50 }),
    TimeoutError,
    /has not ended within 50 ms, as far as is known: .*refused/,
  );
  assert.ok(error.cause instanceof ConnectionError);
});

// Somebody else there

for (const status of [200, 404]) {
  Deno.test(`an HTML page with ${status} is an UnexpectedAnswerError at once`, async () => {
    const came = new RegExp(`was answered with ${status}, text/html; charset=utf-8: .*It works!`);
    await failAtOnce(page(status), UnexpectedAnswerError, [/^expected /, came]);
  });
}

Deno.test("a page of 200 KB is quoted with its first 200 characters", async () => {
  await using listener = new Listener(() => answer(200, "text/html", PAGE + "x".repeat(200_000)));
  const error = await failed(
    "task",
    aClient(listener.url).future(ID).task(),
    UnexpectedAnswerError,
    /It works!/,
  );
  assert.equal(error.status, 200);
  assert.ok(error.message.length < 500, `${error.message.length} characters`);
});

Deno.test("a 500 that is not this service's is an UnexpectedAnswerError at once", async () => {
  await failAtOnce(page(500), UnexpectedAnswerError, [/^expected an answer of Errand/, /answered with 500/]);
});

for (const [what, body, came] of [["text", "OK", /"OK"/], ["an empty body", "", /no body/]] as const) {
  Deno.test(`${what} that is called JSON is an UnexpectedAnswerError at once`, async () => {
    const says = [/^expected /, /was answered with 200, application\/json: /, came];
    await failAtOnce(answer(200, JSON_TYPE, body), UnexpectedAnswerError, says, ANSWERS);
  });
}

Deno.test("JSON where a stream was asked for is an UnexpectedAnswerError at once", async () => {
  const says = [/^expected a stream of events/, /was answered with 200, application\/json: .*healthy/];
  await failAtOnce(json(200, { status: "healthy" }), UnexpectedAnswerError, says, STREAMS);
});

Deno.test("an answer without a content type is an UnexpectedAnswerError at once", async () => {
  await failAtOnce(answer(200, null, "hello"), UnexpectedAnswerError, [/no content type: "hello"/]);
});

for (const body of [{ status: "healthy" }, null, [], "hello"]) {
  Deno.test(`JSON of another service, as ${JSON.stringify(body)}, is an UnexpectedAnswerError at once`, async () => {
    const { cancel: _, forget: __, ...calls } = ANSWERS;
    const says = [/^expected /, /healthy|null|\[\]|hello/];
    await failAtOnce(json(200, body), UnexpectedAnswerError, says, calls);
  });
}

Deno.test("an answer that ends too early is asked for again, and a ConnectionError in the end", async () => {
  const reply = answer(200, JSON_TYPE, JSON.stringify(ENDED), { length: 10_000 });
  await forEach(ANSWERS, () => reply, async (name, run, { received }) => {
    await failed(name, run(), ConnectionError, /tried \d+ times in/);
    assert.ok(received.length >= 2, `${name} was tried ${received.length} times`);
  }, MORE_THAN_ONCE);
});

Deno.test("an answer that ends too early is followed by a whole one", async () => {
  const early = answer(200, JSON_TYPE, JSON.stringify(ENDED), { length: 10_000 });
  await using listener = new Listener((_, n) => n === 0 ? early : json(200, ENDED));
  const task = await unlessItHangs(aClient(listener.url, FAST).future(ID).task(), "task");
  assert.equal(task.result, 3);
  assert.equal(listener.received.length, 2);
});

// Refusals

for (const status of [401, 403]) {
  Deno.test(`${status} as a problem is an UnauthorizedError with its detail, at once`, async () => {
    await failAtOnce(problem(status, "unauthorized"), UnauthorizedError, [/^what unauthorized means$/]);
  });

  Deno.test(`${status} as a page is an UnauthorizedError that quotes it, at once`, async () => {
    const says = [new RegExp(`was answered with ${status}, text/html`), /It works!/];
    await failAtOnce(page(status), UnauthorizedError, says);
  });
}

Deno.test("500 as a problem is a ProblemError with its detail, at once", async () => {
  await failAtOnce(problem(500, "internal"), ProblemError, [/^what internal means$/]);
});

Deno.test("a problem that is no JSON is an UnexpectedAnswerError that quotes it", async () => {
  const reply = answer(404, PROBLEM_TYPE, "{not JSON");
  await failAtOnce(reply, UnexpectedAnswerError, [
    /answered with 404, application\/problem\+json: .*not JSON/,
  ]);
});

for (const status of [429, 503]) {
  const busy = problem(status, "busy", {}, { "retry-after": "1" });

  Deno.test(`after ${status} a call comes again when Retry-After says`, async () => {
    const { submit, task } = ANSWERS;
    await forEach(
      { submit, task },
      (_, n) => n === 0 ? busy : json(200, TASK),
      async (name, run, listener) => {
        await unlessItHangs(run(), name);
        const [first, second] = listener.received;
        assert.equal(listener.received.length, 2, name);
        assert.ok(second.at - first.at >= 950, `${name} came back after ${second.at - first.at} ms`);
      },
      {},
    );
  });

  Deno.test(`after ${status} a stream comes again when Retry-After says`, async () => {
    const done = event(1, "task", ENDED) + event(2, "end", { total: 1, yielded: 1 });
    await forEach(STREAMS, (_, n) => n === 0 ? busy : stream(done), async (name, run, listener) => {
      await unlessItHangs(run(), name);
      const [first, second] = listener.received;
      assert.equal(listener.received.length, 2, name);
      assert.ok(second.at - first.at >= 950, `${name} came back after ${second.at - first.at} ms`);
    }, {});
  });

  Deno.test(`${status} beyond the time for retries is an UnavailableError`, async () => {
    const later = problem(status, "busy", {}, { "retry-after": "60" });
    const { submit, task, result, events } = CALLS;
    await forEach({ submit, task, result, events }, () => later, async (name, run) => {
      const error = await failed(name, run(), UnavailableError, /^what busy means$/);
      assert.equal(error.retryAfterMs, 60_000, name);
    });
  });
}

Deno.test("a Retry-After within the time for retries is waited for, each time", async () => {
  const soon = problem(503, "busy", {}, { "retry-after": "8" });
  await using listener = new Listener(() => soon);
  const enough = new RangeError("enough");
  const abort = new AbortController();
  const calls = Array.from({ length: 20 }, () => {
    return failed("task", aClient(listener.url).future(ID).task({ signal: abort.signal }), RangeError);
  });
  await eventually(() => listener.received.length === calls.length);
  await pause(50);
  abort.abort(enough);
  for (const call of calls) assert.equal(await call, enough);
});

for (const status of [502, 503, 504]) {
  Deno.test(`a gateway's page with ${status} is passed over, by calls and by streams`, async () => {
    const done = event(1, "task", ENDED) + event(2, "end", { total: 1, yielded: 1 });
    const healthy: Script = ({ method, path, body }) => {
      if (method === "DELETE") return { text: "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n" };
      if (path.endsWith("/cancel")) {
        return json(200, { outcome: "cancelled", cancelled: 1, requested: 0, tooLate: 0 });
      }
      if (path.startsWith("/v1/groups")) return json(200, GROUP);
      if (path === "/v1/flows") {
        return json(200, { groupId: ID, tasks: { "0": TASK }, result: { $task: ID } });
      }
      if (/as-completed|events/.test(path)) return stream(done);
      if (path.endsWith("/wait")) return json(200, { done: [TASK], notDone: [] });
      return json(200, body.includes("inputs") ? { tasks: [TASK], groupId: ID } : TASK);
    };
    await forEach(
      CALLS,
      (call, n) => n < 2 ? page(status) : healthy(call, n),
      async (name, run, listener) => {
        await unlessItHangs(run(), name);
        assert.equal(listener.received.length, 3, name);
      },
      { retry: { delayMs: 20 } },
    );
  });
}

// Cuts of single calls

Deno.test("a submit whose connection is cut comes again with the same key and the same body", async () => {
  await using listener = new Listener((_, n) => n < 2 ? CUT : json(202, TASK));
  const errand = aClient(listener.url, { retry: { delayMs: 20 } });
  const future = await unlessItHangs(errand.submit("add", { a: 1, b: 2 }, { tags: ["x"] }), "submit");
  assert.equal(future.id, ID);
  const [first, ...again] = listener.received;
  assert.equal(again.length, 2);
  assert.match(first.headers.get("idempotency-key")!, /^[0-9a-f]{32}$/);
  assert.deepEqual(JSON.parse(first.body), { task: "add", input: { a: 1, b: 2 }, options: { tags: ["x"] } });
  for (const { headers, body } of again) {
    assert.equal(headers.get("idempotency-key"), first.headers.get("idempotency-key"));
    assert.equal(body, first.body);
  }
});

Deno.test("a submit whose answer is cut in its middle comes again with the same key", async () => {
  const early = answer(202, JSON_TYPE, '{"id":', { length: 500 });
  await using listener = new Listener((_, n) => n === 0 ? early : json(202, TASK));
  await unlessItHangs(aClient(listener.url, FAST).submit("add", { a: 1, b: 2 }), "submit");
  const keys = listener.received.map(({ headers }) => headers.get("idempotency-key"));
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

Deno.test("two submits have different keys, and one that was given is used", async () => {
  await using listener = new Listener(() => json(202, TASK));
  const errand = aClient(listener.url, FAST);
  await errand.submit("add", { a: 1, b: 2 });
  await errand.submit("add", { a: 1, b: 2 });
  await errand.submit("add", { a: 1, b: 2 }, { idempotencyKey: "mine" });
  const keys = listener.received.map(({ headers }) => headers.get("idempotency-key"));
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[2], "mine");
});

Deno.test("a map whose connection is cut comes again with the same key and the same body", async () => {
  await using listener = new Listener((_, n) => n === 0 ? CUT : json(202, { tasks: [TASK], groupId: ID }));
  const futures = await unlessItHangs(aClient(listener.url, FAST).map("add", [{ a: 1, b: 2 }]), "map");
  assert.equal(futures.groupId, ID);
  const [first, second] = listener.received;
  assert.equal(listener.received.length, 2);
  assert.ok(first.headers.get("idempotency-key"));
  assert.equal(second.headers.get("idempotency-key"), first.headers.get("idempotency-key"));
  assert.equal(second.body, first.body);
});

Deno.test("a run whose connection is cut comes again with the same key and the same body", async () => {
  const flow = { groupId: ID, tasks: { "0": TASK }, result: { $task: ID } };
  await using listener = new Listener((_, n) => n === 0 ? CUT : json(202, flow));
  const errand = aClient(listener.url, FAST);
  const { groupId, names } = await unlessItHangs(
    errand.run(sig("add", { a: 1, b: 2 }), { tags: ["x"] }),
    "run",
  );
  assert.deepEqual([groupId, names], [ID, ["0"]]);
  const [first, second] = listener.received;
  assert.deepEqual(listener.paths, ["POST /v1/flows", "POST /v1/flows"]);
  assert.deepEqual(JSON.parse(first.body), {
    chain: [{ task: "add", input: { a: 1, b: 2 } }],
    options: { tags: ["x"] },
  });
  assert.match(first.headers.get("idempotency-key")!, /^[0-9a-f]{32}$/);
  assert.equal(second.headers.get("idempotency-key"), first.headers.get("idempotency-key"));
  assert.equal(second.body, first.body);
});

Deno.test("a flow that hands on the result of a task that is none of its own is no flow", async () => {
  const strange = [
    { groupId: ID, tasks: { "0": TASK }, result: [{ $task: OTHER_ID }] },
    { groupId: ID, tasks: { "0": null }, result: null },
    { groupId: ID, tasks: null, result: null },
    { tasks: { "0": TASK }, result: { $task: ID } },
  ];
  for (const flow of strange) {
    const { run } = ANSWERS;
    await failAtOnce(json(202, flow), UnexpectedAnswerError, [/^expected the tasks of a flow/], { run });
  }
});

Deno.test("a timeout of a group is kept where nobody answers", async () => {
  const calls: Record<string, Call> = {
    results: (errand) => errand.group(ID).results({ timeoutMs: 50 }),
    wait: (errand) => errand.group(ID).wait({ timeoutMs: 50 }),
    asCompleted: (errand) => Array.fromAsync(errand.group(ID).asCompleted({ timeoutMs: 50 })),
  };
  // Nothing else ends them.
  const patient = { requestTimeoutMs: 10 * HANGS_MS, retry: { forMs: 10 * HANGS_MS } };
  await forEach(calls, () => SILENCE, async (name, run) => {
    await failed(name, run(), TimeoutError, /^nobody told in time which tasks are in group/);
  }, patient);
});

Deno.test("an answer of a map that has no group, or no ids, is an UnexpectedAnswerError", async () => {
  const { map } = ANSWERS;
  for (const body of [{ tasks: [TASK] }, { groupId: ID, tasks: [{}] }, { groupId: ID, tasks: [null] }]) {
    await failAtOnce(json(202, body), UnexpectedAnswerError, [/^expected the submitted tasks/], { map });
  }
});

Deno.test("a retry whose answer was lost runs the task once: it is for the end that was seen", async () => {
  const ended = (seq: number) => {
    const state = { type: "FAILED", name: "Failed", message: null };
    const body = { id: ID, state, result: null, error: null, history: [{ ...state, seq, attempt: 1 }] };
    return answer(200, JSON_TYPE, JSON.stringify(body), { headers: { etag: `"${seq}"` } });
  };
  const script = [ended(3), CUT, problem(412, "precondition-failed"), ended(6)];
  await using listener = new Listener((_, n) => script[n]);
  await unlessItHangs(aClient(listener.url, FAST).future(ID).retry(), "retry");
  const [get, post] = [`GET /v1/tasks/${ID}`, `POST /v1/tasks/${ID}/retry`];
  assert.deepEqual(listener.paths, [get, post, post, get]);
  assert.deepEqual(listener.received.slice(1, 3).map(({ headers }) => headers.get("if-match")), [
    '"3"',
    '"3"',
  ]);
});

Deno.test("a forget whose first answer was lost has worked when the second says so", async () => {
  await using listener = new Listener((_, n) => n === 0 ? CUT : problem(410, "task-forgotten"));
  await unlessItHangs(aClient(listener.url, FAST).future(ID).forget(), "forget");
  assert.deepEqual(listener.paths, [`DELETE /v1/tasks/${ID}`, `DELETE /v1/tasks/${ID}`]);
});

Deno.test("a cancel whose first answer was lost is sent again", async () => {
  await using listener = new Listener((_, n) => n === 0 ? CUT : json(200, { outcome: "cancelled" }));
  assert.equal(await unlessItHangs(aClient(listener.url, FAST).future(ID).cancel(), "cancel"), true);
  assert.equal(listener.received.length, 2);
});

Deno.test("a submit whose first call is under way still waits for that", async () => {
  const errors = [{ pointer: "/header/idempotency-key", message: "the first call is not done" }];
  await using listener = new Listener((_, n) =>
    n < 3 ? problem(409, "conflict", { errors }) : json(202, TASK)
  );
  const errand = aClient(listener.url, { retry: { delayMs: 20 } });
  assert.equal((await unlessItHangs(errand.submit("add", { a: 1, b: 2 }), "submit")).id, ID);
  assert.equal(listener.received.length, 4);
  assert.equal(new Set(listener.received.map(({ headers }) => headers.get("idempotency-key"))).size, 1);
});

Deno.test("another conflict is a ConflictError at once", async () => {
  const errors = [{ pointer: "/id", message: "it is taken" }];
  await failAtOnce(problem(409, "conflict", { errors }), ConflictError, [/^what conflict means$/]);
});

// Silence

Deno.test("a service that never answers is given up after requestTimeoutMs, and the connections closed", async () => {
  const options = { requestTimeoutMs: 100, retry: { forMs: 150, delayMs: 20 } };
  await forEach(CALLS, () => SILENCE, async (name, run, listener) => {
    // A wait asks the service to wait, for 100 ms here.
    const said = name === "wait" ? /nothing came within [12]\d\d(\.\d+)? ms/ : /nothing came within 100 ms/;
    await failed(name, run(), ConnectionError, /got no answer/, said);
    await eventually(
      () => listener.hungUp === listener.received.length,
      () => `${name} holds ${listener.received.length - listener.hungUp} connections`,
    );
  }, options);
});

Deno.test("a body that never ends its silence is given up after requestTimeoutMs", async () => {
  const half = { ...answer(200, JSON_TYPE, "{", { length: 100 }), held: true };
  const options = { requestTimeoutMs: 100, retry: { forMs: 0 } };
  await forEach(ANSWERS, () => half, async (name, run) => {
    await failed(name, run(), ConnectionError, /nothing came within \d+(\.\d+)? ms/);
  }, options);
});

Deno.test("a result's timeout is kept where nobody answers", async () => {
  await using listener = new Listener(() => SILENCE);
  const errand = aClient(listener.url);
  await failed("result", errand.future(ID).result({ timeoutMs: 50 }), TimeoutError, /within 50 ms/);
});

// Streams

Deno.test("an event whose data is no JSON is an UnexpectedAnswerError that quotes it", async () => {
  await forEach(STREAMS, ({ path }) => {
    return stream(event(1, path.endsWith("events") ? "state" : "task", "{oops"), true);
  }, async (name, run, listener) => {
    const says = [/^expected (JSON|a JSON object) in an event of /, /"\{oops"/];
    await failed(name, run(), UnexpectedAnswerError, ...says);
    assert.equal(listener.received.length, 1, name);
    await eventually(() => listener.hungUp === 1, () => `${name} holds its connection`);
  });
});

for (const data of [null, [], { hello: 1 }, 7]) {
  const text = JSON.stringify(data);
  Deno.test(`a task event that is ${text} is an UnexpectedAnswerError that quotes it`, async () => {
    const { result, asCompleted, gather } = STREAMS;
    const reply = stream(event(1, "task", text) + event(2, "end", { total: 1, yielded: 1 }));
    await forEach({ result, asCompleted, gather }, () => reply, async (name, run) => {
      const came = new RegExp(text.replaceAll(/[[\]]/g, "\\$&"));
      const error = await failed(name, run(), UnexpectedAnswerError, /expected /);
      assert.ok(came.test(error.message) || came.test(error.message.replaceAll('\\"', '"')), error.message);
    });
  });
}

Deno.test("a stream that is cut before every event is a ConnectionError after the retries", async () => {
  const preamble = stream("retry: 20\n\n");
  await forEach(STREAMS, () => preamble, async (name, run, { received }) => {
    const error = await failed(name, run(), ConnectionError, /got no answer: the stream was cut/);
    const [, times] = /\((\d+) connections in \d+\.\d s brought no event\)/.exec(error.message)!;
    assert.equal(Number(times), received.length, error.message);
    assert.ok(received.length >= 2, name);
  }, MORE_THAN_ONCE);
});

Deno.test("a stream that breaks off inside a chunk goes on where it was", async () => {
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  const whole = chunk(event(1, "task", ENDED)),
    half = chunk(event(2, "task", { ...ENDED, id: OTHER_ID })).slice(0, 40);
  const rest = event(2, "task", { ...ENDED, id: OTHER_ID }) + event(3, "end", { total: 2, yielded: 2 });
  await using listener = new Listener((_, n) => n === 0 ? { text: head + whole + half } : stream(rest));
  const errand = aClient(listener.url, FAST);
  const futures = [errand.future(ID), errand.future(OTHER_ID)];
  const ids = (await unlessItHangs(Array.fromAsync(asCompleted(futures)), "asCompleted")).map(({ id }) => id);
  assert.deepEqual(ids, [ID, OTHER_ID]);
  assert.deepEqual(listener.received.map(({ headers }) => headers.get("last-event-id")), [null, "1"]);
});

Deno.test("events that come split at every byte are the same events", async () => {
  const task = { ...ENDED, result: "äöü €" };
  const bytes = new TextEncoder().encode(event(1, "task", task) + event(2, "end", { total: 1, yielded: 1 }));
  const split = Array.from(bytes, (byte) => byte);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const body = ReadableStream.from(split.map((byte) => Uint8Array.of(byte)));
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  const errand = aClient(`http://127.0.0.1:${server.addr.port}`, FAST);
  assert.equal(await unlessItHangs(errand.future(ID).result(), "result"), "äöü €");
});

Deno.test("a stream that ends before its tasks have is an error, not a wait without end", async () => {
  const { result, exception, asCompleted, gather } = STREAMS;
  const calls = { result, exception, asCompleted, gather };
  const empty = { text: "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n" };
  for (const reply of [stream(event(1, "end", { total: 1, yielded: 0 })), empty]) {
    await failAtOnce(reply, ErrandError, [/^the stream ended before 1 of its tasks had$/], calls);
  }
});

Deno.test("a stream that ends before one of two tasks has gives the one, and an error for the other", async () => {
  const reply = stream(event(1, "task", ENDED) + event(2, "end", { total: 2, yielded: 1 }));
  await using listener = new Listener(() => reply);
  const errand = aClient(listener.url, FAST);
  const [one, other] = [errand.future(ID).result(), errand.future(OTHER_ID).result()];
  assert.equal(await unlessItHangs(one, "result"), 3);
  await failed("result", other, ErrandError, /^the stream ended before 1 of its tasks had$/);

  const yielded: string[] = [];
  const loop = async () => {
    const futures = [errand.future(ID), errand.future(OTHER_ID)];
    for await (const { id } of asCompleted(futures)) yielded.push(id);
  };
  await failed("asCompleted", loop(), ErrandError, /^the stream ended before 1 of its tasks had$/);
  assert.deepEqual(yielded, [ID]);
});

Deno.test("a timeout event that nobody asked for is an error, not a wait without end", async () => {
  const reply = stream(event(1, "timeout", { message: "1 (of 1) futures unfinished", pending: [ID] }));
  const { result } = STREAMS;
  await failAtOnce(reply, ErrandError, [/^the stream ended before 1 of its tasks had$/], { result });
});

Deno.test("a service that does not know the task in one place, and does in another, is given up", async () => {
  const errors = [{ pointer: "/ids/0", message: "unknown" }];
  await using listener = new Listener(({ method }) => {
    return method === "POST" ? problem(404, "not-found", { errors, kind: "task" }) : json(200, TASK);
  });
  const result = aClient(listener.url, FAST).future(ID).result();
  await failed("result", result, UnexpectedAnswerError, /is there, and that it is not/);
  assert.ok(listener.received.length < 20, `it asked ${listener.received.length} times`);
});

Deno.test("a service that answers a wait before its time is not asked without a pause", async () => {
  await using listener = new Listener(() => json(200, { done: [], notDone: [TASK] }));
  const future = aClient(listener.url, FAST).future(ID);
  await unlessItHangs(wait([future], { timeoutMs: 500 }).then(() => {}, () => {}), "wait");
  assert.ok(listener.received.length < 50, `it asked ${listener.received.length} times`);
});

Deno.test("a service that knows the path no more than the task is no service without the task", async () => {
  await using listener = new Listener(() => problem(404, "not-found"));
  const future = aClient(listener.url, FAST).future(ID);
  await failed("exists", future.exists(), ProblemError, /^what not-found means$/);
  await failed("result", future.result(), ProblemError, /^what not-found means$/);
});

Deno.test("a task that is not there is a NotFoundError, one that was forgotten a ForgottenError", async () => {
  const errors = [{ pointer: "/ids/0", message: "unknown" }];
  await forEach(STREAMS, () => problem(404, "not-found", { errors, kind: "task" }), async (name, run) => {
    await failed(name, run(), NotFoundError, /^what not-found means$/);
  });
  await forEach(STREAMS, () => problem(410, "task-forgotten", { errors }), async (name, run) => {
    await failed(name, run(), ForgottenError, /^what task-forgotten means$/);
  });
});

Deno.test("a failed task without an error on the wire is a TaskError all the same", async () => {
  const state = { type: "FAILED", name: "Failed", message: null };
  const reply = stream(event(1, "task", { id: ID, state, error: null }) + event(2, "end", {}));
  await using listener = new Listener(() => reply);
  await failed("result", aClient(listener.url).future(ID).result(), TaskError, /^it ended FAILED$/);
});

// Aborts

Deno.test("with a signal that is aborted already nothing is sent, and its reason thrown", async () => {
  const reason = new RangeError("enough");
  await forEach(CALLS, () => SILENCE, async (name, run, { received }) => {
    assert.equal(await failed(name, run(AbortSignal.abort(reason)), RangeError), reason, name);
    assert.equal(received.length, 0, name);
  }, {});
});

Deno.test("an abort while nothing comes throws the signal's reason and closes the connection", async () => {
  const reason = new RangeError("enough");
  await forEach(CALLS, () => SILENCE, async (name, run, listener) => {
    const abort = new AbortController();
    const call = failed(name, run(abort.signal), RangeError);
    await eventually(() => listener.received.length === 1);
    abort.abort(reason);
    assert.equal(await call, reason, name);
    // A wait asks once more, for how things stand by now: not after an abort.
    await eventually(() => listener.hungUp === 1, () => `${name} holds its connection`);
    assert.equal(listener.received.length, 1, name);
  }, {});
});

Deno.test("an abort in the pause before the next try throws the signal's reason", async () => {
  const reason = new RangeError("enough");
  const busy = problem(503, "busy", {}, { "retry-after": "3" });
  const { submit, task, cancel, events } = CALLS;
  await forEach({ submit, task, cancel, events }, () => busy, async (name, run, listener) => {
    const abort = new AbortController();
    const call = failed(name, run(abort.signal), RangeError);
    await eventually(() => listener.received.length === 1);
    await pause(20);
    abort.abort(reason);
    assert.equal(await call, reason, name);
  }, {});
});

Deno.test("an abort in the middle of a stream throws the signal's reason and closes the connection", async () => {
  const reason = new RangeError("enough");
  const { events, asCompleted, result } = STREAMS;
  const state = event(1, "state", { seq: 1, type: "PENDING", name: "Pending" });
  await forEach({ events, asCompleted, result }, () => stream(state, true), async (name, run, listener) => {
    const abort = new AbortController();
    const call = failed(name, run(abort.signal), RangeError);
    await eventually(() => listener.received.length === 1);
    await pause(20);
    abort.abort(reason);
    assert.equal(await call, reason, name);
    await eventually(() => listener.hungUp === 1, () => `${name} holds its connection`);
  }, {});
});

Deno.test("an abort without a reason throws the platform's AbortError", async () => {
  await forEach(CALLS, () => SILENCE, async (name, run, listener) => {
    const abort = new AbortController();
    const call = failed(name, run(abort.signal), DOMException);
    await eventually(() => listener.received.length === 1);
    abort.abort();
    assert.equal((await call).name, "AbortError", name);
  }, {});
});

Deno.test("one of two who wait for a future stops, and the other one gets its result", async () => {
  const go = Promise.withResolvers<void>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    await go.promise;
    const done = event(1, "task", ENDED) + event(2, "end", { total: 1, yielded: 1 });
    return new Response(done, { headers: { "content-type": "text/event-stream" } });
  });
  const future = aClient(`http://127.0.0.1:${server.addr.port}`).future(ID);
  const abort = new AbortController();
  const reason = new RangeError("enough");
  const [stopping, staying] = [future.result({ signal: abort.signal }), future.result()];
  const stopped = failed("result", stopping, RangeError);
  await pause(20);
  abort.abort(reason);
  assert.equal(await stopped, reason);
  go.resolve();
  assert.equal(await unlessItHangs(staying, "result"), 3);
});

Deno.test("an abort of a timeout's last look throws the signal's reason", async () => {
  await using listener = new Listener(() => SILENCE);
  const abort = new AbortController();
  const reason = new RangeError("enough");
  const promise = aClient(listener.url).future(ID).result({ timeoutMs: 500, signal: abort.signal });
  const call = failed("result", promise, RangeError);
  // The stream, and the look.
  await eventually(() => listener.received.length === 2);
  abort.abort(reason);
  assert.equal(await call, reason);
  const open = () => `${listener.received.length - listener.hungUp} connections are open`;
  await eventually(() => listener.hungUp === listener.received.length, open);
});
