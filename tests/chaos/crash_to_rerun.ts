// How long it takes from a kill -9 until a task that ran there runs again elsewhere:
//
//   deno run -A tests/chaos/crash_to_rerun.ts [--kills 20] [--lease 10000] [--groups 5] [--denokv]

// deno-lint-ignore-file no-console -- it speaks to whoever runs it

import { parseArgs } from "node:util";
import { percentiles } from "../../bench/measure.ts";
import { submitMany, taskAt, typesOf } from "./calls.ts";
import { Cluster } from "./cluster.ts";
import { WORK } from "./definitions.ts";
import { readJournal } from "./journal.ts";
import { eventually, pause } from "../support/waiting.ts";
import type { FaultLine, RunLine } from "./lines.ts";

const TASKS = 10;
/** Longer than any crash takes to be noticed, so that they are still running when their process is killed. */
const TASK_MS = 60_000;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "20" },
      lease: { type: "string", default: "10000" },
      groups: { type: "string", default: "5" },
      denokv: { type: "boolean", default: false },
    },
  });
  const leaseMs = Number(values.lease);
  const groups = Number(values.groups);
  const rounds = Math.ceil(Number(values.kills) / groups);
  // It ends, even if something hangs.
  setTimeout(() => Deno.exit(3), rounds * 5 * leaseMs + 60_000);
  const measured = await Promise.all(
    Array.from({ length: groups }, () => measure(leaseMs, rounds, values.denokv)),
  );
  const tasks = measured.flat(2);
  const last = measured.flatMap((kills) => kills.map((delays) => Math.max(...delays)));
  const rounded = (milliseconds: number[]) => {
    const { p50Ms, p99Ms, maxMs } = percentiles(milliseconds);
    return { p50Ms: Math.round(p50Ms), p99Ms: Math.round(p99Ms), maxMs: Math.round(maxMs) };
  };
  console.log(JSON.stringify({
    leaseMs,
    denokv: values.denokv,
    kills: rounds * groups,
    tasks: tasks.length,
    crashToRerun: rounded(tasks),
    lastOfEachKill: rounded(last),
  }));
  Deno.exit(0);
}

/**
 * One kill after the other in a group of two processes. @returns for each kill the delay of each of its
 * tasks.
 */
async function measure(leaseMs: number, rounds: number, denokv: boolean): Promise<number[][]> {
  await using cluster = await Cluster.start({ processes: 2, leaseMs, denokv, roles: ["all"] });
  const delays: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    // The one that ran nothing but what it took over is next, so both are new to what they run.
    const victim = cluster.slots[round % 2];
    const heir = cluster.slots[(round + 1) % 2];
    for (const slot of cluster.slots) if (slot.state === "down") await slot.start();
    // Or it might be the one that runs them.
    if (denokv) heir.stop();
    else await heir.stopWhile(false, cluster.database);
    const ids = new Set(await submitMany(victim, TASKS, WORK, { ms: TASK_MS }, { maxCrashes: 100 }));
    const startsOf = async (pid: number, after = 0) => {
      const lines = await readJournal<RunLine>(cluster.path("runs"));
      const starts = lines.filter((line) => line.is === "start" && ids.has(line.id));
      return starts.filter((line) => (line.pid === pid) === (after === 0) && line.at > after);
    };
    const { pid } = victim;
    await eventually(async () => (await startsOf(pid)).length >= TASKS);
    heir.continue();
    // Anywhere between two heartbeats.
    await pause(leaseMs / 3 + Math.random() * leaseMs / 3);
    await victim.kill();
    const faults = await readJournal<FaultLine>(cluster.path("faults"));
    const killedAt = faults.find((line) => line.is === "kill" && line.pid === pid)!.at;
    const again = await eventually(async () => {
      const first = new Map((await startsOf(pid, killedAt)).toReversed().map((line) => [line.id, line.at]));
      return first.size === TASKS && first;
    }).catch(async (error) => {
      cluster.keepFolder();
      const tasks = await Promise.all([...ids].map((id) => taskAt(heir, id)));
      throw new Error(
        `${error.message}\n${cluster.folder}\n${tasks.map((task) => typesOf(task)).join("\n")}`,
      );
    });
    delays.push([...again.values()].map((at) => at - killedAt));
  }
  return delays;
}
