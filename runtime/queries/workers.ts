// Which workers there are, and what each of them runs.

import { type Caller, knows } from "../core/caller.ts";
import { isForgotten, type TaskRecord } from "../core/task.ts";
import { tenantOf } from "../core/tenant.ts";
import { parse, prefixes } from "../platform/keys.ts";
import { type HeartbeatRecord, leaseBlocksOf } from "../store/leases.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";

export interface WorkerSeen {
  id: string;
  heartbeat: HeartbeatRecord;
  /** How many functions run there, as far as the caller may know of them. */
  running: number;
  /** Those tasks, the first ones of very many. */
  tasks: TaskRecord[];
}

const MOST_WORKERS = 1_000;
const MOST_BLOCKS = 1_000;
/** Tasks told of one worker, and looked at of all. */
const MOST_TOLD = 100;
const MOST_READ = 2_000;

/** By their start. A worker that died is among them until others have noticed. */
export async function workersSeen(store: Store, caller: Caller): Promise<WorkerSeen[]> {
  const beats = await store.kv.list<HeartbeatRecord>({ prefix: prefixes.workers }, { limit: MOST_WORKERS });
  const isNarrow = caller.tenant !== "" || caller.patterns.length > 0;
  const seen: WorkerSeen[] = [];
  let room = MOST_READ;
  for (const { key, value: heartbeat } of beats) {
    const id = parse.worker(key);
    const blocks = room > 0 ? await leaseBlocksOf(store, id, MOST_BLOCKS) : [];
    const ids = [...new Set(blocks.flatMap(({ ids }) => ids))];
    // Whoever may know all of them is told of the first ones, and how many there are.
    const looked = ids.slice(0, Math.min(room, isNarrow ? ids.length : 2 * MOST_TOLD));
    room -= looked.length;
    const entries = await store.readEach(looked, "caller");
    const running = entries.flatMap((entry) => {
      if (!entry || isNewerRecord(entry) || isForgotten(entry.record)) return [];
      const { record } = entry;
      // Blocks of leases may name tasks that have ended.
      if (record.lease?.worker !== id) return [];
      return tenantOf(record.id) === caller.tenant && knows(caller, record) ? [record] : [];
    });
    seen.push({
      id,
      heartbeat,
      running: isNarrow ? running.length : heartbeat.running,
      tasks: running.slice(0, MOST_TOLD),
    });
  }
  return seen.sort((a, b) => a.heartbeat.startedAt - b.heartbeat.startedAt || (a.id < b.id ? -1 : 1));
}
