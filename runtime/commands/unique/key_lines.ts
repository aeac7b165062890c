// Calls of this process that are about to write a unique key, in line for it: of many at once only one tries,
// and the others find what it has stored. Between processes the commit decides.

import { keys } from "../../platform/keys.ts";
import type { Store } from "../../store/store.ts";
import type { SubmitPlan } from "../submit_plan.ts";

export class KeyLines {
  readonly #lines = new Map<string, Promise<void>[]>();

  /** Resolves when those have done that are first in line; null if nobody is. */
  firstDone(digests: string[]): Promise<unknown> | null {
    const first = digests.flatMap((digest) => this.#lines.get(digest)?.[0] ?? []);
    return first.length > 0 ? Promise.all(first) : null;
  }

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

/** @param work finds for itself what has become of its keys since */
export async function inLine<T>(
  lines: KeyLines,
  store: Store,
  { checked }: Pick<SubmitPlan, "checked">,
  work: () => Promise<T>,
): Promise<T> {
  const rules = checked.flatMap(({ unique }) => unique ?? []);
  const digests = [...new Set(rules.map(({ digest }) => digest))];
  if (digests.length > MOST_IN_LINE) return await work();
  const first = lines.firstDone(digests);
  if (first && rules.every(({ onConflict }) => onConflict === "return")) {
    await first;
    // Those that get tasks which are there write nothing, and need not wait for each other.
    const found = await store.kv.getMany(digests.map(keys.unique));
    if (found.every(({ versionstamp }) => versionstamp !== null)) return await work();
  }
  return await lines.during(digests, work);
}
