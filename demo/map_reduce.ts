// The two steps: `digest` over every document, `tally` over what came out.

import type { Client, ResultOf } from "../client/mod.ts";
import type { definitions } from "../tasks/mod.ts";
import type { Progress } from "./progress.ts";
import type { Task } from "./task.ts";

/** What the demo sets MAX_INPUT_BYTES to: the most that the service allows, for the input of the one `tally`. */
export const LARGEST_INPUT_BYTES = 2 ** 24;
/** So that the tasks can be looked up for longer than the day that is the default. */
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

export type Errand = Client<typeof definitions>;
type Digest = ResultOf<typeof definitions, "digest">;
export type Totals = ResultOf<typeof definitions, "tally">;

export interface Digested {
  /** In the order of completion, failed ones too. */
  tasks: Task[];
  /** From the first request to the last completion. */
  wallMs: number;
}

export async function digestAll(
  errand: Errand,
  paths: string[],
  progress: Progress,
  signal?: AbortSignal,
): Promise<Digested> {
  const startedAt = performance.now();
  const options = { retentionMs: RETENTION_MS, signal };
  const futures = await errand.map("digest", paths.map((path) => ({ path })), options);
  const tasks: Task[] = [];
  let wallMs = 0;
  try {
    for await (const future of futures.asCompleted({ signal })) {
      tasks.push(await future.task());
      wallMs = performance.now() - startedAt;
      progress.step();
    }
  } finally {
    progress.end();
  }
  return { tasks, wallMs };
}

/** @throws {TaskError} if `tally` fails. */
export async function tally(errand: Errand, digested: Task[], signal?: AbortSignal): Promise<Totals> {
  const digests = fitting(digested.map(({ result }) => result as Digest), LARGEST_INPUT_BYTES);
  const future = await errand.submit("tally", { digests }, { retentionMs: RETENTION_MS, signal });
  return await future.result({ signal });
}

/**
 * The digests, with so few of their most frequent words that they are at most `limitBytes` of JSON as the input of
 * `tally`. Sums stay exact; the counts of words, lower bounds anyway, get lower.
 */
export function fitting<One extends { top: unknown[] }>(digests: One[], limitBytes: number): One[] {
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
