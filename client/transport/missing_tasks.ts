// Tasks that are not there, among many that were asked for: each is asked for alone, to learn what became of
// it.

import { inParallel } from "./parallel.ts";
import { ForgottenError, NotFoundError } from "../protocol/errors.ts";
import type { Http } from "./http.ts";
import { A_TASK, type Task } from "../protocol/wire.ts";

/** The ids that an answer points at as unknown or forgotten; `ids` as they were sent. */
export function missingOf(ids: string[], error: unknown): string[] {
  if (!(error instanceof NotFoundError || error instanceof ForgottenError)) return [];
  const places = error.errors.map(({ pointer }) => /^\/ids\/(\d+)$/.exec(pointer)?.[1]);
  return places.flatMap((place) => place === undefined ? [] : ids[Number(place)] ?? []);
}

/** Tells for each id the task, if it is there after all, or the error that says why not. */
export async function explain(
  http: Http,
  ids: string[],
  tell: (id: string, what: { task: Task } | { error: unknown }) => void,
): Promise<void> {
  await inParallel(ids, async (id) => {
    try {
      const { body: task } = await http.call({ method: "GET", path: `/v1/tasks/${id}`, expects: A_TASK });
      tell(id, { task });
    } catch (error) {
      tell(id, { error });
    }
  });
}
