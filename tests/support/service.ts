// A whole service inside the test's process: a real database, the real runtime, the real app. Every JSON
// answer that passes through here is held against what /openapi.json says of it, so the document cannot drift
// unseen. What the service logs as an error fails the test that caused it.

import assert from "node:assert/strict";
import { createParser } from "eventsource-parser";
import type { ApiKey } from "../../auth/api_keys.ts";
import { AuditLog } from "../../auth/audit_log.ts";
import { KeyRing } from "../../auth/key_ring.ts";
import { createApp } from "../../routes/app.ts";
import type { App } from "../../routes/http/app_types.ts";
import { withoutSlash } from "../../routes/http/prefix.ts";
import type { AnyDefinition } from "../../runtime/core/define.ts";
import { systemClock } from "../../runtime/platform/clock.ts";
import type { KvPort } from "../../runtime/platform/kv.ts";
import type { TrustedProxies } from "../../auth/trusted_proxies.ts";
import { Tickets } from "../../auth/tickets.ts";
import { type AttemptName, createRuntime, type Runtime, type RuntimeOptions } from "../../runtime/mod.ts";
import { definitions as shipped } from "../../tasks/mod.ts";
import { answerIn, faultsUnder, type Schema } from "./json_schema.ts";
import { ManualClock } from "./manual_clock.ts";
import { openPatientKv } from "./patient_kv.ts";
import { queueListenersOf } from "./queue_listeners.ts";
import { eventually, turn, unlessItHangs } from "./waiting.ts";

// deno-lint-ignore no-explicit-any
export type Body = any;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body, if it is JSON of some kind. */
  body: Body;
}

export interface StreamEvent {
  id: string;
  event: string;
  data: Body;
}

export interface ServiceOptions extends Partial<Omit<RuntimeOptions, "kv" | "definitions">> {
  /** Added to those of tasks/mod.ts. */
  definitions?: AnyDefinition[];
  /** A database file; `:memory:` by default. */
  path?: string;
  /** An open database, in place of a path. */
  kv?: KvPort;
  /** False: nothing claims, so tasks stay as they were submitted. */
  running?: boolean;
  pingMs?: number;
  maxWaiting?: number;
  apiKeys?: readonly ApiKey[];
  corsOrigins?: readonly string[];
  trustedProxies?: TrustedProxies;
  /** True: the test looks at `errors` itself. */
  mayLogErrors?: boolean;
}

export interface Call {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export const JSON_TYPE = "application/json";

export async function aService(options: ServiceOptions = {}): Promise<Service> {
  const {
    definitions = [],
    path = ":memory:",
    running = true,
    pingMs = 15_000,
    maxWaiting,
    apiKeys,
    corsOrigins,
    trustedProxies,
    ...others
  } = options;
  const { mayLogErrors, ...rest } = others;
  const errors: string[] = [];
  const log = {
    info: () => {},
    error: (message: string, error: unknown, failed?: AttemptName) => {
      // Tasks that fail are what many tests are about.
      if (failed) return;
      errors.push(`${message}: ${error instanceof Error ? error.stack : error}`);
    },
  };
  const kv = options.kv ?? await openPatientKv(path);
  const keys = new KeyRing(kv, options.clock ?? systemClock, apiKeys);
  const runtime = await createRuntime({
    kv,
    usages: keys.callers,
    definitions: [...Object.values(shipped), ...definitions],
    sweepMs: 200,
    // A repair is logged as an error, and so fails the test: where nothing is broken there is nothing to
    // repair.
    repairMs: 50,
    log,
    // A submit's own call would make the worker claim, also before its start.
    doorbells: running ? {} : { call: false },
    ...rest,
  });
  const audit = new AuditLog({ kv, clock: runtime.clock, log });
  const app = createApp(runtime, {
    audit,
    log,
    pingMs,
    maxWaiting,
    keys,
    corsOrigins,
    trustedProxies,
    tickets: new Tickets(kv, runtime.clock),
  });
  const service = new Service(app, runtime, kv, audit, errors, mayLogErrors ?? false);
  if (running) await runtime.start();
  return service;
}

export class Service implements AsyncDisposable {
  #document: Schema;
  #servers: Deno.HttpServer[] = [];
  readonly #listenersEnd: () => Promise<unknown>;

  constructor(
    readonly app: App,
    readonly runtime: Runtime,
    readonly kv: KvPort,
    readonly audit: AuditLog,
    readonly errors: string[],
    private readonly mayLogErrors: boolean,
  ) {
    this.#listenersEnd = queueListenersOf(kv);
  }

  /** The OpenAPI document. */
  async document(): Promise<Schema> {
    return this.#document ??= await (await this.app.request("/openapi.json")).json();
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    // What was set for an instant that has come already is not held back by a clock that stands still.
    if (this.runtime.clock instanceof ManualClock) this.runtime.clock.advance(0);
    const response = await this.app.request(path, { method, ...init });
    return await this.#checked(method, path, response);
  }

  get(path: string, { headers, signal }: Call = {}): Promise<Answer> {
    return this.request("GET", path, { headers, signal });
  }

  delete(path: string, { headers }: Call = {}): Promise<Answer> {
    return this.request("DELETE", path, { headers });
  }

  /** `body` is sent as JSON; a string is sent as it is; undefined sends no body. */
  post(path: string, body?: unknown, { headers, signal }: Call = {}): Promise<Answer> {
    return this.send("POST", path, body, { headers, signal });
  }

  /** Like `post`, with another method. */
  send(method: string, path: string, body?: unknown, { headers, signal }: Call = {}): Promise<Answer> {
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    const type: Record<string, string> = text === undefined ? {} : { "content-type": JSON_TYPE };
    return this.request(method, path, { headers: { ...type, ...headers }, body: text, signal });
  }

  /** Submits one task and gives it as it was answered. */
  async submit(task: string, input: unknown = {}, options?: unknown): Promise<Body> {
    const { status, body, text } = await this.post("/v1/tasks", { task, input, options });
    assert.equal(status, 202, text);
    return body;
  }

  /** Submits one task and waits for its end. */
  async run(task: string, input: unknown = {}, options?: unknown): Promise<Body> {
    return await this.ended((await this.submit(task, input, options)).id);
  }

  async task(id: string): Promise<Body> {
    const { status, body, text } = await this.get(`/v1/tasks/${id}`);
    assert.equal(status, 200, text);
    return body;
  }

  /** The task once it has ended. */
  async ended(id: string): Promise<Body> {
    return await eventually(async () => {
      const { status, body, text } = await this.get(`/v1/tasks/${id}?wait=20`);
      assert.equal(status, 200, text);
      return body.finishedAt !== null && body;
    }, `task ${id} has not ended`);
  }

  /** The task once it is in a state of this type. */
  async until(id: string, type: string): Promise<Body> {
    let task: Body;
    await eventually(async () => {
      task = await this.task(id);
      return task.state.type === type;
    }, () => `the task is ${task.state.type}, not ${type}`);
    return task;
  }

  /** Opens a stream of events: the response as it is. */
  async open(path: string, { headers, signal }: Call = {}): Promise<Response> {
    return await this.app.request(path, { headers, signal });
  }

  /** All events of a stream that ends by itself. */
  async events(path: string, call: Call = {}): Promise<StreamEvent[]> {
    return await allEvents(await this.open(path, call));
  }

  /** The same app behind a real socket, below a prefix if one is given. The answer is the URL without it. */
  listen(prefix = ""): string {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.app.fetch(request, { prefix }),
    );
    this.#servers.push(server);
    return `http://127.0.0.1:${server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.runtime.stop(0);
    const { clock } = this.runtime;
    // On a clock that stands still a stop would hide why the test has failed.
    const ended = clock instanceof ManualClock ? clock.run(stopped) : stopped;
    await unlessItHangs(ended, "the stop of the runtime");
    const ends = this.#servers.map((server) => server.shutdown());
    await unlessItHangs(Promise.all(ends), "the shutdown of the server");
    await this.audit.stop();
    await this.kv.close();
    await this.#listenersEnd();
    // The end of a round of the event loop is a timer, too (runtime/platform/turns.ts).
    await turn();
    if (!this.mayLogErrors) {
      assert.equal(this.errors.length, 0, `the service logged errors: ${this.errors.join("; ")}`);
    }
  }

  async #checked(method: string, path: string, response: Response): Promise<Answer> {
    const { status, headers } = response;
    const text = await response.text();
    const type = (headers.get("content-type") ?? "").split(";")[0];
    if (!type.endsWith("json") || method === "HEAD") return { status, headers, text, body: undefined };
    const body = JSON.parse(text);
    const { pathname } = new URL(path, "http://x");
    await this.#holdAgainstDocument(method, withoutSlash(pathname), status, type, body);
    return { status, headers, text, body };
  }

  async #holdAgainstDocument(
    method: string,
    path: string,
    status: number,
    type: string,
    body: Body,
  ): Promise<void> {
    const document = await this.document();
    const said = answerIn(document, method, path, status);
    const what = `${method} ${path} → ${status} ${type}`;
    if (type === "application/problem+json") {
      const { Problem } = document.components.schemas;
      // RFC 9457: a problem may have members beyond those of its type.
      const open = { ...Problem, additionalProperties: true };
      assert.deepEqual(faultsUnder(document, open, body), [], what);
      assert.equal(body.status, status, what);
      if (said) assert.ok(said.answer, `${what} is not described`);
      return;
    }
    if (!path.startsWith("/v1")) return;
    const schema = said?.answer?.content?.[type]?.schema;
    assert.ok(schema, `${what} is not described`);
    assert.deepEqual(faultsUnder(document, schema, body), [], what);
  }
}

/** A problem as contract section 4 wants it. */
export function assertProblem(answer: Answer, status: number, slug: string, pointer?: string): Body {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.equal(answer.body.type, `/problems/${slug}`, answer.text);
  assert.ok(answer.body.detail.length > 0);
  if (pointer !== undefined) {
    const pointers = answer.body.errors?.map((fault: { pointer: string }) => fault.pointer);
    assert.ok(pointers?.includes(pointer), `no fault at "${pointer}": ${answer.text}`);
  }
  return answer.body;
}

/** The events of a response's stream, as they come. Leaving the loop closes the connection. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const found: StreamEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => found.push({ id: id!, event: event!, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  // Not through a transform stream: one that is left while something comes throws at the writer on Deno 2.5.
  for await (const bytes of response.body!) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* found.splice(0);
  }
}

export async function allEvents(response: Response): Promise<StreamEvent[]> {
  return await Array.fromAsync(eventsOf(response));
}

/** The first `count` events; then the connection is closed. */
export async function firstEvents(response: Response, count: number): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

export const UNKNOWN_ID = "01999999-9999-7999-8999-999999999999";
