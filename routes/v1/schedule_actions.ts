// What is done with a schedule beside changing it: pause, resume, trigger, backfill.

import { z } from "zod";
import { instantText } from "../../runtime/core/instant.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { isoAt, type Runtime, scheduleName, scheduleNote } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { scheduleSchema, scheduleText } from "../wire/schedule_json.ts";
import { bodyProblems, idempotencyHeader, jsonAnswer, problems, taskSchema } from "../wire/schemas.ts";
import { taskText } from "../wire/task_json.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";

const NO_STORE = { "cache-control": "no-store" };

const params = once(() => z.object({ name: scheduleName() }));
const unknown = { 404: "There is no schedule of this name" };
const jsonOf = <Schema extends z.ZodType>(schema: Schema) => ({
  content: { "application/json": { schema } },
});

export function scheduleActionRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
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
    return jsonResponse(scheduleText(view, prefixOf(c), runtime.registry), 200, NO_STORE);
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
    return jsonResponse(scheduleText(view, prefixOf(c), runtime.registry), 200, NO_STORE);
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
