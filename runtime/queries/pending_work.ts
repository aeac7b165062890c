// What there is to do in the near future, from a few small reads: whether a process is worth having where each one costs,
// and where none lives unless something asks for it.

import { parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { ReadyBlock } from "../store/ready_queue.ts";

/** What there is to do, in words for a log. */
export type Reason =
  | "tasks wait for a worker"
  | "tasks are under a lease"
  | "a timer is due"
  | "follow-ups wait in the outbox";

export interface PendingWorkOptions {
  /** The time now, in milliseconds since the epoch. */
  now: number;
  /** Tasks that are to start or to expire within so many milliseconds count as work. */
  aheadMs: number;
  /** Definitions that can be run. A task of no known one is no work. */
  knows: (task: string) => boolean;
}

/** Blocks of the queue that one look sees; with more than these there is work in any case. */
const BLOCKS_SEEN = 50;

/** For a process that has nothing in hand: null if nobody is needed for now. */
export async function pendingWork(kv: KvPort, options: PendingWorkOptions): Promise<Reason | null> {
  const [ready, leases, near] = await Promise.all([
    kv.list<ReadyBlock>({ prefix: prefixes.allReady }, { limit: BLOCKS_SEEN }),
    kv.list({ prefix: prefixes.leases }, { limit: 1 }),
    nearPendingWork(kv, options),
  ]);
  const isKnown = ready.some(({ value }) => value.tasks.some(options.knows));
  if (isKnown || ready.length === BLOCKS_SEEN) return "tasks wait for a worker";
  if (leases.length > 0) return "tasks are under a lease";
  return near;
}

/** The part that a worker does not find out by itself while it works. */
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
      // These shall be on time; what only tidies up may wait until somebody is awake.
      isDue("start", now + aheadMs),
      isDue("expire", now + aheadMs),
      isDue("purge", now),
      isDue("unseal", now),
      isDue("recount", now),
    ]),
    kv.list({ prefix: prefixes.outbox }, { limit: 1 }),
  ]);
  if (due.includes(true)) return "a timer is due";
  return outbox.length > 0 ? "follow-ups wait in the outbox" : null;
}
