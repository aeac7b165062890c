// Queues: what is in them, and pausing and limiting them, a definition, or everything.

import type { SignalOptions } from "../canvas/options.ts";
import type { Connection } from "../transport/connection.ts";
import type { Call } from "../transport/http.ts";
import type { Expected } from "../protocol/wire.ts";

/** Nothing of it starts until it is resumed, or `until`. */
export interface Pause {
  note: string | null;
  /** ISO 8601, UTC. */
  since: string;
  /** When it ends by itself; null: never. */
  until: string | null;
  /** The name of the key that asked for it. */
  by: string | null;
}

/** How many tasks of a queue are in which way. */
export interface QueueCounts {
  /** Their time has not come. */
  scheduled: number;
  /** They wait for a worker. */
  ready: number;
  /** They wait for a slot of a limit, or for their place in a rate. */
  limited: number;
  /** They wait for other tasks. */
  waiting: number;
  running: number;
}

/** How many tasks of a queue, or of a definition, run at once, in all processes. */
export interface QueueConcurrency {
  /** What is in force. Null: nothing limits it. 0 holds all. */
  current: number | null;
  /** What the code of a definition says. */
  base: number | null;
  /** What a call has said: it outranks the code. */
  override: number | null;
  /** ISO 8601, UTC. */
  overriddenAt: string | null;
  /** The name of the key that has said it. */
  overriddenBy: string | null;
}

export interface Queue {
  name: string;
  paused: Pause | null;
  counts: QueueCounts;
  /** Since when the first of the ready ones has been ready; null if none is. */
  oldestReadyAt: string | null;
  concurrency: QueueConcurrency;
}

export interface PauseOptions extends SignalOptions {
  /** Why: shown with every task that it holds. */
  note?: string;
  /** When it ends by itself: a Date, or milliseconds since 1970. Default: never. */
  until?: Date | number;
}

const A_QUEUE: Expected = {
  what: "a queue",
  is(body) {
    const { name, counts } = (body ?? {}) as Partial<Queue>;
    return typeof name === "string" && typeof counts?.ready === "number";
  },
};
const QUEUES: Expected = {
  what: "the queues",
  is: (body) => Array.isArray((body as { queues?: unknown } | null)?.queues),
};
const A_CONCURRENCY: Expected = {
  what: "how many run at once",
  is: (body) => typeof (body as { concurrency?: unknown } | null)?.concurrency === "object",
};
const A_PAUSE: Expected = {
  what: "whether it is paused",
  is: (body) => (body as { paused?: unknown } | null)?.paused !== undefined,
};

/**
 * `errand.queues`. A pause stops starts only: what runs goes on, submits are taken, timers and expiries run
 * on.
 */
export class Queues {
  constructor(private readonly connection: Connection) {}

  /** By name: those that tasks, definitions, workers or pauses name. */
  async list({ signal }: SignalOptions = {}): Promise<Queue[]> {
    return (await this.#call("GET", "/v1/queues", QUEUES, { signal })).queues;
  }

  /** One queue; every name that may be one is one. */
  async get(name: string, { signal }: SignalOptions = {}): Promise<Queue> {
    return await this.#call("GET", queuePath(name), A_QUEUE, { signal });
  }

  /** Resolves once nothing of the queue starts any more; elsewhere nothing does a second later. */
  async pause(name: string, options?: PauseOptions): Promise<Pause> {
    return await this.#pause(queuePath(name), options);
  }

  /** Wakes waiting workers. What was not paused stays as it is. */
  async resume(name: string, options?: SignalOptions): Promise<void> {
    await this.#resume(queuePath(name), options);
  }

  /**
   * At most so many tasks of the queue run at once from now on: 0 to 10,000, and 0 holds all. Null takes back
   * what was said. What runs goes on.
   *
   * @throws {ValidationError} for another number
   */
  async limit(
    name: string,
    concurrency: number | null,
    options?: SignalOptions,
  ): Promise<QueueConcurrency> {
    return await this.#limit(queuePath(name), concurrency, options);
  }

  /** The same for tasks of a definition, in whatever queue. */
  async limitDefinition(
    name: string,
    concurrency: number | null,
    options?: SignalOptions,
  ): Promise<QueueConcurrency> {
    return await this.#limit(`/v1/definitions/${encodeURIComponent(name)}/concurrency`, concurrency, options);
  }

  /** Tasks of the definition, in whatever queue. */
  async pauseDefinition(name: string, options?: PauseOptions): Promise<Pause> {
    return await this.#pause(`/v1/definitions/${encodeURIComponent(name)}`, options);
  }

  async resumeDefinition(name: string, options?: SignalOptions): Promise<void> {
    await this.#resume(`/v1/definitions/${encodeURIComponent(name)}`, options);
  }

  /** All tasks of all queues. */
  async pauseAll(options?: PauseOptions): Promise<Pause> {
    return await this.#pause("/v1", options);
  }

  async resumeAll(options?: SignalOptions): Promise<void> {
    await this.#resume("/v1", options);
  }

  /** The pause of everything that is in force; null if none is. */
  async pausedAll({ signal }: SignalOptions = {}): Promise<Pause | null> {
    return (await this.#call("GET", "/v1/queues", QUEUES, { signal })).paused;
  }

  async #limit(path: string, concurrency: number | null, { signal }: SignalOptions = {}) {
    return (await this.#call("PUT", path, A_CONCURRENCY, { body: { concurrency }, signal })).concurrency;
  }

  async #pause(path: string, { note, until, signal }: PauseOptions = {}): Promise<Pause> {
    const body = { note, untilMs: until === undefined ? undefined : Number(until) };
    return (await this.#call("POST", `${path}/pause`, A_PAUSE, { body, signal })).paused;
  }

  async #resume(path: string, { signal }: SignalOptions = {}): Promise<void> {
    await this.#call("POST", `${path}/resume`, A_PAUSE, { body: {}, signal });
  }

  /** Each of them may be repeated. */
  async #call(
    method: Call["method"],
    path: string,
    expects: Expected,
    rest: Pick<Call, "body" | "signal">,
  ) {
    return (await this.connection.http.call({ method, path, expects, ...rest })).body;
  }
}

function queuePath(name: string): string {
  return `/v1/queues/${encodeURIComponent(name)}`;
}
