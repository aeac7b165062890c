// GET /v1/workers: which workers there are, and what each of them runs.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { DEFAULT_QUEUE } from "../../runtime/core/queue.ts";
import { stateOf, type TaskRecord } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { isoAt, type Runtime, type WorkerSeen } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { jsonAnswer, noParameters, problems, stateSchema } from "../wire/schemas.ts";
import { stateView } from "../wire/task_json.ts";

const workerSchema = once(() =>
  z.object({
    id: z.uuid(),
    startedAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime().nullable().describe(
      "When it sent its last heartbeat, by its own clock; null for a worker of an earlier release.",
    ),
    release: z.string().nullable(),
    concurrency: z.int().describe("Functions that it runs at once on its main thread."),
    queues: z.array(z.string()).nullable().describe("Those that it takes tasks from; null: all."),
    running: z.int().describe("How many tasks it runs."),
    tasks: z.array(
      z.object({
        id: z.uuid(),
        task: z.string(),
        queue: z.string(),
        attempt: z.int(),
        state: stateSchema(),
      }).meta({ id: "RunningTask" }),
    ).describe("Those tasks, at most 100."),
  }).meta({ id: "Worker" })
);

export function workerRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "get",
    path: "/v1/workers",
    operationId: "listWorkers",
    summary: "Which workers there are in all processes, and what each of them runs",
    tags: ["service"],
    responses: () => ({
      200: jsonAnswer(
        z.object({ workers: z.array(workerSchema()) }).meta({ id: "WorkerList" }),
        "By their start. One that has died is among them for up to a lease",
      ),
      ...problems(noParameters),
    }),
  });
  app.openapi(route, async (c) => {
    const workers = await viewOf(c, runtime).operation.workers();
    return pieces.json(c, JSON.stringify({ workers: workers.map(workerView) }), 200, {
      "cache-control": "no-store",
    });
  });
}

function workerView({ id, heartbeat, running, tasks }: WorkerSeen) {
  const { startedAt, at, release = null, concurrency, queues = null } = heartbeat;
  return {
    id,
    startedAt: isoAt(startedAt),
    lastSeenAt: at === undefined ? null : isoAt(at),
    release,
    concurrency,
    queues,
    running,
    tasks: tasks.map(taskView),
  };
}

function taskView(record: TaskRecord) {
  const { id, task, queue = DEFAULT_QUEUE, attempt } = record;
  return { id: bare(id), task, queue, attempt, state: stateView(stateOf(record)) };
}
