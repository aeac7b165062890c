import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Log } from "../platform/log.ts";
import type { LeaseBook } from "./lease_book.ts";

/** The last that a worker does: the others then know that it holds nothing more. */
export async function signOff(kv: KvPort, worker: string, leases: LeaseBook, log: Log): Promise<void> {
  try {
    for (let writes = leases.takeDeletions(); writes.length > 0; writes = leases.takeDeletions()) {
      await kv.writeBlind(writes, 0);
    }
    await kv.writeBlind([{ key: keys.worker(worker) }], 0);
  } catch (error) {
    log.error("signing off failed: the others will take this worker for dead", error);
  }
}
