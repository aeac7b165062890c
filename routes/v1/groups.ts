// Groups: make one of existing tasks, read its state, cancel its tasks.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { type GroupError, type GroupStatus, isoAt, type Runtime } from "../../runtime/mod.ts";
import { stateOf } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { type GraphText, graphText, noGraph } from "../wire/graph_json.ts";
import { groupSchema } from "../wire/group_schema.ts";
import { flagQuery, waitQuery } from "../wire/query.ts";
import { bodyProblems, heldProblems, idParams, IN_IDS, jsonAnswer, problems } from "../wire/schemas.ts";
import { stateText } from "../wire/task_json.ts";
import { cancelRequestOf, cancelShape } from "./task_actions.ts";
import { jsonResponse } from "../http/json_response.ts";
import { type Text } from "../http/json_response.ts";
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

function groupText(
  group: GroupStatus,
  { nodes, edges }: GraphText,
  prefix: string,
): Text {
  const { id: inner, total, done, counts, state, endedAt, createdAt } = group;
  const id = bare(inner);
  const self = `${prefix}/v1/groups/${id}`;
  const links = {
    self,
    asCompleted: `${prefix}/v1/as-completed?groupId=${id}`,
    tasks: `${prefix}/v1/tasks?groupId=${id}`,
    results: `${self}/results`,
    cancel: `${self}/cancel`,
  };
  return `{"id":"${id}","total":${total},"done":${done},"counts":${JSON.stringify(counts)},` +
    `"state":"${state}","errors":[${group.errors.map(errorText).join(",")}],` +
    `"policy":${policyText(group)},"compensation":${
      compensationText(group)
    },"nodes":${nodes},"edges":${edges},` +
    `"createdAt":"${isoAt(createdAt)}","endedAt":${instantText(endedAt)},"links":${JSON.stringify(links)}}`;
}

function errorText({ entry, error, refused }: GroupError): Text {
  const { id, task, node, compensates } = entry?.record ?? {};
  const state = entry === null ? "null" : stateText(stateOf(entry.record));
  const takesBack = compensates ?? refused?.task;
  const who = {
    id: id === undefined ? null : bare(id),
    task: task ?? refused?.definition ?? null,
    name: node ?? null,
    ...(takesBack === undefined ? {} : { compensates: bare(takesBack) }),
  };
  return `${JSON.stringify(who).slice(0, -1)},"state":${state},"error":${JSON.stringify(error)}}`;
}

function compensationText({ compensation }: GroupStatus): Text {
  if (compensation === null) return "null";
  const { groupId, total, done, failed, endedAt } = compensation;
  const id = groupId === null ? "null" : `"${bare(groupId)}"`;
  return `{"groupId":${id},"total":${total},"done":${done},"failed":${failed},` +
    `"endedAt":${instantText(endedAt)}}`;
}

function policyText({ policy }: GroupStatus): Text {
  if (policy === null) return "null";
  const { onFailure, maxFailures = 0, until = null } = policy;
  return `{"onFailure":"${onFailure}","maxFailures":${maxFailures},"deadlineAt":${instantText(until)}}`;
}

function instantText(at: number | null): Text {
  return at === null ? "null" : `"${isoAt(at)}"`;
}
