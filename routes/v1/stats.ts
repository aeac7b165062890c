// GET /v1/stats: how the service does, now and in the last minutes.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { ENDS, isoAt, OUTCOMES, type Runtime, type Stats, WAYS } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { wholeQuery } from "../wire/query.ts";
import { jsonAnswer, problems } from "../wire/schemas.ts";

const MOST_MINUTES = 60;

const numbers = (names: readonly string[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.int()])) as Record<string, z.ZodInt>);

const waysSchema = once(() =>
  numbers(WAYS).extend({
    oldestReadyAt: z.iso.datetime().nullable()
      .describe("Since when the first of the ready ones has been ready."),
  }).meta({ id: "TasksNow" })
);

const percentiles = once(() =>
  z.object({
    count: z.int(),
    p50: z.number().nullable(),
    p90: z.number().nullable(),
    p99: z.number().nullable(),
  }).meta({ id: "Percentiles", description: "Milliseconds, right within a fifth." })
);

const happened = once(() =>
  z.object({
    submitted: z.int(),
    ended: numbers(ENDS).describe("By the state that they ended in."),
    attempts: numbers(OUTCOMES).describe("By what became of them."),
    limited: numbers(["concurrency", "rate"]).describe("How often a task had to wait for a limit by key."),
    wait: percentiles().describe("From ready to running."),
    run: percentiles().describe("Of one attempt."),
  }).meta({ id: "Happened" })
);

const statsSchema = once(() =>
  z.object({
    at: z.iso.datetime(),
    minutes: z.int(),
    now: waysSchema().describe("Tasks that have not ended, in all processes."),
    happened: happened().describe("In these minutes, in all processes."),
    definitions: z.array(z.object({ task: z.string(), now: waysSchema(), happened: happened() }))
      .describe("Those with tasks that have not ended, or with which something happened; by name."),
    perMinute: z.array(z.object({ at: z.iso.datetime(), happened: happened() }))
      .describe("The oldest first; the last one is not over."),
  }).meta({ id: "Stats" })
);

export function statsRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "get",
    path: "/v1/stats",
    operationId: "getStats",
    summary: "What waits and runs, and throughput and latency of the last minutes",
    tags: ["service"],
    request: () => ({
      query: strictObject({
        minutes: wholeQuery(1, MOST_MINUTES).default(15).meta({ default: 15 }),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        statsSchema(),
        "Of all processes; what happened in other ones in the last 10 seconds may be missing",
      ),
      ...problems({ 422: "No such number of minutes" }),
    }),
  });
  app.openapi(route, async (c) => {
    const stats = await viewOf(c, runtime).operation.stats(c.req.valid("query").minutes);
    return pieces.json(c, JSON.stringify(statsView(stats)), 200, { "cache-control": "no-store" });
  });
}

function statsView({ at, now, definitions, perMinute, ...rest }: Stats) {
  return {
    at: isoAt(at),
    ...rest,
    now: nowView(now),
    definitions: definitions.map(({ now, ...rest }) => ({ ...rest, now: nowView(now) })),
    perMinute: perMinute.map(({ at, ...rest }) => ({ at: isoAt(at), ...rest })),
  };
}

function nowView({ oldestReadyAt, ...ways }: Stats["now"]) {
  return { ...ways, oldestReadyAt: oldestReadyAt === null ? null : isoAt(oldestReadyAt) };
}
