// Schedules: they submit tasks over time.

import { z } from "zod";
import { strictObject } from "../../runtime/core/strict_object.ts";
import {
  configSchema,
  isoAt,
  patchSchema,
  type Runtime,
  scheduleName,
  timesShape,
} from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { scheduleSchema, scheduleSummarySchema, scheduleText } from "../wire/schedule_json.ts";
import { wholeQuery } from "../wire/query.ts";
import { bodyProblems, jsonAnswer, problems } from "../wire/schemas.ts";

const BODY_BYTES = 128 * 1024;
const MOST_PREVIEWED = 100;
const NO_STORE = { "cache-control": "no-store" };

const params = once(() => z.object({ name: scheduleName() }));
const unknown = { 404: "There is no schedule of this name" };
const jsonOf = <Schema extends z.ZodType>(schema: Schema) => ({
  content: { "application/json": { schema } },
});

export function scheduleRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const list = createRoute({
    method: "get",
    path: "/v1/schedules",
    operationId: "listSchedules",
    summary: "Schedules, by name",
    tags: ["schedules"],
    request: () => ({
      query: strictObject({
        limit: wholeQuery(1, 100).optional().describe("Default 50."),
        cursor: scheduleName().optional()
          .describe("`nextCursor` of the page before."),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ schedules: z.array(scheduleSummarySchema()), nextCursor: z.string().nullable() })
          .meta({ id: "ScheduleList" }),
        "A page of them, without their inputs",
        ["Link"],
      ),
      ...problems({ 422: "See errors" }),
    }),
  });
  app.openapi(list, async (c) => {
    const { limit = 50, cursor } = c.req.valid("query");
    const { schedules, nextCursor } = await viewOf(c, runtime).schedules.list({ limit, cursor });
    const prefix = prefixOf(c);
    const texts = schedules.map((view) => scheduleText(view, prefix, null));
    const headers: Record<string, string> = { ...NO_STORE };
    if (nextCursor !== null) {
      headers.link = `<${prefix}/v1/schedules?limit=${limit}&cursor=${nextCursor}>; rel="next"`;
    }
    const text = `{"schedules":[${texts.join(",")}],"nextCursor":${JSON.stringify(nextCursor)}}`;
    return pieces.json(c, text, 200, headers);
  });

  const preview = createRoute({
    method: "post",
    path: "/v1/schedules/preview",
    operationId: "previewSchedule",
    summary: "The next times of a spec",
    tags: ["schedules"],
    middleware: jsonBody({ limitBytes: BODY_BYTES }),
    request: () => ({
      body: {
        required: true,
        ...jsonOf(
          strictObject({
            ...timesShape(),
            count: z.int().min(1).max(MOST_PREVIEWED).optional().describe("Default 5."),
          }).meta({ id: "SchedulePreview" }),
        ),
      },
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ times: z.array(z.iso.datetime()) }).meta({ id: "ScheduleTimes" }),
        "The times",
      ),
      ...problems(bodyProblems),
    }),
  });
  app.openapi(preview, async (c) => {
    const { count = 5, ...times } = c.req.valid("json");
    const found = await viewOf(c, runtime).schedules.preview(times, count);
    return jsonResponse(JSON.stringify({ times: found.map(isoAt) }), 200, NO_STORE);
  });

  const put = createRoute({
    method: "put",
    path: "/v1/schedules/{name}",
    operationId: "putSchedule",
    summary: "Make a schedule, or change it as a whole; it keeps where it stands",
    tags: ["schedules"],
    middleware: jsonBody({ limitBytes: BODY_BYTES }),
    request: () => ({ params: params(), body: { required: true, ...jsonOf(configSchema()) } }),
    responses: () => ({
      200: jsonAnswer(scheduleSchema(), "Changed, or as it was"),
      201: jsonAnswer(scheduleSchema(), "Made", ["Location"]),
      ...problems({
        ...bodyProblems,
        404: "One of this name is there that the key may not know",
        409: "Code declares it",
      }),
    }),
  });
  app.openapi(put, async (c) => {
    const { name } = c.req.valid("param");
    const { view, isNew } = await viewOf(c, runtime).schedules.put(name, c.req.valid("json"));
    const prefix = prefixOf(c);
    const headers = isNew ? { ...NO_STORE, location: `${prefix}/v1/schedules/${name}` } : NO_STORE;
    return jsonResponse(scheduleText(view, prefix, runtime.registry), isNew ? 201 : 200, headers);
  });

  const patch = createRoute({
    method: "patch",
    path: "/v1/schedules/{name}",
    operationId: "patchSchedule",
    summary: "Change some of a schedule; null takes a field away",
    tags: ["schedules"],
    middleware: jsonBody({ limitBytes: BODY_BYTES }),
    request: () => ({ params: params(), body: { required: true, ...jsonOf(patchSchema()) } }),
    responses: () => ({
      200: jsonAnswer(scheduleSchema(), "As it is now"),
      ...problems({ ...bodyProblems, ...unknown, 409: "Code declares it" }),
    }),
  });
  app.openapi(patch, async (c) => {
    const view = await viewOf(c, runtime).schedules.patch(c.req.valid("param").name, c.req.valid("json"));
    return jsonResponse(scheduleText(view, prefixOf(c), runtime.registry), 200, NO_STORE);
  });

  const get = createRoute({
    method: "get",
    path: "/v1/schedules/{name}",
    operationId: "getSchedule",
    summary: "A schedule: what it says, its next times, its last task, and those that run",
    tags: ["schedules"],
    request: () => ({ params: params() }),
    responses: () => ({
      200: jsonAnswer(scheduleSchema(), "The schedule"),
      ...problems({ ...unknown, 422: "No schedule can have this name" }),
    }),
  });
  app.openapi(get, async (c) => {
    const view = await viewOf(c, runtime).schedules.get(c.req.valid("param").name);
    return jsonResponse(scheduleText(view, prefixOf(c), runtime.registry), 200, NO_STORE);
  });

  const remove = createRoute({
    method: "delete",
    path: "/v1/schedules/{name}",
    operationId: "deleteSchedule",
    summary: "Delete a schedule; its tasks stay",
    tags: ["schedules"],
    request: () => ({ params: params() }),
    responses: () => ({
      204: { description: "Gone" },
      ...problems({ ...unknown, 409: "Code declares it", 422: "No schedule can have this name" }),
    }),
  });
  app.openapi(remove, async (c) => {
    await viewOf(c, runtime).schedules.remove(c.req.valid("param").name);
    return c.body(null, 204);
  });
}
