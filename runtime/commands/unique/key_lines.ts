// Calls of this process that are about to write a unique key, in line for it: of many at once only one tries,
// and the others find what it has stored. Between processes the commit decides.

import type { SubmitPlan } from "../submit_plan.ts";

export class KeyLines {
  readonly #lines = new Map<string, Promise<void>[]>();

  async during<T>(digests: string[], work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Into all lines at once: no two calls wait for each other.
    const before = digests.flatMap((digest) => {
      const line = this.#lines.get(digest);
      if (!line) this.#lines.set(digest, [promise]);
      else line.push(promise);
      return line?.at(-2) ?? [];
    });
    try {
      await Promise.all(before);
      return await work();
    } finally {
      for (const digest of digests) this.#leave(digest, promise);
      resolve();
    }
  }

  #leave(digest: string, promise: Promise<void>): void {
    const line = this.#lines.get(digest)!;
    line.splice(line.indexOf(promise), 1);
    if (line.length === 0) this.#lines.delete(digest);
  }
}

/** A call with more keys holds up nobody: it is stored as it comes. */
const MOST_IN_LINE = 100;

/** @param work is done again from the start if it finds that a key is taken meanwhile */
export async function inLine<T>(
  lines: KeyLines,
  { checked }: Pick<SubmitPlan, "checked">,
  work: () => Promise<T>,
): Promise<T> {
  const digests = [...new Set(checked.flatMap(({ unique }) => unique?.digest ?? []))];
  return digests.length > MOST_IN_LINE ? await work() : await lines.during(digests, work);
}
