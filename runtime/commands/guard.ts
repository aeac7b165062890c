import { ConflictError } from "../core/errors.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";

/** @throws {ConflictError} if a commit that checks these would conflict again, however often it is tried. */
export async function requireUnchanged(kv: KvPort, guards: Deno.AtomicCheck[]): Promise<void> {
  const now = await kv.getMany(guards.map(({ key }) => key));
  if (now.some(({ versionstamp }, i) => versionstamp !== guards[i].versionstamp)) {
    throw new ConflictError("what the call relied on has changed: another one came first");
  }
}

/**
 * A call may get others' tasks at its second try. Its first one, if that had no answer, must not make the
 * group again when it is applied late. Where ids are fresh the store sees to that (store/fences.ts).
 */
export function absentGroup(
  { groupId, fresh, resumed, checked }: {
    groupId: string | null;
    fresh: boolean;
    resumed: boolean;
    checked: readonly { unique?: unknown }[];
  },
): Deno.AtomicCheck | undefined {
  if (groupId === null || fresh || resumed || !checked.some(({ unique }) => unique)) return undefined;
  return { key: keys.group(groupId), versionstamp: null };
}
