// One chord: `digest` for every document, side by side, and `tally` for the results.

import { chord, type Client, type ResultOf, sig } from "../client/mod.ts";
import type { definitions } from "../tasks/mod.ts";
import type { Progress } from "./progress.ts";
import type { Task } from "./task.ts";

/** Longer than the default of a day, so that the tasks can be looked up later. */
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

export type Errand = Client<typeof definitions>;
export type Totals = ResultOf<typeof definitions, "tally">;

export interface Outcome {
  /** The digests' tasks in the order of completion, failed ones too. */
  tasks: Task[];
  totals: Totals;
  /** From the request to the last digest. */
  wallMs: number;
}

/** @throws {TaskError} if `tally` fails. A document that cannot be digested does not stop the others. */
export async function digestAll(
  errand: Errand,
  paths: string[],
  progress: Progress,
  signal?: AbortSignal,
): Promise<Outcome> {
  const startedAt = performance.now();
  const reduce = sig("tally", undefined, { into: "digests", name: "tally", allowFailure: true });
  const flow = await errand.run(chord(paths.map((path) => sig("digest", { path })), reduce), {
    retentionMs: RETENTION_MS,
    signal,
  });
  const last = flow.future("tally");
  const tasks: Task[] = [];
  let wallMs = 0;
  try {
    for await (const future of flow.asCompleted({ signal })) {
      if (future.id === last.id) continue;
      tasks.push(await future.task());
      wallMs = performance.now() - startedAt;
      progress.step();
    }
  } finally {
    progress.end();
  }
  return { tasks, totals: await last.result({ signal }) as Totals, wallMs };
}
