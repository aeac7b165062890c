import type { KvPort } from "../../runtime/platform/kv.ts";

/** The keys that begin with this part. */
export async function keysUnder(kv: KvPort, part: string): Promise<Deno.KvKey[]> {
  return (await kv.list({ prefix: [part] }, { limit: 1_000 })).map(({ key }) => key);
}
