// Which futures wait for which task. All waits share a few streams: those that begin in one turn of the event
// loop go into one stream, and small streams are joined before they become many.

import { chunksOf } from "./chunks.ts";
import { completions, MOST_IDS } from "./completion_stream.ts";
import { ErrandError, UnexpectedAnswerError } from "../protocol/errors.ts";
import type { Http } from "./http.ts";
import { explain, missingOf } from "./missing_tasks.ts";
import { after } from "./deadline.ts";
import { isTerminal, type Task } from "../protocol/wire.ts";

/** Streams, as long as they can be joined; a browser has six connections to a host in all. */
const MOST_STREAMS = 3;
/** Before two streams are joined, new ids are gathered for this long. */
const GATHER_MS = 25;
/**
 * A stream that is this much larger than the new ids is not joined: the service would read all of its tasks
 * again.
 */
const MUCH_LARGER = 8;
/** So many more streams may be open because of that. */
const SPARE_STREAMS = 2;

/** After so many times it is no accident. */
const MOST_CONTRADICTIONS = 3;

export interface Waiter {
  onEnd(task: Task): void;
  /** It is not there, or the service cannot be reached. */
  onError(error: unknown): void;
}

interface Stream {
  ids: Set<string>;
  abort: AbortController;
}

export class CompletionHub {
  readonly #http: Http;
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** Waited for, and in no stream yet. */
  readonly #fresh = new Set<string>();
  readonly #streams = new Set<Stream>();
  readonly #contradictions = new Map<string, number>();
  #isScheduled = false;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Tells the waiter once, after this call. Returns what stops that. */
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
    if (this.#joinable(1) === null) queueMicrotask(() => this.#open());
    else after(GATHER_MS, () => this.#open());
  }

  #open(): void {
    this.#isScheduled = false;
    const ids = [...this.#fresh];
    this.#fresh.clear();
    if (ids.length === 0) return;
    for (let stream = this.#joinable(ids.length); stream !== null; stream = this.#joinable(ids.length)) {
      ids.push(...stream.ids);
      this.#close(stream);
    }
    for (const chunk of chunksOf(ids, MOST_IDS)) {
      const stream = { ids: new Set(chunk), abort: new AbortController() };
      this.#streams.add(stream);
      void this.#read(stream);
    }
  }

  /** The stream that `count` new ids go together with; null if they get one of their own. */
  #joinable(count: number): Stream | null {
    if (this.#streams.size < MOST_STREAMS) return null;
    const [smallest] = [...this.#streams].sort((a, b) => a.ids.size - b.ids.size);
    const { size } = smallest.ids;
    if (size + count > MOST_IDS) return null;
    const hasSpare = this.#streams.size < MOST_STREAMS + SPARE_STREAMS;
    return hasSpare && size > MUCH_LARGER * (count + 4) ? null : smallest;
  }

  #close(stream: Stream): void {
    this.#streams.delete(stream);
    stream.abort.abort();
  }

  async #read(stream: Stream): Promise<void> {
    const { ids, abort: { signal } } = stream;
    const asked = [...ids];
    let told = 0;
    try {
      for await (const completion of completions(this.#http, { ids: asked }, { signal })) {
        if (completion.kind === "timeout") continue;
        told++;
        const id = completion.kind === "task" ? completion.task.id : completion.id;
        // A task that nobody waited for here any more may be waited for again after a retry: then this end is
        // out of date.
        if (!ids.delete(id)) continue;
        if (completion.kind === "task") this.#tell(id, (waiter) => waiter.onEnd(completion.task));
        else void this.#explain([id]);
        // Nobody waits for what is still to come. (After the end the connection can be used again.)
        if (ids.size === 0 && told < asked.length) break;
      }
      if (ids.size > 0) throw new ErrandError(`the stream ended before ${ids.size} of its tasks had`);
      this.#streams.delete(stream);
    } catch (error) {
      // A stream that was closed here has handed on what it had, or nobody waits any more.
      if (this.#streams.delete(stream)) await this.#fail(asked, ids, error);
    }
  }

  /** A task that is not there must not end the wait for the others. */
  async #fail(asked: string[], left: Set<string>, error: unknown): Promise<void> {
    const missing = missingOf(asked, error).filter((id) => left.delete(id));
    for (const id of left) {
      if (missing.length === 0) this.#tell(id, (waiter) => waiter.onError(error));
      else this.#again(id);
    }
    await this.#explain(missing);
  }

  async #explain(ids: string[]): Promise<void> {
    await explain(this.#http, ids, (id, what) => {
      if ("error" in what) this.#tell(id, (waiter) => waiter.onError(what.error));
      else if (isTerminal(what.task.state)) this.#tell(id, (waiter) => waiter.onEnd(what.task));
      else this.#contradicted(id);
    });
  }

  /** It was not there, and then it was: its id was used again, or two answers of the service differ. */
  #contradicted(id: string): void {
    const times = (this.#contradictions.get(id) ?? 0) + 1;
    this.#contradictions.set(id, times);
    if (times < MOST_CONTRADICTIONS) return this.#again(id);
    const message = `the service says that task ${id} is there, and that it is not`;
    this.#tell(id, (waiter) => waiter.onError(new UnexpectedAnswerError(message, 404)));
  }

  #again(id: string): void {
    if (!this.#waiters.has(id)) return;
    this.#fresh.add(id);
    this.#schedule();
  }

  #tell(id: string, tell: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    this.#contradictions.delete(id);
    for (const waiter of waiters ?? []) tell(waiter);
  }
}
