// Schedules of the service: they submit tasks over time.

import type { CallOptions, SignalOptions } from "../canvas/options.ts";
import { aKey } from "../protocol/ids.ts";
import { TaskFuture } from "../futures/task_future.ts";
import type { Definitions, InputOf, NameOf, ResultOf } from "../protocol/typed.ts";
import { A_TASK, type Expected } from "../protocol/wire.ts";
import type { Connection } from "../transport/connection.ts";
import type { Call } from "../transport/http.ts";
import type {
  Schedule,
  ScheduleConfig,
  SchedulePatch,
  ScheduleSummary,
  ScheduleTimes,
} from "./schedule_types.ts";

export interface TriggerOptions extends CallOptions {
  /** In place of the schedule's. */
  input?: unknown;
}

/** A task of a time that has passed. */
export interface BackfilledTask<Result = unknown> {
  future: TaskFuture<Result>;
  /** ISO 8601. */
  scheduledFor: string;
}

const has = (what: string, ...fields: string[]): Expected => ({
  what,
  is: (body) => typeof body === "object" && body !== null && fields.every((field) => field in body),
});

const A_SCHEDULE = has("a schedule", "name", "spec", "next");
const SCHEDULES = has("schedules", "schedules", "nextCursor");
const TIMES = has("times", "times");
const A_BACKFILL = has("the tasks of a backfill", "tasks", "existing");

/** Calls about schedules, with the types of the client's definitions. */
export class Schedules<D extends Definitions> {
  constructor(private readonly connection: Connection) {}

  /**
   * Makes a schedule, or changes it as a whole. The same again changes nothing, and where it stands stays.
   *
   * @throws {UnknownDefinitionError | ValidationError} if the service does not take it; `errors` points at
   * the fault
   * @throws {ConflictError} if code declares it
   */
  put<Name extends NameOf<D>>(
    name: string,
    config: ScheduleConfig<Name, InputOf<D, Name>>,
    options: SignalOptions = {},
  ): Promise<Schedule<InputOf<D, Name>>> {
    return this.#call("PUT", name, "", { body: config, ...options });
  }

  /**
   * Changes some of it. Null takes a field away.
   *
   * @throws {NotFoundError} and as `put`
   */
  patch<Name extends NameOf<D>>(
    name: string,
    patch: SchedulePatch<Name, InputOf<D, Name>>,
    options: SignalOptions = {},
  ): Promise<Schedule> {
    return this.#call("PATCH", name, "", { body: patch, ...options });
  }

  /** @throws {NotFoundError} */
  get(name: string, options: SignalOptions = {}): Promise<Schedule> {
    return this.#call("GET", name, "", options);
  }

  /** All schedules by their names, read page by page. */
  async *list({ signal }: SignalOptions = {}): AsyncGenerator<ScheduleSummary> {
    for (let cursor: string | null = "";;) {
      const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/schedules?limit=100${query}`;
      const { body } = await this.connection.http.call({ method: "GET", path, expects: SCHEDULES, signal });
      yield* body.schedules as ScheduleSummary[];
      cursor = body.nextCursor;
      if (cursor === null) return;
    }
  }

  /** It fires no more until it is resumed. @throws {NotFoundError} */
  pause(name: string, note?: string, options: SignalOptions = {}): Promise<Schedule> {
    return this.#call("POST", name, "/pause", { body: { note }, ...options });
  }

  /** It goes on with its first time behind now. @throws {NotFoundError} */
  resume(name: string, options: SignalOptions = {}): Promise<Schedule> {
    return this.#call("POST", name, "/resume", options);
  }

  /**
   * Submits a task of it now, also while it is paused, and whatever runs. However often the call is sent, it
   * is one task.
   *
   * @throws {NotFoundError}
   * @throws {ValidationError} for an input that the definition does not take
   */
  async trigger<Result = unknown>(
    name: string,
    { input, idempotencyKey = aKey(), signal }: TriggerOptions = {},
  ): Promise<TaskFuture<Result>> {
    const headers = { "idempotency-key": idempotencyKey };
    const task = await this.#call("POST", name, "/trigger", {
      body: { input },
      headers,
      expects: A_TASK,
      signal,
    });
    return new TaskFuture(this.connection, task.id, { task: task.task, type: task.state.type });
  }

  /**
   * Submits the tasks of times that have passed, but for those that are there; at most 1,000.
   *
   * @param range instants, both included; dates or ISO 8601
   * @throws {NotFoundError}
   * @throws {ValidationError} for a range that is not over yet, or has too many times
   */
  async backfill<Name extends NameOf<D>>(
    name: string,
    { from, to }: { from: Date | string; to: Date | string },
    { signal }: SignalOptions = {},
  ): Promise<BackfilledTask<ResultOf<D, Name>>[]> {
    const body = { from: textOf(from), to: textOf(to) };
    const { tasks } = await this.#call("POST", name, "/backfill", { body, expects: A_BACKFILL, signal });
    return tasks.map(({ id, scheduledFor }: { id: string; scheduledFor: string }) => ({
      future: new TaskFuture(this.connection, id),
      scheduledFor,
    }));
  }

  /**
   * The next times of a spec, ISO 8601. Nothing is stored.
   *
   * @throws {ValidationError}
   */
  async preview(
    times: ScheduleTimes,
    { count, signal }: SignalOptions & { count?: number } = {},
  ): Promise<string[]> {
    const body = { ...times, count };
    const call: Call = { method: "POST", path: "/v1/schedules/preview", body, expects: TIMES, signal };
    return (await this.connection.http.call(call)).body.times;
  }

  /**
   * Its tasks stay.
   *
   * @throws {NotFoundError}
   * @throws {ConflictError} if code declares it
   */
  async delete(name: string, options: SignalOptions = {}): Promise<void> {
    await this.#call("DELETE", name, "", { expects: null, ...options });
  }

  async #call(
    method: Call["method"],
    name: string,
    path: string,
    { expects = A_SCHEDULE, ...rest }: Partial<Call>,
  ) {
    const at = `/v1/schedules/${encodeURIComponent(name)}${path}`;
    return (await this.connection.http.call({ method, path: at, expects, ...rest })).body;
  }
}

function textOf(instant: Date | string): string {
  return typeof instant === "string" ? instant : instant.toISOString();
}
