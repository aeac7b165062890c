// The way in: submits tasks, and makes futures of them.

import { Arrivals } from "./arrivals.ts";
import { cancelAll } from "./gather.ts";
import { Http, type HttpOptions } from "./http.ts";
import { Looks } from "./looks.ts";
import { inputsOf, type MapFields } from "./mapping.ts";
import type { Connection } from "./connection.ts";
import { TaskFuture } from "./task_future.ts";
import { TaskFutures } from "./task_futures.ts";
import type { Arguments, Definitions, InputOf, NameOf, ResultOf } from "./typed.ts";
import { A_TASK, type Expected, isTask, type TaskOptions } from "./wire.ts";

export interface ClientOptions extends HttpOptions {
  /** Told of errors in callbacks, which have nobody to be thrown at. Default: `console.error`. */
  log?: (message: string, error: unknown) => void;
}

export interface MapOptions extends TaskOptions {
  /** Repeating the call under the same key makes nothing anew. Default: a key of the client's own for each call. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface SubmitOptions extends MapOptions {
  /** An id of your own, a UUID; a ConflictError if it is taken. */
  id?: string;
}

/** What one request takes. */
const MOST_IN_A_BATCH = 1_000;
const BATCH_CHARACTERS = 4 * 1024 * 1024;

const A_BATCH: Expected = {
  what: "the submitted tasks",
  is(body) {
    const { tasks } = (body ?? {}) as { tasks?: unknown };
    return Array.isArray(tasks) && tasks.every(isTask);
  },
};

/**
 * A client of one service. `Client<typeof definitions>` with a type-only import of the service's definitions knows the
 * names, what goes in and what comes out; without it, all is allowed.
 *
 * @example
 * ```ts
 * import type { definitions } from "../tasks/mod.ts";
 * const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
 * const future = await errand.submit("add", { a: 1, b: 2 });
 * const sum: number = await future.result();
 * ```
 */
export class Client<D extends Definitions = Definitions> {
  readonly #connection: Connection;

  /** @throws {TypeError} if the URL is no absolute http(s) URL */
  constructor({ log = logged, ...options }: ClientOptions) {
    const http = new Http(options);
    this.#connection = { http, arrivals: new Arrivals(http), looks: new Looks(http), log };
  }

  /**
   * Submits a task. When this resolves, the task is on disk.
   *
   * After a lost connection it is sent again under the same Idempotency-Key, so it never becomes two tasks.
   *
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at the fault
   * @throws {ConflictError} if the id is taken
   */
  async submit<Name extends NameOf<D>>(
    name: Name,
    ...[input, options = {}]: Arguments<InputOf<D, Name>, SubmitOptions>
  ): Promise<TaskFuture<ResultOf<D, Name>>> {
    const { id, signal, idempotencyKey = aKey(), ...taskOptions } = options;
    const { body: task } = await this.#connection.http.call({
      method: "POST",
      path: "/v1/tasks",
      body: { task: name, input, id, options: taskOptions },
      headers: { "idempotency-key": idempotencyKey },
      signal,
      expects: A_TASK,
    });
    return this.future(task.id);
  }

  /**
   * The future of a task that was submitted anywhere, at any time. Asks nothing yet.
   *
   * @throws {TypeError} if the id is no UUID
   */
  future<Result = unknown>(id: string): TaskFuture<Result> {
    return new TaskFuture<Result>(this.#connection, id);
  }

  /**
   * Submits one task for each element, as a group: for each of a list of inputs, or for each element of the iterables
   * among the fields, of one length. What is no iterable, or is marked with `unmapped`, goes to every task.
   *
   * Up to 1,000 tasks are submitted all or none, and get a group on the service. More go in several requests and get
   * none; if a later request is refused, the tasks of the earlier ones are cancelled, unless the call has a key of its
   * own, under which it can be repeated.
   *
   * @throws {MappingMissingIterableError | MappingLengthMismatchError} before anything is sent
   */
  map<Name extends NameOf<D>>(
    name: Name,
    inputs: Iterable<InputOf<D, Name>>,
    options?: MapOptions,
  ): Promise<TaskFutures<ResultOf<D, Name>>>;
  map<Name extends NameOf<D>>(
    name: Name,
    fields: MapFields<InputOf<D, Name>>,
    more?: MapFields<InputOf<D, Name>>,
    options?: MapOptions,
  ): Promise<TaskFutures<ResultOf<D, Name>>>;
  async map(
    name: string,
    what: Iterable<unknown> | Record<string, unknown>,
    moreOrOptions: Record<string, unknown> | MapOptions = {},
    options: MapOptions = {},
  ): Promise<TaskFutures> {
    return Symbol.iterator in what
      ? await this.#submitAll(name, [...what as Iterable<unknown>], moreOrOptions)
      : await this.#submitAll(name, inputsOf({ ...what, ...moreOrOptions }), options);
  }

  async #submitAll(name: string, inputs: unknown[], options: MapOptions): Promise<TaskFutures> {
    const { signal, idempotencyKey: ownKey, ...taskOptions } = options;
    const key = ownKey ?? aKey();
    const batches = batchesOf(inputs.map((input) => ({ task: name, input, options: taskOptions })));
    const group = batches.length === 1;
    const futures: TaskFuture[] = [];
    let groupId: string | null = null;
    try {
      for (const [i, tasks] of batches.entries()) {
        const { body } = await this.#connection.http.call({
          method: "POST",
          path: "/v1/tasks/batch",
          body: { tasks, group },
          headers: { "idempotency-key": `${key}:${i}` },
          signal,
          expects: A_BATCH,
        });
        for (const { id } of body.tasks) futures.push(this.future(id));
        groupId = body.groupId;
      }
    } catch (error) {
      // Nobody has their futures. One that cannot be cancelled now runs for nobody, which is no worse.
      if (ownKey === undefined) {
        await Promise.allSettled([cancelAll(futures, "a later part of its map was refused")]);
      }
      throw error;
    }
    return new TaskFutures(futures, groupId);
  }
}

/** In requests of a size that the service takes. */
function batchesOf(submissions: unknown[]): unknown[][] {
  const batches: unknown[][] = [];
  let characters = 0;
  for (const submission of submissions) {
    const length = JSON.stringify(submission).length;
    const last = batches.at(-1);
    if (last === undefined || last.length === MOST_IN_A_BATCH || characters + length > BATCH_CHARACTERS) {
      batches.push([submission]);
      characters = length;
    } else {
      last.push(submission);
      characters += length;
    }
  }
  return batches;
}

/** 128 random bits. (`crypto.randomUUID` is missing in pages that came over plain http.) */
function aKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

function logged(message: string, error: unknown): void {
  // deno-lint-ignore no-console
  console.error(`errand: ${message}:`, error);
}
