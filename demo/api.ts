// The service's HTTP API, as far as the demo needs it.

import { completions } from "./completions.ts";
import type { Task } from "./task.ts";

const MOST_IN_A_BATCH = 1_000;
/** The longest that one request may wait. */
const WAIT_SECONDS = 60;
/** So that the tasks can be looked up for longer than the day that is the default. */
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

export class Api {
  constructor(private readonly url: string, private readonly signal?: AbortSignal) {}

  /** Submits one task for each input, as one group, and gives the group's id. */
  async submitAll(task: string, inputs: unknown[]): Promise<string> {
    const submissions = inputs.map((input) => ({ task, input, options: { retentionMs: RETENTION_MS } }));
    if (submissions.length <= MOST_IN_A_BATCH) {
      const { groupId } = await this.#call("/v1/tasks/batch", { tasks: submissions, group: true });
      return groupId;
    }
    const ids: string[] = [];
    for (let from = 0; from < submissions.length; from += MOST_IN_A_BATCH) {
      const slice = submissions.slice(from, from + MOST_IN_A_BATCH);
      const { tasks } = await this.#call("/v1/tasks/batch", { tasks: slice });
      ids.push(...tasks.map(({ id }: Task) => id));
    }
    return (await this.#call("/v1/groups", { ids })).id;
  }

  /** The group's tasks in the order in which they end, each once. */
  asCompleted(groupId: string): AsyncGenerator<Task> {
    return completions(`${this.url}/v1/as-completed?groupId=${groupId}`, { signal: this.signal });
  }

  /** Submits a task and waits for its end. */
  async run(task: string, input: unknown): Promise<Task> {
    const submission = { task, input, options: { retentionMs: RETENTION_MS } };
    let answer: Task = await this.#call("/v1/tasks", submission, { prefer: `wait=${WAIT_SECONDS}` });
    while (answer.finishedAt === null) {
      answer = await this.#call(`/v1/tasks/${answer.id}?wait=${WAIT_SECONDS}`);
    }
    return answer;
  }

  // deno-lint-ignore no-explicit-any
  async #call(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<any> {
    const response = await fetch(this.url + path, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json", ...headers },
      signal: this.signal,
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${answer.detail}`);
    return answer;
  }
}
