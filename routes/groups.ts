// Groups: tasks that are waited for together.

import { createRoute, z } from "@hono/zod-openapi";
import type { GroupStatus } from "../runtime/groups.ts";
import { isoAt } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/mod.ts";
import type { App } from "./surface.ts";
import { jsonBody } from "./body.ts";
import { bodyProblems, groupSchema, idParams, jsonAnswer, problems } from "./schemas.ts";
import { jsonResponse } from "./view.ts";

const MOST_IDS = 10_000;

export function groupRoutes(app: App, runtime: Runtime): void {
  const create = createRoute({
    method: "post",
    path: "/v1/groups",
    operationId: "createGroup",
    summary: "Make a group of existing tasks",
    tags: ["groups"],
    middleware: jsonBody({ limitBytes: 512 * 1024 }),
    request: {
      body: {
        required: true,
        content: {
          "application/json": {
            schema: z.strictObject({ ids: z.array(z.uuid().toLowerCase()).min(1).max(MOST_IDS) }).openapi(
              "NewGroup",
            ),
          },
        },
      },
    },
    responses: {
      202: jsonAnswer(groupSchema, "The group", ["Location"]),
      ...problems({
        ...bodyProblems,
        404: "An id is unknown",
        409: "A task is in too many groups",
        410: "Forgotten",
      }),
    },
  });
  app.openapi(create, async (c) => {
    const group = await runtime.groups.create(c.req.valid("json").ids);
    return jsonResponse(groupText(group), 202, { location: `/v1/groups/${group.id}` });
  });

  const get = createRoute({
    method: "get",
    path: "/v1/groups/{id}",
    operationId: "getGroup",
    summary: "How a group stands: its tasks counted by state",
    tags: ["groups"],
    request: { params: idParams },
    responses: {
      200: jsonAnswer(groupSchema, "The group"),
      ...problems({ 404: "Unknown, or past its retention", 422: "The id is no UUID" }),
    },
  });
  app.openapi(get, async (c) => {
    const group = await runtime.groups.status(c.req.valid("param").id);
    return jsonResponse(groupText(group), 200, { "cache-control": "no-store" });
  });
}

function groupText({ id, total, done, counts, createdAt }: GroupStatus): string {
  const links = {
    self: `/v1/groups/${id}`,
    asCompleted: `/v1/as-completed?groupId=${id}`,
    tasks: `/v1/tasks?groupId=${id}`,
  };
  return JSON.stringify({ id, total, done, counts, createdAt: isoAt(createdAt), links });
}
