// Queues, definitions and everything, as those who look after the service see, pause and limit them.

import { type Caller, knowsDefinition, knowsQueue } from "../core/caller.ts";
import { ForbiddenError, UnknownNameError, ValidationError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import type { Entry } from "../core/task.ts";
import { DEFAULT_QUEUE, type ServedQueues } from "../core/queue.ts";
import type { Registry } from "../core/registry.ts";
import type { OutboxProcessor } from "../dependencies/outbox_processor.ts";
import type { ControlKind } from "../platform/keys.ts";
import { noCounts, type QueueCounter, type QueueCounts } from "../queries/queue_counts.ts";
import {
  changeConcurrency,
  countRunning,
  type Limited,
  NO_CONCURRENCY,
  overridden,
} from "../queues/concurrency.ts";
import type { Concurrency, Pause } from "../queues/control_set.ts";
import type { Controls } from "../queues/controls.ts";
import { pause, type PauseRequest, resume } from "../queues/pauses.ts";
import type { Store } from "../store/store.ts";

/** What may be paused, by its name; of everything it is empty. */
export interface Controlled {
  kind: ControlKind;
  name: string;
}

export interface QueueState {
  name: string;
  paused: Pause | null;
  counts: QueueCounts;
  concurrency: Concurrency;
}

/** What was said of a definition. */
export interface DefinitionState {
  paused: Pause | null;
  concurrency: Concurrency;
}

/** Nothing was ever said of it. */
export const UNSAID: DefinitionState = { paused: null, concurrency: NO_CONCURRENCY };

export interface QueueControlOptions {
  store: Store;
  registry: Registry;
  controls: Controls;
  counter: QueueCounter;
  outbox: OutboxProcessor;
  /** Those that this process takes tasks from. */
  served: ServedQueues;
  /** The attempts that run here. */
  running: () => Iterable<Entry>;
}

export class QueueControl {
  constructor(private readonly options: QueueControlOptions) {}

  /** Those that tasks, definitions, workers or pauses of this process name, and that the caller may know. */
  async list(caller: Caller): Promise<{ paused: Pause | null; queues: QueueState[] }> {
    const { controls, counter, registry, served } = this.options;
    const counts = await counter.count(caller);
    await this.#look();
    const names = new Set([DEFAULT_QUEUE, ...counts.keys()]);
    for (const { name, defaults: { queue } } of registry.all()) {
      if (queue !== undefined && knowsDefinition(caller, name)) names.add(queue);
    }
    // What other tenants call their queues is theirs.
    if (caller.tenant === "") {
      for (const { name } of served ?? []) names.add(name);
      for (const { kind, name } of controls.now.all) if (kind === "queue") names.add(name);
    }
    const known = [...names].filter((name) => knowsQueue(caller, name)).sort();
    return {
      paused: this.#pauseOf("all", "", caller),
      queues: known.map((name) => this.#state(name, counts, caller)),
    };
  }

  /** @throws {UnknownNameError} if the caller may not know it */
  async one(name: string, caller: Caller): Promise<QueueState> {
    if (!knowsQueue(caller, name)) throw new UnknownNameError("queue", name);
    const counts = await this.options.counter.count(caller);
    await this.#look();
    return this.#state(name, counts, caller);
  }

  /** What was said of definitions, by name. */
  async definitions(caller: Caller): Promise<Map<string, DefinitionState>> {
    // What can be submitted is told also while the database is away, with what was known.
    await this.#look().catch(() => {});
    const states = new Map<string, DefinitionState>();
    for (const { kind, name } of this.options.controls.now.all) {
      if (kind !== "definition") continue;
      const paused = this.#pauseOf(kind, name, caller);
      states.set(name, { paused, concurrency: this.#concurrencyOf(kind, name, caller) });
    }
    return states;
  }

  /**
   * At most so many of its tasks run at once from now on; null takes back what was said.
   * See {@linkcode changeConcurrency}.
   */
  async limit(what: Limited, caller: Caller, most: number | null): Promise<Concurrency> {
    const { store, controls, running } = this.options;
    this.#requireControl(what, caller);
    const said = (before: Concurrency) => overridden(before, most, store.clock.now(), caller.name);
    const concurrency = await changeConcurrency(store, controls, what, said);
    await countRunning(store, controls, running());
    return concurrency;
  }

  /**
   * See {@linkcode pause}.
   *
   * @throws {ValidationError} if it would end before it begins
   */
  async pause(what: Controlled, caller: Caller, request: PauseRequest): Promise<Pause> {
    const { store, controls } = this.options;
    this.#requireControl(what, caller);
    const now = store.clock.now();
    const { untilMs } = request;
    if (typeof untilMs === "number" && untilMs <= now) {
      const rule = "must lie in the future, in milliseconds since 1970";
      const message = `${rule} (got ${untilMs}; now it is ${now}, so ${now + 60_000} is in a minute)`;
      throw new ValidationError([{ pointer: "/untilMs", message }]);
    }
    return await pause(store, controls, { ...what, by: caller.name }, request);
  }

  /** See {@linkcode resume}. */
  async resume(what: Controlled, caller: Caller): Promise<void> {
    const { store, controls, outbox } = this.options;
    this.#requireControl(what, caller);
    await resume(store, controls, what, (subject) => outbox.ring([subject]));
  }

  /**
   * Whoever holds tasks up must be allowed to know all of them.
   *
   * @throws {UnknownNameError | ForbiddenError}
   */
  #requireControl({ kind, name }: Controlled, caller: Caller): void {
    if (kind === "queue" && !knowsQueue(caller, name)) throw new UnknownNameError("queue", name);
    if (kind === "definition") this.#requireDefinition(name, caller);
    if (caller.tenant !== "") {
      throw new ForbiddenError(
        "all tenants share queues and definitions: a key of the default tenant pauses and limits them",
      );
    }
    const own = kind === "queue" ? "queue:" : kind === "definition" ? "task:" : null;
    const narrower = caller.patterns.find((pattern) => own === null || !pattern.startsWith(own));
    if (narrower === undefined) return;
    throw new ForbiddenError(
      `the key "${caller.name}" may know only some of the tasks that this concerns: it has the pattern ${narrower}`,
    );
  }

  #requireDefinition(name: string, caller: Caller): void {
    const names = this.options.registry.all().map(({ name }) => name)
      .filter((name) => knowsDefinition(caller, name));
    if (!names.includes(name)) throw new UnknownNameError("definition", name, didYouMean(name, names));
  }

  async #look(): Promise<void> {
    const { controls } = this.options;
    if (!controls.isFresh) await controls.look();
  }

  #state(name: string, counts: Map<string, QueueCounts>, caller: Caller): QueueState {
    return {
      name,
      paused: this.#pauseOf("queue", name, caller),
      counts: counts.get(name) ?? noCounts(),
      concurrency: this.#concurrencyOf("queue", name, caller),
    };
  }

  /** Who has said it is shown to its own tenant. */
  #concurrencyOf(kind: Limited["kind"], name: string, caller: Caller): Concurrency {
    const { concurrency = NO_CONCURRENCY } = this.options.controls.now.get(kind, name)?.control ?? {};
    return caller.tenant === "" ? concurrency : { ...concurrency, overriddenBy: null };
  }

  /** Who asked for it is shown to its own tenant. */
  #pauseOf(kind: ControlKind, name: string, caller: Caller): Pause | null {
    const { store, controls } = this.options;
    const pause = controls.now.pauseOf(store.clock.now(), kind, name);
    return pause && caller.tenant !== "" ? { ...pause, by: null } : pause;
  }
}
