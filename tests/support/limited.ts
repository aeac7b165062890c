// Limits by key and of a queue over several processes, one of which is killed while its tasks have slots.

import assert from "node:assert/strict";
import { endsAt, submitMany } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { WORK } from "../chaos/definitions.ts";
import { readJournal } from "../chaos/journal.ts";
import type { FaultLine, RunLine } from "../chaos/lines.ts";
import type { Slot } from "../chaos/slot.ts";
import { sleep, systemClock } from "../../runtime/platform/clock.ts";
import { eventually } from "./waiting.ts";

export const LIMIT_SURVIVES_KILL =
  "two processes share a limit, and that of a queue, and the kill -9 of one gives back its slots";

const MOST = 3;
const QUEUE = "gpu";
const MOST_OF_QUEUE = 2;

export async function requireLimitHeld({ denokv }: { denokv: boolean }): Promise<void> {
  await using cluster = await Cluster.start({ processes: 2, roles: ["all"], leaseMs: 3_000, denokv });
  const [one, other] = cluster.slots;
  const options = { concurrency: { key: "shared/key", limit: MOST } };
  const ids = await submitMany(one, 25, WORK, { ms: 200 }, options);
  ids.push(...await submitMany(other, 25, WORK, { ms: 200 }, options));
  await limitQueue(one);
  // The other one learns of it within a second.
  await sleep(systemClock, 1_000);
  const queued = await submitMany(one, 10, WORK, { ms: 200 }, { queue: QUEUE });
  queued.push(...await submitMany(other, 10, WORK, { ms: 200 }, { queue: QUEUE }));
  const runs = () => readJournal<RunLine>(cluster.path("runs"));
  // Both stand still: what is running now is cut off.
  let dying = one;
  await eventually(async () => {
    for (const slot of cluster.slots) slot.stop();
    const lines = await runs();
    const busy = cluster.slots.find(({ pid }) => cutOff(lines, pid).length > 0);
    if (busy) dying = busy;
    else for (const slot of cluster.slots) slot.continue();
    return busy !== undefined;
  }, "none of them runs a task");
  const living = dying === one ? other : one;
  const { pid } = dying;
  await dying.kill();
  living.continue();
  for (const { state } of await endsAt(living, [...ids, ...queued])) {
    assert.equal(state.type, "COMPLETED", state.message);
  }
  const lines = await runs();
  assert.ok(cutOff(lines, pid).length > 0);
  assert.ok(lines.some((line) => line.pid === living.pid));
  const faults = await readJournal<FaultLine>(cluster.path("faults"));
  const mostOf = (some: string[]) => mostAtOnce(lines.filter(({ id }) => some.includes(id)), faults);
  const most = mostOf(ids);
  assert.ok(most <= MOST, `${most} ran at once, and not ${MOST}`);
  const ofQueue = mostOf(queued);
  assert.ok(ofQueue <= MOST_OF_QUEUE, `${ofQueue} of the queue ran at once, and not ${MOST_OF_QUEUE}`);
  const response = await fetch(`${living.url}/v1/limits/shared%2Fkey`);
  const { running, waiting } = await response.json();
  assert.deepEqual({ running, waiting }, { running: 0, waiting: 0 });
}

async function limitQueue({ url }: Slot): Promise<void> {
  const response = await fetch(`${url}/v1/queues/${QUEUE}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ concurrency: MOST_OF_QUEUE }),
  });
  assert.equal(response.status, 200, await response.text());
}

/** The runs of a process that have not ended. */
function cutOff(lines: RunLine[], pid: number): string[] {
  const open = new Set<string>();
  for (const line of lines) {
    if (line.pid !== pid) continue;
    if (line.is === "start") open.add(line.run);
    else open.delete(line.run);
  }
  return [...open];
}

/** A run ends with its process at the latest. */
export function mostAtOnce(lines: RunLine[], faults: FaultLine[]): number {
  const goneAt = new Map(faults.filter(({ is }) => is === "kill").map(({ pid, at }) => [pid, at]));
  const ends = new Map(lines.filter(({ is }) => is === "end").map(({ run, at }) => [run, at]));
  const steps = lines.filter(({ is }) => is === "start").flatMap(({ run, pid, at }) => {
    return [{ at, by: 1 }, { at: ends.get(run) ?? goneAt.get(pid) ?? Infinity, by: -1 }];
  });
  let [running, most] = [0, 0];
  for (const { by } of steps.toSorted((a, b) => a.at - b.at || a.by - b.by)) {
    running += by;
    most = Math.max(most, running);
  }
  return most;
}
