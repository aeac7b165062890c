// Says with a few small reads whether a process is needed in the near future. On Deno Deploy a process runs
// only while something asks for it.

import { isForgotten } from "../core/task.ts";
import { dueBetween, keys, parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { readControls } from "../queues/control_set.ts";
import { heldDefinitions, queuesWithTasks, type ReadyBlock } from "../store/ready_queue.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";

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
  /** True for the queues that it takes tasks from. Default: all. */
  serves?: (queue: string) => boolean;
}

/** Blocks of the queue, and of leases, that are read. If there are more, there is work in any case. */
const BLOCKS_READ = 50;

/** The reason why a process is needed; null if none is needed for now. */
export async function pendingWork(kv: KvPort, options: PendingWorkOptions): Promise<Reason | null> {
  const [isReady, isLeased, near] = await Promise.all([
    isAnyReady(kv, options),
    isAnyLeased(kv),
    nearPendingWork(kv, options),
  ]);
  if (isReady) return "tasks wait for a worker";
  if (isLeased) return "tasks are under a lease";
  return near;
}

/** Also what a pause holds that is over soon. What it holds for longer is no work. */
async function isAnyReady(
  kv: KvPort,
  { now, aheadMs, knows, serves = () => true }: PendingWorkOptions,
): Promise<boolean> {
  const controls = await readControls(kv);
  const isFree = (task: string, queue: string) =>
    knows(task) && controls.holdOf(now + aheadMs, { task, queue }) === null;
  const isOpen = (queue: string) => serves(queue) && controls.isOpen(now + aheadMs, queue);
  for await (const queue of queuesWithTasks(kv)) {
    if (!isOpen(queue)) continue;
    const blocks = await kv.list<ReadyBlock>({ prefix: prefixes.queue(queue) }, { limit: BLOCKS_READ });
    if (blocks.length === BLOCKS_READ) return true;
    if (blocks.some(({ value }) => value.tasks.some((task) => isFree(task, queue)))) return true;
  }
  for await (const { definition, place: { queue } } of heldDefinitions(kv)) {
    if (isOpen(queue) && isFree(definition, queue)) return true;
  }
  return false;
}

/**
 * A lease block outlives its tasks if their worker was killed before it deleted the block: such a block is no
 * work. A task that only a newer release can read is none for this one.
 */
async function isAnyLeased(kv: KvPort): Promise<boolean> {
  const blocks = await kv.list<string[]>({ prefix: prefixes.leases }, { limit: BLOCKS_READ });
  for (const { key, value: ids } of blocks) {
    const { worker } = parse.lease(key);
    const found = await kv.getMany<Uint8Array>(ids.map((id) => keys.task(id)));
    const isHeld = found.map(entryOrNewer).some((entry) => {
      return entry && !isNewerRecord(entry) && !isForgotten(entry.record) &&
        entry.record.lease?.worker === worker;
    });
    if (isHeld) return true;
  }
  return blocks.length === BLOCKS_READ;
}

/** The part that a worker does not find by itself. */
export async function nearPendingWork(
  kv: KvPort,
  { now, aheadMs, knows }: PendingWorkOptions,
): Promise<Reason | null> {
  const isDue = async (kind: Parameters<typeof prefixes.due>[0], before: number) => {
    const [first] = await kv.list({ prefix: prefixes.due(kind) }, { limit: 1 });
    return first !== undefined && parse.due(first.key).at <= before;
  };
  // One of a definition that only another process has is none for this one.
  const isScheduleDue = async () => {
    const near = dueBetween("schedule", 0, now + aheadMs + 1);
    const due = await kv.list<string>(near, { limit: BLOCKS_READ });
    return due.length === BLOCKS_READ || due.some(({ value }) => knows(value));
  };
  const [due, outbox] = await Promise.all([
    Promise.all([
      // Starts and expiries must be on time. The rest only cleans up: it counts once it is due.
      isDue("start", now + aheadMs),
      isDue("rate", now + aheadMs),
      isDue("expire", now + aheadMs),
      isDue("deadline", now + aheadMs),
      isDue("replaced", now + aheadMs),
      isScheduleDue(),
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
