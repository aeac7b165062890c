// What stands for a group in an input: the results of its tasks, in their order. Where its policy allows for
// failures, or the task that takes them does, `{error}` stands in the place of one that did not complete.

import { UpstreamGoneError, UpstreamTooLargeError } from "../core/errors.ts";
import { isTerminalType } from "../core/states.ts";
import { isForgotten, type StoredValue, type TaskError, type TaskRecord, typeOf } from "../core/task.ts";
import { GroupMembers } from "../queries/group_members.ts";
import { groupRecord } from "../store/group_counters.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

/**
 * @param maxBytes of all results together
 * @throws {UpstreamGoneError} if the group is gone, or a task of it
 * @throws {UpstreamTooLargeError}
 */
export async function groupResults(
  store: Store,
  values: Values,
  group: string,
  maxBytes: number,
): Promise<unknown[]> {
  const record = await groupRecord(store.kv, group);
  if (!record) throw new UpstreamGoneError(group);
  const results: unknown[] = [];
  let bytes = 0;
  for await (const page of new GroupMembers(store).entries(record)) {
    for (const entry of page) {
      if (!entry || isForgotten(entry.record)) {
        throw new UpstreamGoneError(group, "is not whole any more: a task of the group is gone");
      }
      bytes += sizeOf(entry.record);
      if (bytes > maxBytes) throw new UpstreamTooLargeError(group, maxBytes);
      results.push(await valueOf(values, entry.record));
    }
  }
  return results;
}

/** The result of a task, or its error. Nothing is kept of one that ignores its result. */
export async function valueOf(values: Values, upstream: TaskRecord): Promise<unknown> {
  if (typeOf(upstream) !== "COMPLETED") return { error: errorOf(upstream) };
  return upstream.result ? JSON.parse(await values.load(upstream.id, upstream.result)) : null;
}

/** The error of the task's last end. It may have been retried since, or never have ended. */
function errorOf({ error, history }: TaskRecord): TaskError {
  const end = history.findLast((state) => isTerminalType(state.type));
  if (end === undefined) {
    return { name: "NotEnded", message: "it had not ended when its group had", retryable: false };
  }
  const { type, name, message } = end;
  return error ?? { name, message: message ?? `it ended ${type}`, retryable: false };
}

function sizeOf({ result, error }: TaskRecord): number {
  return (result ? bytesOf(result) : 0) + (error ? JSON.stringify(error).length : 0);
}

function bytesOf(value: StoredValue): number {
  return "json" in value ? value.json.length : value.bytes;
}
