// The input of a function: its task's input, with each reference replaced by what it names: a result, or
// those of a group.

import { UpstreamGoneError } from "../core/errors.ts";
import { findReferences, resolveReferences } from "../core/references.ts";
import type { Store } from "../store/store.ts";
import {
  type Entry,
  isForgotten,
  type Stored,
  type TaskError,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { inTenant, tenantOf } from "../core/tenant.ts";
import type { Values } from "../store/values.ts";
import { groupResults, valueOf } from "./group_results.ts";

/** Characters. */
const LONG = 128 * 1024;
/** Results that are loaded at once. */
const LOADED_AT_ONCE = 50;

export class InputResolver {
  /** @param maxBytes of what one reference stands for */
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly maxBytes: number = 2 ** 24,
  ) {}

  /**
   * The input as a new JSON value.
   *
   * @throws {UpstreamGoneError} if the result of a reference is gone
   * @throws {UpstreamTooLargeError} if a reference stands for the results of too large a group
   */
  async of(record: TaskRecord): Promise<unknown> {
    const text = await this.values.load(record.id, record.input);
    const value = JSON.parse(text);
    // What is done with a long one takes long too: others have their turn between.
    if (text.length > LONG) await this.store.turns.next();
    if (!record.special) return value;
    const all = new Set(findReferences(value, "").references.map(({ task }) => task));
    const results = new Map<string, unknown>();
    const wanted = [...all].filter((task) => {
      const error = errorOfRest(record, inTenant(task, tenantOf(record.id)));
      if (error) results.set(task, { error });
      return error === null;
    });
    for (let at = 0; at < wanted.length; at += LOADED_AT_ONCE) {
      const named = wanted.slice(at, at + LOADED_AT_ONCE);
      const ids = named.map((id) => inTenant(id, tenantOf(record.id)));
      const groups = record.deps?.groups;
      const entries = await this.#ended(ids);
      const loaded = await Promise.all(entries.map((entry, i) => {
        if (groups?.includes(ids[i])) return groupResults(this.store, this.values, ids[i], this.maxBytes);
        if (!entry || isForgotten(entry.record)) throw new UpstreamGoneError(ids[i]);
        const { ignoreResult } = entry.record;
        // Refused at the submit; but a unique task of somebody else may have come in its place.
        if (ignoreResult) throw new UpstreamGoneError(ids[i], "was not kept: it has ignoreResult");
        return valueOf(this.values, entry.record);
      }));
      named.forEach((id, i) => results.set(id, loaded[i]));
    }
    return resolveReferences(value, (task) => results.get(task));
  }

  /** A completed task stays completed, so a known record of it is enough. */
  async #ended(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    const known = ids.map((id) => this.store.links.get(id));
    if (known.every((entry) => entry && typeOf(entry.record) === "COMPLETED")) return known as Entry[];
    return await this.store.peekMany(ids);
  }
}

/** What stands for a task without which this one has started, whatever has become of that one since. */
function errorOfRest({ deps }: TaskRecord, id: string): TaskError | null {
  const any = deps?.conditions?.any?.find(({ of }) => of.includes(id));
  if (!any || any.met?.includes(id)) return null;
  const message = `it was not among the first ${any.count} of the ${any.of.length} tasks in anyOf`;
  return { name: "NotAmongFirst", message, retryable: false };
}
