// A client that writes down every promise it is given before it counts it.

import { type Answer, type Body, Caller, untilAnswered } from "./caller.ts";
import { askFor } from "./compositions/ask.ts";
import { isOfComposition } from "./compositions/composition.ts";
import { KINDS } from "./compositions/kinds.ts";
import { type Journal, now } from "./journal.ts";
import { pause } from "../support/waiting.ts";
import type { AckLine, AskLine, ComposedLine, EndLine } from "./lines.ts";
import type { Random } from "../support/random.ts";
import { aTask } from "./requests.ts";

export interface LoadOptions {
  urls: string[];
  random: Random;
  /** Tasks in a second, about. */
  rate: number;
  acks: Journal;
  ends: Journal;
}

const COMPOSED = 0.08;
const MOST_UNDER_WAY = 40;
/** More are stored in several commits: without a key, what is cut off stays behind for ten minutes. */
const MOST_WITHOUT_KEY = 25;
const RECENT = 400;
/** Most of these have not ended yet. */
const YOUNG = 10;
/** After a large batch. */
const LONGEST_PAUSE_MS = 2_000;

export class Load {
  acknowledged = 0;
  /** Calls that rules of their own look at; each kind comes in turn (compositions/kinds.ts). */
  compositions = 0;
  readonly #caller: Caller;
  #recent: string[] = [];
  #underWay = 0;
  #keys = 0;
  #running = false;
  #done: Promise<void> = Promise.resolve();

  constructor(private readonly options: LoadOptions) {
    this.#caller = new Caller(options.urls);
  }

  get answers(): Record<string, number> {
    return this.#caller.answers;
  }

  get wrong(): string[] {
    return this.#caller.wrong;
  }

  start(): void {
    this.#running = true;
    this.#done = this.#run();
  }

  /** Resolves once everything that was begun has its answer. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
    while (this.#underWay > 0) await pause(20);
  }

  async #run(): Promise<void> {
    const { random, rate } = this.options;
    for (let tasks = 0; this.#running;) {
      const since = now();
      if (this.#underWay < MOST_UNDER_WAY) {
        // Everything is drawn here, in one line, so that the seed decides it and not who answers first.
        const { size, act } = this.#draw(random.fork());
        tasks = size;
        this.#underWay++;
        act().catch((error) => this.wrong.push(`the client failed: ${error}`)).finally(() =>
          this.#underWay--
        );
      }
      await pause(Math.min(LONGEST_PAUSE_MS, Math.max(1, tasks * 1_000 / rate)) - (now() - since));
    }
  }

  #draw(random: Random): { size: number; act: () => Promise<void> } {
    const dice = random.float();
    if (dice < COMPOSED) {
      const name = KINDS[this.compositions++ % KINDS.length];
      return askFor(name, `call-${this.compositions}`, random, this.#caller, (line) => this.#write(line));
    }
    if (dice < 0.55) return { size: 1, act: () => this.#submit(random, 1, null) };
    const key = `key-${++this.#keys}`;
    if (dice < 0.75) return { size: 1, act: () => this.#submit(random, 1, key) };
    const size = random.chance(0.1) ? 400 : random.int(2, 25);
    if (dice < 0.765) {
      return {
        size,
        act: () =>
          this.#submitGraph(random, size, random.chance(0.6) || size > MOST_WITHOUT_KEY ? key : null),
      };
    }
    if (dice < 0.79) return { size, act: () => this.#submit(random, size, random.chance(0.6) ? key : null) };
    if (dice < 0.85) return { size: 0, act: () => this.#cancel(random) };
    if (dice < 0.9) return { size: 0, act: () => this.#retry(random) };
    return { size: 0, act: () => this.#look(random) };
  }

  async #submit(random: Random, size: number, key: string | null): Promise<void> {
    const tasks = Array.from({ length: size }, () => aTask(random, key));
    const [path, body] = size === 1 ? ["/v1/tasks", tasks[0].body] : ["/v1/tasks/batch", {
      tasks: tasks.map(({ body }) => body),
      group: random.chance(0.3),
    }];
    const asked = tasks.map(({ asked }) => asked);
    const headers: Record<string, string> = key === null ? {} : { "idempotency-key": key };
    const call = () => this.#caller.call(random, "POST", path, body, headers);
    const idsOf = ({ body }: Answer) => size === 1 ? [body.id] : body.tasks.map(({ id }: Body) => id);
    const first = await (key === null ? call() : untilAnswered(random, call));
    if (first?.status !== 202) return;
    this.#acknowledge({ is: "submitted", ids: idsOf(first), asked, key, at: now() });
    if (key === null || !random.chance(0.5)) return;
    const again = await untilAnswered(random, call);
    if (again?.status !== 202) return;
    if (JSON.stringify(idsOf(again)) !== JSON.stringify(idsOf(first))) {
      this.wrong.push(`${key} gave ${idsOf(first)} and then ${idsOf(again)}`);
    }
  }

  /** Tasks that wait for up to three of those ahead of them; large ones are stored in several commits. */
  async #submitGraph(random: Random, size: number, key: string | null): Promise<void> {
    const drawn = Array.from({ length: size }, () => aTask(random, key));
    const waitFor = drawn.map((_, i) => {
      const some = Array.from(
        { length: i === 0 ? 0 : random.int(0, 3) },
        () => random.int(Math.max(0, i - 20), i - 1),
      );
      return [...new Set(some)].map((k) => `n${k}`);
    });
    const tasks = Object.fromEntries(drawn.map(({ body }, i) => [`n${i}`, { ...body, waitFor: waitFor[i] }]));
    const headers: Record<string, string> = key === null ? {} : { "idempotency-key": key };
    const call = () => this.#caller.call(random, "POST", "/v1/flows", { tasks }, headers);
    const answer = await (key === null ? call() : untilAnswered(random, call));
    if (answer?.status !== 202) return;
    const idOf = (name: string): string => answer.body.tasks[name].id;
    const ids = drawn.map((_, i) => idOf(`n${i}`));
    const asked = drawn.map(({ asked }, i) => ({ ...asked, upstreams: waitFor[i].map(idOf) }));
    this.#acknowledge({ is: "submitted", ids, asked, key, at: now() });
  }

  async #cancel(random: Random): Promise<void> {
    const id = this.#someId(random, YOUNG);
    if (!id) return;
    const answer = await this.#caller.call(random, "POST", `/v1/tasks/${id}/cancel`, {
      reason: "chaos",
      graceMs: 300,
    });
    if (answer?.status !== 200 && answer?.status !== 202) return;
    const { outcome } = answer.body;
    this.#write({ is: "cancelled", id, outcome, at: now() });
  }

  /** Runs a task again that has failed. */
  async #retry(random: Random): Promise<void> {
    const page = await this.#caller.call(random, "GET", "/v1/tasks?state=FAILED&limit=20");
    if (page?.status !== 200) return;
    const free: Body[] = page.body.tasks.filter((task: Body) => !isOfComposition(task));
    if (free.length === 0) return;
    const { id } = random.pick(free);
    this.#write({ is: "retry", id, at: now() });
    const answer = await this.#caller.call(random, "POST", `/v1/tasks/${id}/retry`);
    if (answer?.status === 202) this.#write({ is: "retried", id, at: now() });
  }

  /** Writes down an end that anybody can see: it must still be the same at the end of it all. */
  async #look(random: Random): Promise<void> {
    const id = this.#someId(random);
    if (!id) return;
    const answer = await this.#caller.call(random, "GET", `/v1/tasks/${id}?wait=1`);
    if (!answer) return;
    if (answer.status !== 200 && answer.status !== 503) {
      this.wrong.push(`an acknowledged task ${id} gave ${answer.status}`);
    } else if (answer.status === 200 && answer.body.finishedAt !== null) {
      this.options.ends.write(endOf(answer.body));
    }
  }

  #someId(random: Random, among = RECENT): string | undefined {
    return this.#recent.length === 0 ? undefined : random.pick(this.#recent.slice(-among));
  }

  #acknowledge(line: Extract<AckLine, { is: "submitted" }>): void {
    this.#write(line);
    this.acknowledged += line.ids.length;
    this.#recent = [...this.#recent, ...line.ids].slice(-RECENT);
  }

  #write(line: AckLine | AskLine | ComposedLine): void {
    this.options.acks.write(line);
  }
}

// deno-lint-ignore no-explicit-any
export function endOf(task: any): EndLine {
  const outcome = task.error ? task.error.message : JSON.stringify(task.result);
  return { id: task.id, type: task.state.type, finishedAt: task.finishedAt, outcome, at: now() };
}
