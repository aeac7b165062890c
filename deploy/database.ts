// The database of an app on Deno Deploy. Where none is attached, Deno KV is a store that ends with the
// instance, and nothing says so: tasks that were acknowledged would be gone.

import { hasQueues, isRemote, type KvPort, openKv } from "../runtime/mod.ts";
import { ConfigError } from "../rules.ts";

const ATTACH = `Attach one and deploy again:
  deno deploy database provision errand --kind denokv
  deno deploy database assign errand`;

/**
 * Opens the database that is attached to the app, or the server at `path`.
 *
 * @throws {ConfigError} for a database that would end with this instance
 */
export async function openDeployKv(
  path: string | undefined,
  open: (path: string | undefined) => Promise<KvPort> = openKv,
): Promise<KvPort> {
  if (path !== undefined && !isRemote(path)) {
    const given = JSON.stringify(path);
    throw new ConfigError(
      `KV_PATH must not be set on Deno Deploy, or be the URL of a server; it is ${given}, which would end with this ` +
        `instance. Unset it. ${ATTACH}`,
    );
  }
  let kv: KvPort;
  try {
    kv = await open(path);
  } catch (error) {
    // Deno says so itself from 2.9.2 on, where the platform asks for it.
    throw String(error).includes("no KV database is attached") ? detached() : error;
  }
  // Only the database within Deno has queues.
  if (!await hasQueues(kv)) return kv;
  await kv.close();
  throw detached();
}

function detached(): ConfigError {
  return new ConfigError(
    "the app must have a database that is attached to it on Deno Deploy; it has none, so all tasks would end with " +
      `this instance. ${ATTACH}`,
  );
}
