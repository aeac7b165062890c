// `errand worker`

import type { RunningTask, Worker } from "../../client/mod.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Column } from "../output/table.ts";
import { ago, span } from "../output/times.ts";
import type { Session } from "../session.ts";

export async function listWorkers(session: Session): Promise<ExitCode> {
  const workers = await (await session.client()).workers.list();
  await session.list(workers, workerColumns(session.io.now()), "no workers: tasks wait until one starts");
  return EXIT.done;
}

/** What runs, and where. */
export async function listRunning(session: Session): Promise<ExitCode> {
  const workers = await (await session.client()).workers.list();
  const running = workers.flatMap(({ id, tasks }) => tasks.map((task) => ({ ...task, worker: id })));
  const columns: Column<RunningTask & { worker: string }>[] = [
    ...runningColumns(session.io.now()),
    { title: "WORKER", of: ({ worker }) => worker, shrinks: true },
  ];
  await session.list(running, columns, "nothing runs");
  return EXIT.done;
}

export function workerColumns(now: number): Column<Worker>[] {
  return [
    { title: "WORKER", of: ({ id }) => id },
    { title: "RUNNING", of: ({ running, concurrency }) => `${running}/${concurrency}` },
    { title: "QUEUES", of: ({ queues }) => queues === null ? "all" : queues.join(","), shrinks: true },
    { title: "RELEASE", of: ({ release }) => release },
    { title: "SEEN", of: ({ lastSeenAt }) => ago(lastSeenAt, now) },
    { title: "STARTED", of: ({ startedAt }) => ago(startedAt, now) },
  ];
}

export function runningColumns(now: number): Column<RunningTask>[] {
  return [
    { title: "TASK ID", of: ({ id }) => id },
    { title: "TASK", of: ({ task }) => task, shrinks: true },
    { title: "QUEUE", of: ({ queue }) => queue, shrinks: true },
    { title: "SINCE", of: ({ state }) => span(now - Date.parse(state.at)) },
    { title: "ATTEMPT", of: ({ attempt }) => attempt },
  ];
}
