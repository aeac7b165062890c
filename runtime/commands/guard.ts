import { ConflictError } from "../core/errors.ts";
import type { KvPort } from "../platform/kv.ts";

/** @throws {ConflictError} if a commit that checks these would conflict again, however often it is tried. */
export async function requireUnchanged(kv: KvPort, guards: Deno.AtomicCheck[]): Promise<void> {
  const now = await kv.getMany(guards.map(({ key }) => key));
  if (now.some(({ versionstamp }, i) => versionstamp !== guards[i].versionstamp)) {
    throw new ConflictError("what the call relied on has changed: another one came first");
  }
}
