// Schedules: they submit tasks over time.

import { z } from "zod";
import { instantText } from "../../runtime/core/instant.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { bare } from "../../runtime/core/tenant.ts";
import {
  configSchema,
  isoAt,
  patchSchema,
  type Runtime,
  scheduleName,
  scheduleNote,
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
import { bodyProblems, idempotencyHeader, jsonAnswer, problems, taskSchema } from "../wire/schemas.ts";
import { taskText } from "../wire/task_json.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";

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
        limit: z.coerce.number().int().min(1).max(100).optional().describe("Default 50."),
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
    const texts = schedules.map((view) => scheduleText(view, prefix, false));
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
    return jsonResponse(scheduleText(view, prefix), isNew ? 201 : 200, headers);
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
    return jsonResponse(scheduleText(view, prefixOf(c)), 200, NO_STORE);
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
    return jsonResponse(scheduleText(view, prefixOf(c)), 200, NO_STORE);
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

  const pause = createRoute({
    method: "post",
    path: "/v1/schedules/{name}/pause",
    operationId: "pauseSchedule",
    summary: "Pause a schedule: it does not fire until it is resumed",
    tags: ["schedules"],
    middleware: jsonBody({ limitBytes: 16 * 1024, optional: true }),
    request: () => ({
      params: params(),
      body: jsonOf(
        strictObject({ note: scheduleNote().optional().describe("Why.") }).meta({ id: "PauseRequest" }),
      ),
    }),
    responses: () => ({
      200: jsonAnswer(scheduleSchema(), "Paused"),
      ...problems({ ...bodyProblems, ...unknown }),
    }),
  });
  app.openapi(pause, async (c) => {
    const { note = null } = c.req.valid("json");
    const view = await viewOf(c, runtime).schedules.pause(c.req.valid("param").name, note);
    return jsonResponse(scheduleText(view, prefixOf(c)), 200, NO_STORE);
  });

  const resume = createRoute({
    method: "post",
    path: "/v1/schedules/{name}/resume",
    operationId: "resumeSchedule",
    summary: "Resume a schedule: it fires from its next time on",
    tags: ["schedules"],
    request: () => ({ params: params() }),
    responses: () => ({
      200: jsonAnswer(scheduleSchema(), "It is not paused"),
      ...problems({ ...unknown, 422: "No schedule can have this name" }),
    }),
  });
  app.openapi(resume, async (c) => {
    const view = await viewOf(c, runtime).schedules.resume(c.req.valid("param").name);
    return jsonResponse(scheduleText(view, prefixOf(c)), 200, NO_STORE);
  });

  const trigger = createRoute({
    method: "post",
    path: "/v1/schedules/{name}/trigger",
    operationId: "triggerSchedule",
    summary: "Submit a task of a schedule now, also while it is paused",
    tags: ["schedules"],
    middleware: jsonBody({
      limitBytes: runtime.maxInputBytes + 16 * 1024,
      optional: true,
      turns: runtime.turns,
    }),
    request: () => ({
      params: params(),
      headers: idempotencyHeader(),
      body: jsonOf(
        strictObject({ input: z.unknown().optional().describe("In place of the schedule's.") })
          .meta({ id: "TriggerRequest" }),
      ),
    }),
    responses: () => ({
      202: jsonAnswer(taskSchema(), "It is on disk and will run", ["Location", "Retry-After"]),
      ...problems({
        ...bodyProblems,
        ...unknown,
        409: "The same Idempotency-Key is under way",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(trigger, async (c) => {
    const { input } = c.req.valid("json");
    const idempotency = await idempotencyOf(c, await c.req.text());
    const { name } = c.req.valid("param");
    const triggered = await viewOf(c, runtime).schedules.trigger(
      name,
      input,
      idempotency,
    );
    const [entry] = triggered.entries;
    const id = bare(entry.record.id);
    c.set("audited", id);
    const prefix = prefixOf(c);
    const headers = {
      ...beforeHeaders(triggered),
      ...NO_STORE,
      location: `${prefix}/v1/tasks/${id}`,
      "retry-after": "1",
    };
    using room = pieces.room(c);
    return room.json(await taskText(runtime, entry, prefix), 202, headers);
  });

  const backfill = createRoute({
    method: "post",
    path: "/v1/schedules/{name}/backfill",
    operationId: "backfillSchedule",
    summary: "Submit the tasks of times that have passed, but for those that are there",
    tags: ["schedules"],
    middleware: jsonBody({ limitBytes: 16 * 1024 }),
    request: () => ({
      params: params(),
      body: {
        required: true,
        ...jsonOf(
          strictObject({
            from: instantText().describe("The first instant."),
            to: instantText().describe("The last one; not in the future."),
          }).meta({ id: "BackfillRequest" }),
        ),
      },
    }),
    responses: () => ({
      202: jsonAnswer(
        z.object({
          tasks: z.array(z.object({ id: z.uuid(), scheduledFor: z.iso.datetime() })),
          existing: z.int().describe("Times that had their tasks already."),
        }).meta({ id: "Backfill" }),
        "All are on disk and will run, one after the other where they may not overlap",
      ),
      ...problems({
        ...bodyProblems,
        ...unknown,
        409: "The schedule changes all the time",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(backfill, async (c) => {
    const { from, to } = c.req.valid("json");
    const range = { from: Date.parse(from), to: Date.parse(to) };
    const { tasks, existing } = await viewOf(c, runtime).schedules.backfill(c.req.valid("param").name, range);
    const told = tasks.map(({ id, scheduledFor }) => ({ id, scheduledFor: isoAt(scheduledFor) }));
    return pieces.json(c, JSON.stringify({ tasks: told, existing }), 202, NO_STORE);
  });
}
