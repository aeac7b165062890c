// Queues: what is in them, and pausing them, a definition, or everything.

import { z } from "zod";
import type { Context } from "hono";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import {
  type Controlled,
  isoAt,
  type Pause,
  type QueueState,
  type Runtime,
  WAYS,
} from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { bodyProblems, jsonAnswer, noParameters, problems } from "../wire/schemas.ts";
import { concurrencySchema, concurrencyView } from "./concurrency.ts";
import { definitionParams, forbiddenOr404, queueParams } from "./controlled.ts";

const LONGEST_NOTE = 500;
const YEAR_10000 = Date.UTC(10_000);

const pauseSchema = once(() =>
  z.object({
    note: z.string().nullable(),
    since: z.iso.datetime(),
    until: z.iso.datetime().nullable().describe("When it ends by itself; null: never."),
    by: z.string().nullable().describe("The name of the key that asked for it."),
  }).meta({ id: "Pause" })
);

export const pausedSchema = once(() => z.union([pauseSchema(), z.null()]));

const MEANINGS: Record<typeof WAYS[number], string> = {
  scheduled: "Their time has not come: of a delay, or of another attempt.",
  ready: "They wait for a worker.",
  limited: "They wait for a slot of a limit, or for their place in a rate.",
  waiting: "They wait for other tasks.",
  running: "They run, or are asked to stop.",
};

const queueSchema = once(() =>
  z.object({
    name: z.string(),
    paused: pausedSchema(),
    counts: z.object(
      Object.fromEntries(WAYS.map((way) => [way, z.int().describe(MEANINGS[way])])) as Record<
        typeof WAYS[number],
        z.ZodInt
      >,
    ),
    oldestReadyAt: z.iso.datetime().nullable()
      .describe("Since when the first of the ready ones has been ready."),
    concurrency: concurrencySchema(),
  }).meta({ id: "Queue" })
);

const requestSchema = once(() =>
  strictObject({
    note: z.string().max(LONGEST_NOTE).optional().describe("Why: shown with every task that it holds."),
    untilMs: z.int().min(0).max(YEAR_10000).optional()
      .describe("When it ends by itself, in milliseconds since 1970. Default: never."),
  }).meta({ id: "PauseRequest" })
);

const answerSchema = once(() => z.object({ paused: pausedSchema() }).meta({ id: "PauseState" }));

export function queueRoutes(app: App, runtime: Runtime): void {
  const list = createRoute({
    method: "get",
    path: "/v1/queues",
    operationId: "listQueues",
    summary: "All queues: how many tasks are in them, and which are paused",
    tags: ["queues"],
    responses: () => ({
      200: jsonAnswer(
        z.object({ paused: pausedSchema().describe("Of everything."), queues: z.array(queueSchema()) })
          .meta({ id: "QueueList" }),
        "By name: those that tasks, definitions, workers or pauses name",
      ),
      ...problems(noParameters),
    }),
  });
  app.openapi(list, async (c) => {
    const { paused, queues } = await viewOf(c, runtime).queues();
    return answer({ paused: pauseView(paused), queues: queues.map(queueView) });
  });

  const get = createRoute({
    method: "get",
    path: "/v1/queues/{name}",
    operationId: "getQueue",
    summary: "One queue; every name that may be one is one",
    tags: ["queues"],
    request: () => ({ params: queueParams() }),
    responses: () => ({
      200: jsonAnswer(queueSchema(), "The queue"),
      ...problems({ 404: forbiddenOr404[404], 422: "The name is none of a queue" }),
    }),
  });
  app.openapi(get, async (c) => {
    return answer(queueView(await viewOf(c, runtime).queue(c.req.valid("param").name)));
  });

  const pauses = (
    path: string,
    what: string,
    params: (() => z.ZodObject) | undefined,
    controlled: (name: string) => Controlled,
  ) => {
    const name = what[0].toUpperCase() + what.slice(1);
    const pause = createRoute({
      method: "post",
      path: `${path}/pause`,
      operationId: `pause${name}`,
      summary: `Start no more tasks of ${ARTICLES[what]}; what runs goes on, and submits are taken`,
      tags: ["queues"],
      middleware: jsonBody({ limitBytes: 16 * 1024, optional: true }),
      request: () => ({
        params: params?.(),
        body: { content: { "application/json": { schema: requestSchema() } } },
      }),
      responses: () => ({
        200: jsonAnswer(answerSchema(), "Nothing starts here any more, and nowhere a second later"),
        ...problems({ ...bodyProblems, ...forbiddenOr404 }),
      }),
    });
    app.openapi(pause, async (c) => {
      const { name = "" } = checked<{ name?: string } | undefined>(c, "param") ?? {};
      const { note, untilMs } = checked<z.infer<ReturnType<typeof requestSchema>>>(c, "json");
      const paused = await viewOf(c, runtime).pause(controlled(name), { note, untilMs });
      return answer({ paused: pauseView(paused) });
    });
    const resume = createRoute({
      method: "post",
      path: `${path}/resume`,
      operationId: `resume${name}`,
      summary: `Start tasks of ${ARTICLES[what]} again`,
      tags: ["queues"],
      middleware: jsonBody({ limitBytes: 1_024, optional: true }),
      request: () => ({
        params: params?.(),
        body: { content: { "application/json": { schema: strictObject({}) } } },
      }),
      responses: () => ({
        200: jsonAnswer(answerSchema(), "It is not paused; if it was, workers have been woken"),
        ...problems({ ...bodyProblems, ...forbiddenOr404 }),
      }),
    });
    app.openapi(resume, async (c) => {
      const { name = "" } = checked<{ name?: string } | undefined>(c, "param") ?? {};
      await viewOf(c, runtime).resume(controlled(name));
      return answer({ paused: null });
    });
  };
  pauses("/v1/queues/{name}", "queue", queueParams, (name) => ({ kind: "queue", name }));
  pauses("/v1/definitions/{name}", "definition", definitionParams, (name) => ({ kind: "definition", name }));
  pauses("/v1", "everything", undefined, () => ({ kind: "all", name: "" }));
}

const ARTICLES: Record<string, string> = {
  queue: "the queue",
  definition: "the definition",
  everything: "any queue",
};

/** What routes that are made in a row get: their types are not known one by one. */
function checked<T>(c: Context, part: "param" | "json"): T {
  return c.req.valid(part as never) as T;
}

function answer(body: unknown): ReturnType<typeof jsonResponse> {
  return jsonResponse(JSON.stringify(body), 200, { "cache-control": "no-store" });
}

export function pauseView(pause: Pause | null) {
  if (pause === null) return null;
  const { note, since, until, by } = pause;
  return { note, since: isoAt(since), until: until === null ? null : isoAt(until), by };
}

function queueView({ name, paused, counts: { oldestReadyAt, ...counts }, concurrency }: QueueState) {
  return {
    name,
    paused: pauseView(paused),
    counts,
    oldestReadyAt: oldestReadyAt === null ? null : isoAt(oldestReadyAt),
    concurrency: concurrencyView(concurrency),
  };
}
