// GET /v1/tasks/{id}/logs: what its function has logged, a page at a time. The stream of events follows it.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { isoAt, type LogLine, type Runtime } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { wholeQuery } from "../wire/query.ts";
import { idParams, jsonAnswer, problems } from "../wire/schemas.ts";

const logsSchema = once(() =>
  z.object({
    logs: z.array(
      z.object({
        seq: z.int().describe("Its place among the task's events."),
        at: z.iso.datetime(),
        attempt: z.int(),
        message: z.string(),
        data: z.unknown().describe("Any JSON value."),
      }).meta({ id: "LogLine" }),
    ),
    nextAfter: z.int().nullable().describe("`after` of the next page; null: these are all that there are."),
  }).meta({ id: "TaskLogs" })
);

export function taskLogRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "get",
    path: "/v1/tasks/{id}/logs",
    operationId: "getLogs",
    summary: "What the task's function has logged, in order",
    tags: ["tasks"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        after: wholeQuery(0).optional().describe("Behind this event: `nextAfter`, or a `seq`."),
        limit: wholeQuery(1, 1_000).default(200).meta({ default: 200 }),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(logsSchema(), "A page; it may be short, or empty, and still have a next one"),
      ...problems({
        404: "Unknown, or past its retention",
        410: "Forgotten on request",
        422: "No such place",
      }),
    }),
  });
  app.openapi(route, async (c) => {
    const { after = 0, limit } = c.req.valid("query");
    const { lines, nextAfter } = await viewOf(c, runtime).logLines(c.req.valid("param").id, after, limit);
    const text = `{"logs":[${lines.map(lineText).join(",")}],"nextAfter":${nextAfter}}`;
    return pieces.json(c, text, 200, { "cache-control": "no-store" });
  });
}

/** The data is JSON text already. */
function lineText({ seq, at, attempt, message, data }: LogLine): string {
  return `{"seq":${seq},"at":"${isoAt(at)}","attempt":${attempt},` +
    `"message":${JSON.stringify(message)},"data":${data}}`;
}
