// Ids that callers have chosen themselves: each may be used once.

import { ConflictError, underWay } from "../core/errors.ts";
import { bare, inTenant } from "../core/tenant.ts";
import { keys } from "../platform/keys.ts";
import type { Store } from "../store/store.ts";
import type { Batch } from "./batch.ts";

interface CallerId {
  id: string;
  index: number;
}

export function callerIdsOf({ submissions }: Batch, tenant: string): CallerId[] {
  return submissions.flatMap(({ id }, index) =>
    id === undefined ? [] : [{ id: inTenant(id, tenant), index }]
  );
}

/** @throws {ConflictError} */
export function requireDistinct(batch: Batch, ids: CallerId[]): void {
  if (ids.length < 2) return;
  const seen = new Map<string, number>();
  for (const { id, index } of ids) {
    const first = seen.get(id);
    if (first !== undefined) {
      const message = `id ${bare(id)} stands at ${batch.pointerOf(first, "/id")} too`;
      throw new ConflictError(message, batch.pointerOf(index, "/id"));
    }
    seen.set(id, index);
  }
}

/**
 * Most ids that are taken are found here, before anything is written. The commit finds the others.
 *
 * @throws {ConflictError}
 */
export async function requireFree({ kv }: Store, batch: Batch, ids: CallerId[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await kv.getMany(ids.map(({ id }) => keys.task(id)));
  requireNone(batch, ids.filter((_, i) => found[i].versionstamp !== null));
}

/** Ids of calls under way in this process: it is not known yet whether they will be taken. */
export class ReservedIds {
  readonly #ids = new Set<string>();

  /**
   * Does `work` while no other call of this process can use these ids.
   *
   * @throws {ConflictError} if another call that uses one of them is under way.
   */
  async during<T>(batch: Batch, ids: CallerId[], work: () => Promise<T>): Promise<T> {
    if (ids.length === 0) return await work();
    const [other] = ids.filter(({ id }) => this.#ids.has(id));
    if (other) throw underWay(`the id ${bare(other.id)}`, batch.pointerOf(other.index, "/id"));
    for (const { id } of ids) this.#ids.add(id);
    try {
      return await work();
    } finally {
      for (const { id } of ids) this.#ids.delete(id);
    }
  }
}

function requireNone(batch: Batch, [taken]: CallerId[]): void {
  if (taken) throw new ConflictError(`id ${bare(taken.id)} is taken`, batch.pointerOf(taken.index, "/id"));
}
