// Who waits for which task. However many futures are waited for, and whoever does, they share a few streams: what is
// asked for in one turn of the event loop goes into one, and small streams are joined before they become many.

import { chunksOf } from "./chunks.ts";
import { completions, MOST_IDS } from "./completion_stream.ts";
import { ErrandError, ForgottenError, NotFoundError } from "./errors.ts";
import type { Http } from "./http.ts";
import { after } from "./time.ts";
import { isTerminal, type Task } from "./wire.ts";

/** Streams that are not full; a browser has six connections to a host in all. */
const MOST_STREAMS = 3;
/** When the streams are that many, new ids are gathered for this long before two of them are joined. */
const GATHER_MS = 25;

export interface Waiter {
  onEnd(task: Task): void;
  /** It is not there, or the service cannot be reached. */
  onError(error: unknown): void;
}

interface Stream {
  ids: Set<string>;
  abort: AbortController;
}

export class Arrivals {
  readonly #http: Http;
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** Waited for, and in no stream yet. */
  readonly #fresh = new Set<string>();
  readonly #streams = new Set<Stream>();
  #isScheduled = false;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Tells the waiter once, after this call; gives what stops it. */
  watch(id: string, waiter: Waiter): () => void {
    const waiters = this.#waiters.get(id);
    if (waiters) waiters.add(waiter);
    else {
      this.#waiters.set(id, new Set([waiter]));
      this.#fresh.add(id);
      this.#schedule();
    }
    return () => this.#leave(id, waiter);
  }

  #leave(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    if (!waiters?.delete(waiter) || waiters.size > 0) return;
    this.#waiters.delete(id);
    this.#fresh.delete(id);
    for (const stream of this.#streams) {
      if (stream.ids.delete(id) && stream.ids.size === 0) this.#close(stream);
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#streams.size < MOST_STREAMS) queueMicrotask(() => this.#open());
    else after(GATHER_MS, () => this.#open());
  }

  #open(): void {
    this.#isScheduled = false;
    const ids = [...this.#fresh];
    this.#fresh.clear();
    if (ids.length === 0) return;
    while (this.#streams.size >= MOST_STREAMS) {
      const [smallest] = [...this.#streams].sort((a, b) => a.ids.size - b.ids.size);
      if (smallest.ids.size + ids.length > MOST_IDS) break;
      ids.push(...smallest.ids);
      this.#close(smallest);
    }
    for (const chunk of chunksOf(ids, MOST_IDS)) {
      const stream = { ids: new Set(chunk), abort: new AbortController() };
      this.#streams.add(stream);
      void this.#read(stream);
    }
  }

  #close(stream: Stream): void {
    this.#streams.delete(stream);
    stream.abort.abort();
  }

  async #read(stream: Stream): Promise<void> {
    const { ids, abort: { signal } } = stream;
    const asked = [...ids];
    try {
      for await (const completion of completions(this.#http, { ids: asked }, { signal })) {
        if (completion.kind === "timeout") continue;
        const id = completion.kind === "task" ? completion.task.id : completion.id;
        ids.delete(id);
        if (completion.kind === "task") this.#tell(id, (waiter) => waiter.onEnd(completion.task));
        else await this.#explain(id);
      }
      if (ids.size > 0) throw new ErrandError(`the stream ended before ${ids.size} of its tasks had`);
      this.#streams.delete(stream);
    } catch (error) {
      // A stream that was closed from here has handed on what it had, or nobody waits any more.
      if (this.#streams.delete(stream)) await this.#fail(asked, ids, error);
    }
  }

  /** A task that is not there must not take the others with it. */
  async #fail(asked: string[], left: Set<string>, error: unknown): Promise<void> {
    const missing = missingOf(asked, error).filter((id) => left.delete(id));
    for (const id of left) {
      if (missing.length === 0) this.#tell(id, (waiter) => waiter.onError(error));
      else this.#again(id);
    }
    for (const id of missing) await this.#explain(id);
  }

  /** Asks for the one task, to say what has become of it. */
  async #explain(id: string): Promise<void> {
    try {
      const { body: task } = await this.#http.call({ method: "GET", path: `/v1/tasks/${id}` });
      // It is back: somebody has used its id once more.
      if (isTerminal(task.state)) this.#tell(id, (waiter) => waiter.onEnd(task));
      else this.#again(id);
    } catch (error) {
      this.#tell(id, (waiter) => waiter.onError(error));
    }
  }

  #again(id: string): void {
    if (!this.#waiters.has(id)) return;
    this.#fresh.add(id);
    this.#schedule();
  }

  #tell(id: string, tell: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiters ?? []) tell(waiter);
  }
}

/** The ids that the service's answer points at as unknown or forgotten. */
function missingOf(ids: string[], error: unknown): string[] {
  if (!(error instanceof NotFoundError || error instanceof ForgottenError)) return [];
  const places = error.errors.map(({ pointer }) => /^\/ids\/(\d+)$/.exec(pointer)?.[1]);
  return places.flatMap((place) => place === undefined ? [] : ids[Number(place)] ?? []);
}
