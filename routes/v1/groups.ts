// Groups: list them, make one of existing tasks, read its state, cancel its tasks.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { instantText } from "../../runtime/core/instant.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import type { Runtime } from "../../runtime/mod.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { graphText, noGraph } from "../wire/graph_json.ts";
import { groupSummaryText, groupText } from "../wire/group_json.ts";
import { groupSchema, groupSummarySchema } from "../wire/group_schema.ts";
import { flagQuery, groupStateQuery, waitQuery, wholeQuery } from "../wire/query.ts";
import { instantOf } from "../wire/task_filter.ts";
import { bodyProblems, heldProblems, idParams, IN_IDS, jsonAnswer, problems } from "../wire/schemas.ts";
import { cancelRequestOf, cancelShape } from "./task_actions.ts";
import { jsonResponse } from "../http/json_response.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { Pieces } from "../http/pieces.ts";

const MOST_IDS = 10_000;

const newGroupSchema = once(() =>
  strictObject(
    { ids: z.array(z.uuid().toLowerCase()).min(1).max(MOST_IDS) },
    {},
    IN_IDS,
  ).meta({ id: "NewGroup" })
);

const cancelled = once(() =>
  z.object({
    id: z.uuid(),
    cancelled: z.int().describe("They did not start, or were cancelled before."),
    requested: z.int().describe("They run and were asked to stop."),
    tooLate: z.int().describe("They have ended otherwise."),
  }).meta({ id: "GroupCancelOutcome" })
);

export function groupRoutes(app: App, runtime: Runtime, slots: Slots, pieces: Pieces): void {
  const create = createRoute({
    method: "post",
    path: "/v1/groups",
    operationId: "createGroup",
    summary: "Make a group of existing tasks",
    tags: ["groups"],
    middleware: jsonBody({ limitBytes: 512 * 1024 }),
    request: () => ({
      body: {
        required: true,
        content: {
          "application/json": {
            schema: newGroupSchema(),
          },
        },
      },
    }),
    responses: () => ({
      202: jsonAnswer(groupSchema(), "The group", ["Location"]),
      ...problems({
        ...bodyProblems,
        404: "An id is unknown",
        409: "A task is in too many groups",
        410: "Forgotten",
      }),
    }),
  });
  app.openapi(create, async (c) => {
    using room = pieces.room(c);
    const group = await viewOf(c, runtime).createGroup(c.req.valid("json").ids);
    const graph = await graphText(runtime, group);
    const prefix = prefixOf(c);
    return room.json(groupText(group, graph, prefix), 202, {
      location: `${prefix}/v1/groups/${bare(group.id)}`,
    });
  });

  const list = createRoute({
    method: "get",
    path: "/v1/groups",
    operationId: "listGroups",
    summary: "Groups, newest first",
    tags: ["groups"],
    request: () => ({
      query: strictObject({
        state: groupStateQuery(),
        createdAfter: instantText().optional(),
        createdBefore: instantText().optional(),
        cursor: z.uuid().toLowerCase().optional().describe("`nextCursor` of the page before."),
        limit: wholeQuery(1, 100).default(50)
          .meta({ type: "integer", minimum: 1, maximum: 100, default: 50 }),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ groups: z.array(groupSummarySchema()), nextCursor: z.string().nullable() })
          .meta({ id: "GroupList" }),
        "A page; it may be short, or empty, and still have a next one",
        ["Link"],
      ),
      ...problems({ 422: "A filter is wrong" }),
    }),
  });
  app.openapi(list, async (c) => {
    const { state: states, createdAfter, createdBefore, cursor, limit } = c.req.valid("query");
    const { groups, nextCursor } = await viewOf(c, runtime).operation.groups({
      states,
      createdAfter: instantOf(createdAfter),
      createdBefore: instantOf(createdBefore),
      cursor,
      limit,
    });
    const prefix = prefixOf(c);
    const headers: Record<string, string> = { "cache-control": "no-store" };
    if (nextCursor !== null) {
      const next = new URLSearchParams(new URL(c.req.url).searchParams);
      next.set("cursor", nextCursor);
      headers.link = `<${prefix}/v1/groups?${next}>; rel="next"`;
    }
    const texts = groups.map((group) => groupSummaryText(group, prefix));
    const text = `{"groups":[${texts.join(",")}],"nextCursor":${JSON.stringify(nextCursor)}}`;
    return pieces.json(c, text, 200, headers);
  });

  const get = createRoute({
    method: "get",
    path: "/v1/groups/{id}",
    operationId: "getGroup",
    summary: "How a group stands: its tasks counted by state, and as a graph",
    tags: ["groups"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        graph: flagQuery("false: without nodes and edges."),
        wait: waitQuery(),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(groupSchema(), "The group"),
      ...problems({ ...heldProblems, 404: "Unknown, or past its retention", 422: "The id is no UUID" }),
    }),
  });
  app.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    const { graph: isWhole, wait = 0 } = c.req.valid("query");
    const view = viewOf(c, runtime);
    if (wait > 0) await slots.during(c, wait * 1_000, (signal) => view.group(id, wait * 1_000, signal));
    const group = await view.groupStatus(id);
    const graph = isWhole ? await graphText(runtime, group) : noGraph;
    return pieces.json(c, groupText(group, graph, prefixOf(c)), 200, { "cache-control": "no-store" });
  });

  const cancel = createRoute({
    method: "post",
    path: "/v1/groups/{id}/cancel",
    operationId: "cancelGroup",
    summary: "Cancel all tasks of a group that have not ended",
    tags: ["groups"],
    middleware: jsonBody({ limitBytes: 16 * 1024, optional: true }),
    request: () => ({
      params: idParams(),
      body: {
        content: {
          "application/json": { schema: strictObject(cancelShape()).meta({ id: "GroupCancelRequest" }) },
        },
      },
    }),
    responses: () => ({
      200: jsonAnswer(cancelled(), "What became of how many of them"),
      ...problems({ ...bodyProblems, 404: "Unknown, or past its retention" }),
    }),
  });
  app.openapi(cancel, async (c) => {
    const { id } = c.req.valid("param");
    const { notFound: _, ...counts } = await viewOf(c, runtime).cancelGroup(
      id,
      cancelRequestOf(c.req.valid("json")),
    );
    return jsonResponse(JSON.stringify({ id, ...counts }), 200, { "cache-control": "no-store" });
  });
}
