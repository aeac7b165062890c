// Says with a few small reads whether a process is needed in the near future. On Deno Deploy a process runs
// only while something asks for it.

import { parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { ReadyBlock } from "../store/ready_queue.ts";

/** The pending work, in words for a log. */
export type Reason =
  | "tasks wait for a worker"
  | "tasks are under a lease"
  | "a timer is due"
  | "follow-ups wait in the outbox";

export interface PendingWorkOptions {
  now: number;
  /** Timers that are due within so many milliseconds count as work. */
  aheadMs: number;
  /** True for definitions that the process can run. Other tasks do not count as work. */
  knows: (task: string) => boolean;
}

/** Blocks of the queue that are read. If there are more, there is work in any case. */
const BLOCKS_READ = 50;

/** The reason why a process is needed; null if none is needed for now. */
export async function pendingWork(kv: KvPort, options: PendingWorkOptions): Promise<Reason | null> {
  const [ready, leases, near] = await Promise.all([
    kv.list<ReadyBlock>({ prefix: prefixes.allReady }, { limit: BLOCKS_READ }),
    kv.list({ prefix: prefixes.leases }, { limit: 1 }),
    nearPendingWork(kv, options),
  ]);
  const isKnown = ready.some(({ value }) => value.tasks.some(options.knows));
  if (isKnown || ready.length === BLOCKS_READ) return "tasks wait for a worker";
  if (leases.length > 0) return "tasks are under a lease";
  return near;
}

/** The part that a worker does not find by itself. */
export async function nearPendingWork(
  kv: KvPort,
  { now, aheadMs }: Pick<PendingWorkOptions, "now" | "aheadMs">,
): Promise<Reason | null> {
  const isDue = async (kind: Parameters<typeof prefixes.due>[0], before: number) => {
    const [first] = await kv.list({ prefix: prefixes.due(kind) }, { limit: 1 });
    return first !== undefined && parse.due(first.key).at <= before;
  };
  const [due, outbox] = await Promise.all([
    Promise.all([
      // Starts and expiries must be on time. The rest only cleans up: it counts once it is due.
      isDue("start", now + aheadMs),
      isDue("expire", now + aheadMs),
      isDue("purge", now),
      isDue("unseal", now),
      isDue("recount", now),
      isDue("group", now),
    ]),
    kv.list({ prefix: prefixes.outbox }, { limit: 1 }),
  ]);
  if (due.includes(true)) return "a timer is due";
  return outbox.length > 0 ? "follow-ups wait in the outbox" : null;
}
