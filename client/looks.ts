// Whether a task has ended by now: what is asked in one turn of the event loop is one request.

import { MOST_IDS } from "./completion_stream.ts";
import type { Http } from "./http.ts";
import type { TaskSummary } from "./wire.ts";

/** Who looks is at a deadline already. */
const LOOK_MS = 2_000;

export interface Waited {
  done: TaskSummary[];
  notDone: TaskSummary[];
}

export class Looks {
  readonly #http: Http;
  #next: { ids: Set<string>; done: Promise<Set<string>> } | null = null;

  constructor(http: Http) {
    this.#http = http;
  }

  /** One try, of at most two seconds. */
  async isDone(id: string): Promise<boolean> {
    if (this.#next === null || this.#next.ids.size === MOST_IDS) {
      const ids = new Set<string>();
      this.#next = { ids, done: Promise.resolve().then(() => this.#look(ids)) };
    }
    this.#next.ids.add(id);
    return (await this.#next.done).has(id);
  }

  async #look(ids: Set<string>): Promise<Set<string>> {
    if (this.#next?.ids === ids) this.#next = null;
    const { body } = await this.#http.call({
      method: "POST",
      path: "/v1/wait",
      body: { ids: [...ids], timeoutSeconds: 0 },
      repeatable: false,
      limitMs: LOOK_MS,
    });
    return new Set((body as Waited).done.map(({ id }) => id));
  }
}
