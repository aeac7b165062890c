// Calls of a client that knows nothing of which process is alive: it asks any of them, and what is not
// answered is not promised.

import { pause } from "../support/waiting.ts";
import type { Random } from "../support/random.ts";
import { now } from "./journal.ts";

/** A stopped process answers when it goes on; few wait that long. */
const GIVE_UP_AFTER_MS = 2_500;
/** A caller that waits longer than the service is told when the database is away. */
const PATIENT_MS = 13_000;
const PATIENT = 0.15;
/** Also while the database is away. */
const ASKED_AGAIN_FOR_MS = 100_000;

// deno-lint-ignore no-explicit-any
export type Body = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

export class Caller {
  /** Answers by status, and calls without one. */
  readonly answers: Record<string, number> = {};
  /** What no fault excuses: a status of 500, a repeated key with other tasks. */
  readonly wrong: string[] = [];

  constructor(private readonly urls: string[]) {}

  async call(
    random: Random,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer | null> {
    const late = new AbortController();
    const patienceMs = random.chance(PATIENT) ? PATIENT_MS : GIVE_UP_AFTER_MS;
    const timer = setTimeout(() => late.abort(), patienceMs);
    try {
      const response = await fetch(random.pick(this.urls) + path, {
        method,
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: late.signal,
      });
      const answer = { status: response.status, headers: response.headers, body: await response.json() };
      this.#count(String(response.status));
      if (response.status === 500) this.wrong.push(`${method} ${path} gave 500`);
      return answer;
    } catch {
      this.#count(late.signal.aborted ? "no answer in time" : "cut off or refused");
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  #count(answer: string): void {
    this.answers[answer] = (this.answers[answer] ?? 0) + 1;
  }
}

/** Asks again until an answer is one of `statuses`. */
export async function untilAnswered(
  random: Random,
  call: () => Promise<Answer | null>,
  statuses: number[] = [202],
): Promise<Answer | null> {
  for (const since = now(); now() - since < ASKED_AGAIN_FOR_MS;) {
    const answer = await call();
    if (answer && statuses.includes(answer.status)) return answer;
    await pause(random.int(20, 200));
  }
  return null;
}
