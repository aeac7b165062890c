// Asks at a deadline whether a task has ended by now. What is asked within a few milliseconds is one request.

import { chunksOf } from "./chunks.ts";
import { completions, MOST_IDS } from "./completion_stream.ts";
import type { Http } from "./http.ts";
import { explain, missingOf } from "./missing_tasks.ts";
import { after, Limit } from "./deadline.ts";
import { isTerminal, type Task } from "../protocol/wire.ts";

/** Timers that were set together fire one after the other. */
const GATHER_MS = 5;
/** Whoever asks is at a deadline already: the request is tried for this long, */
const TRY_MS = 1_500;
/** and a service that says nothing is given up after this. */
const SILENT_MS = 2_000;

interface Asked {
  resolve(task: Task | null): void;
  reject(error: unknown): void;
}

export class StatusBatcher {
  readonly #http: Http;
  #next = new Map<string, Asked[]>();

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * The ended task; null if it has not ended.
   *
   * @throws {ConnectionError} if the service does not answer within two seconds
   */
  ended(id: string): Promise<Task | null> {
    if (this.#next.size === 0) after(GATHER_MS, () => this.#askForAll());
    return new Promise((resolve, reject) => {
      const asked = this.#next.get(id) ?? [];
      this.#next.set(id, asked);
      asked.push({ resolve, reject });
    });
  }

  #askForAll(): void {
    const all = this.#next;
    this.#next = new Map();
    for (const chunk of chunksOf([...all], MOST_IDS)) void this.#ask(new Map(chunk));
  }

  async #ask(asked: Map<string, Asked[]>): Promise<void> {
    const ids = [...asked.keys()];
    const limit = new Limit();
    limit.within(SILENT_MS);
    const options = { timeoutMs: 0, tryForMs: TRY_MS, signal: limit.signal };
    const tell = (id: string, task: Task | null) => {
      asked.get(id)?.forEach(({ resolve }) => resolve(task));
      asked.delete(id);
    };
    try {
      for await (
        const completion of completions(this.#http, { ids }, options)
      ) {
        if (completion.kind === "task") tell(completion.task.id, completion.task);
        if (completion.kind === "gone") await this.#explain([completion.id], asked);
      }
      for (const id of [...asked.keys()]) tell(id, null);
    } catch (error) {
      const missing = missingOf(ids, error);
      await this.#explain(missing, asked);
      if (asked.size === 0) return;
      if (missing.length > 0) return await this.#ask(asked);
      for (const each of [...asked.values()].flat()) each.reject(error);
    } finally {
      limit.end();
    }
  }

  async #explain(ids: string[], asked: Map<string, Asked[]>): Promise<void> {
    await explain(this.#http, ids, (id, what) => {
      for (const { resolve, reject } of asked.get(id) ?? []) {
        if ("error" in what) reject(what.error);
        else resolve(isTerminal(what.task.state) ? what.task : null);
      }
      asked.delete(id);
    });
  }
}
