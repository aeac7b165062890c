// The way in: submits tasks, and makes futures of them.

import { CompletionHub } from "./transport/completion_hub.ts";
import {
  type Canvas,
  flowOf,
  type Made,
  sig,
  type Signature,
  type SignatureOptions,
} from "./canvas/canvas.ts";
import type { Connection } from "./transport/connection.ts";
import type { Fitting, Freed, HandedOn, KeyOf } from "./canvas/canvas_types.ts";
import { A_FLOW, FlowFuture } from "./canvas/flow_future.ts";
import { DefinitionList } from "./definitions/definition_list.ts";
import { Bulk } from "./operation/bulk.ts";
import { eventsOf, type EventsOptions, type ServiceEvent } from "./operation/events.ts";
import { type Stats, statsOf } from "./operation/stats.ts";
import { Workers } from "./operation/workers.ts";
import { Groups } from "./operation/groups.ts";
import { Keys } from "./keys/keys.ts";
import { Queues } from "./queues/queues.ts";
import { cancelTasks, type TasksCancel, type TasksToCancel } from "./futures/group_cancel.ts";
import type { CancelOptions } from "./futures/result_options.ts";
import { GroupFuture } from "./futures/group_future.ts";
import { type Call, Http, type HttpOptions } from "./transport/http.ts";
import { streamUrl, type StreamUrlOptions } from "./transport/stream_url.ts";
import { StatusBatcher } from "./transport/status_batcher.ts";
import { eachQuoted, lengthOf, type MapFields, type Mapping, mappingOf } from "./canvas/mapping.ts";
import {
  type CallOptions,
  type MapOptions,
  type RunOptions,
  type SubmitOptions,
  taskOptionsOf,
} from "./canvas/options.ts";
import { aKey } from "./protocol/ids.ts";
import type { Given, Quoted } from "./protocol/references.ts";
import type { Answer } from "./protocol/response.ts";
import { TaskFuture } from "./futures/task_future.ts";
import { TaskFutures } from "./futures/task_futures.ts";
import type { Arguments, Definitions, InputOf, NameOf, ResultOf } from "./protocol/typed.ts";
import { Limits } from "./limits/limits.ts";
import { Tasks } from "./tasks/tasks.ts";
import { Schedules } from "./schedules/schedules.ts";
import type { Seen } from "./futures/settlement.ts";
import { A_TASK, type Expected, type State, type StateType } from "./protocol/wire.ts";

export interface ClientOptions extends HttpOptions {
  /** Told of errors in callbacks, which no caller could catch. Default: `console.error`. */
  log?: (message: string, error: unknown) => void;
}

/** The service takes longer for a large map than for other calls. */
const MS_PER_THOUSAND = 1_000;

const A_MAP: Expected = {
  what: "the submitted tasks",
  is(body) {
    const { groupId, tasks } = (body ?? {}) as Partial<Mapped>;
    return typeof groupId === "string" && Array.isArray(tasks) &&
      tasks.every((task) => typeof task?.id === "string");
  },
};

type PostOptions = CallOptions & Pick<Call, "waitMs">;

interface Mapped {
  groupId: string;
  tasks: { id: string; state?: State }[];
}

/**
 * A client of one service. `Client<typeof definitions>` with a type-only import of the service's definitions
 * knows the names, the inputs and the results. Without it, all is allowed.
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
  /** Queues: what is in them, and pausing them, a definition, or everything. */
  readonly queues: Queues;
  readonly #connection: Connection;
  /** What submits tasks over time. */
  readonly schedules: Schedules<D>;
  readonly limits: Limits;
  /** Lists of tasks. */
  readonly tasks: Tasks;
  /** Lists of groups. The future of one: `group(id)`. */
  readonly groups: Groups;
  readonly definitions: DefinitionList;
  readonly keys: Keys;
  readonly workers: Workers;
  /** One action on many tasks. */
  readonly bulk: Bulk;

  /** @throws {TypeError} if the URL is no absolute http(s) URL */
  constructor({ log = logged, ...options }: ClientOptions) {
    const http = new Http(options);
    this.#connection = { http, completions: new CompletionHub(http), statuses: new StatusBatcher(http), log };
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
  async submit<Name extends NameOf<D>>(
    name: Name,
    ...[input, options = {}]: Arguments<InputOf<D, Name>, SubmitOptions>
  ): Promise<TaskFuture<ResultOf<D, Name>>> {
    const { id, signal, idempotencyKey, ...taskOptions } = options;
    const body = { task: name, input, id, options: taskOptionsOf(taskOptions) };
    const call = { signal, idempotencyKey };
    const { body: task, headers } = await this.#answerOf("/v1/tasks", body, A_TASK, call);
    const seen = { task: name, type: task.state.type };
    return new TaskFuture(this.#connection, task.id, seen, headers.has("errand-deduplicated"));
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
   * The future of a group that was made anywhere, at any time. Asks nothing yet.
   *
   * @throws {TypeError} if the id is no UUID
   */
  group<Result = unknown>(groupId: string): GroupFuture<Result> {
    return new GroupFuture<Result>(this.#connection, groupId);
  }

  /**
   * Cancels tasks that have not ended: those of a list of ids, or all that a filter matches, at most 10,000.
   *
   * @throws {ValidationError} if the filter matches more, or says nothing: then none is cancelled
   */
  cancelTasks(which: TasksToCancel, reason?: string, options?: CancelOptions): Promise<TasksCancel> {
    return cancelTasks(this.#connection, which, reason, options);
  }

  /**
   * Submits one task for each element, as a group: for each of a list of inputs, or for each element of the
   * iterables among the fields, of one length. What is no iterable, or is marked with `unmapped`, goes to
   * every task, and so does the result of a future among the fields. All are submitted or none, at most
   * 100,000.
   *
   * @throws {MappingMissingIterableError | MappingLengthMismatchError} if there is nothing to go through, or
   * lists of different lengths
   * @throws {UnknownDefinitionError | ValidationError} as `submit`
   */
  map<Name extends NameOf<D>>(
    name: Name,
    inputs: Iterable<Given<InputOf<D, Name>>> | Quoted<Iterable<InputOf<D, Name>>>,
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
    given: Iterable<unknown> | Quoted<unknown> | Record<string, unknown>,
    moreOrOptions: Record<string, unknown> | MapOptions = {},
    options: MapOptions = {},
  ): Promise<TaskFutures> {
    const what = eachQuoted(given) as Iterable<unknown> | Record<string, unknown>;
    return Symbol.iterator in what
      ? await this.#map(name, { inputs: [...what as Iterable<unknown>] }, moreOrOptions)
      : await this.#map(name, mappingOf({ ...what, ...moreOrOptions }), options);
  }

  async #map(
    task: string,
    what: { inputs: unknown[] } | Mapping,
    { signal, idempotencyKey, maxConcurrent, ...taskOptions }: MapOptions,
  ): Promise<TaskFutures> {
    const body = { task, ...what, options: taskOptionsOf(taskOptions), maxConcurrent };
    const length = "inputs" in what ? what.inputs.length : lengthOf(what);
    const waitMs = MS_PER_THOUSAND * Math.floor(length / 1_000);
    const options = { signal, idempotencyKey, waitMs };
    const { groupId, tasks }: Mapped = await this.#post("/v1/map", body, A_MAP, options);
    const seen = new Map<StateType | undefined, Seen>();
    const seenAs = (type?: StateType) => seen.get(type) ?? seen.set(type, { task, type }).get(type);
    const futures = tasks.map(({ id, state }) => new TaskFuture(this.#connection, id, seenAs(state?.type)));
    return new TaskFutures(futures, groupId);
  }

  /**
   * A task for a canvas, as the function `sig` makes it; here its name, its input and its field `into` have
   * to be those of a definition.
   */
  sig<
    Name extends NameOf<D>,
    const Into extends KeyOf<InputOf<D, Name>> | undefined = undefined,
    const Immutable extends boolean = false,
  >(
    name: Name,
    input?: Into extends string ? Given<Freed<InputOf<D, Name>, Into>> : Given<InputOf<D, Name>>,
    options?: SignatureOptions<Into, Immutable>,
  ): Signature<Name, Made<unknown, Into, Immutable>> {
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
  async run<const C extends Canvas>(
    canvas: C & Fitting<D, C>,
    { signal, idempotencyKey, ...taskOptions }: RunOptions = {},
  ): Promise<FlowFuture<HandedOn<D, C>>> {
    const body = { ...flowOf(canvas), options: taskOptionsOf(taskOptions) };
    return new FlowFuture(
      this.#connection,
      await this.#post("/v1/flows", body, A_FLOW, { signal, idempotencyKey }),
    );
  }

  /**
   * A URL at which a browser's `EventSource`, which can send no token, reads one stream:
   * `/v1/tasks/{id}/events` or `/v1/as-completed` with its query. It can be opened for a minute, or for
   * `ttlSeconds`, by whoever has it.
   *
   * @throws {ValidationError} if it is the path of no stream
   * @throws {UnauthorizedError} if the token may not read
   */
  async streamUrl(path: string, options: StreamUrlOptions = {}): Promise<string> {
    return await streamUrl(this.#connection.http, path, options);
  }

  /** What waits and runs, and what happened in the last `minutes`: 1 to 60, default 15. */
  stats(options: { minutes?: number; signal?: AbortSignal } = {}): Promise<Stats> {
    return statsOf(this.#connection, options);
  }

  /** Each change of a task's state from now on, in all processes. A `gap` says that some may be missing. */
  events(options: EventsOptions = {}): AsyncGenerator<ServiceEvent> {
    return eventsOf(this.#connection, options);
  }

  async #post(path: string, body: Call["body"], expects: Expected, options: PostOptions) {
    return (await this.#answerOf(path, body, expects, options)).body;
  }

  /** A call that makes something: it is made once, however often the call is sent. */
  async #answerOf(
    path: string,
    body: Call["body"],
    expects: Expected,
    { idempotencyKey = aKey(), ...rest }: PostOptions,
  ): Promise<Answer> {
    const headers = { "idempotency-key": idempotencyKey };
    return await this.#connection.http.call({ method: "POST", path, body, headers, expects, ...rest });
  }
}

function logged(message: string, error: unknown): void {
  // deno-lint-ignore no-console
  console.error(`errand: ${message}:`, error);
}
