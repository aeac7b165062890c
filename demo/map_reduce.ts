// The two steps: `digest` over every document, `tally` over what came out.

import type { Api } from "./api.ts";
import type { Task } from "./task.ts";
import type { Progress } from "./progress.ts";

/** What the demo sets MAX_INPUT_BYTES to: the most that the service allows, for the input of the one `tally`. */
export const LARGEST_INPUT_BYTES = 2 ** 24;

/** What `digest` returns, as far as the demo looks into it. */
export interface Digest {
  bytes: number;
  lines: number;
  words: number;
  top: { word: string; count: number }[];
}

/** What `tally` returns. */
export type Totals = Digest & { files: number };

export interface Digested {
  /** In the order of completion, failed ones too. */
  tasks: Task[];
  /** From the first request to the last completion. */
  wallMs: number;
}

export async function digestAll(api: Api, paths: string[], progress: Progress): Promise<Digested> {
  const startedAt = performance.now();
  const groupId = await api.submitAll("digest", paths.map((path) => ({ path })));
  const tasks: Task[] = [];
  let wallMs = 0;
  try {
    for await (const task of api.asCompleted(groupId)) {
      tasks.push(task);
      wallMs = performance.now() - startedAt;
      progress.step();
    }
  } finally {
    progress.end();
  }
  return { tasks, wallMs };
}

/** @throws {Error} if `tally` fails. */
export async function tally(api: Api, digested: Task[]): Promise<Totals> {
  const digests = fitting(digested.map(({ result }) => result as Digest), LARGEST_INPUT_BYTES);
  const { state, result, error } = await api.run("tally", { digests });
  if (state.type !== "COMPLETED") throw new Error(`tally ended as ${state.name}: ${error?.message}`);
  return result as Totals;
}

/**
 * The digests, with so few of their most frequent words that they are at most `limitBytes` of JSON as the input of
 * `tally`. Sums stay exact; the counts of words, lower bounds anyway, get lower.
 */
export function fitting(digests: Digest[], limitBytes: number): Digest[] {
  let fewer = digests;
  for (let words = 50; words > 0 && bytesOf({ digests: fewer }) > limitBytes;) {
    words = Math.floor(words / 2);
    fewer = digests.map((digest) => ({ ...digest, top: digest.top.slice(0, words) }));
  }
  return fewer;
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
