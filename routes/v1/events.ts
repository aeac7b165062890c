// GET /v1/events: all transitions of tasks, live, from all processes.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { queueName } from "../../runtime/core/submission.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { Runtime, TransitionEvent } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { App, StreamOptions } from "../http/app_types.ts";
import { type SseEvent, sseResponse } from "../http/sse.ts";
import { stateQuery } from "../wire/query.ts";
import { heldProblems, problems, sseAnswer, ticketQuery } from "../wire/schemas.ts";
import { stateView } from "../wire/task_json.ts";

const LONGEST_PLACE = 30;

export function transitionRoutes(
  app: App,
  runtime: Runtime,
  { heartbeat, log }: StreamOptions,
  slots: Slots,
): void {
  const route = createRoute({
    method: "get",
    path: "/v1/events",
    operationId: "streamTransitions",
    summary: "Every change of a task's state, in all processes, from now on",
    tags: ["streams"],
    request: () => ({
      query: strictObject({
        state: stateQuery(),
        task: z.string().max(200).optional().describe("The name of a definition."),
        queue: queueName().optional(),
        groupId: z.uuid().toLowerCase().optional(),
        tag: z.string().max(100).optional(),
        after: z.string().max(LONGEST_PLACE).optional().describe("Go on behind the event with this id."),
        ticket: ticketQuery(),
      }),
      headers: z.object({ "last-event-id": z.string().max(LONGEST_PLACE).optional() }),
    }),
    responses: () => ({
      200: sseAnswer("`state` for each transition; `gap` where some may be missing; `place` now and then"),
      ...problems({ 422: "A filter is wrong, or no event of this stream has the id", ...heldProblems }),
    }),
  });
  app.openapi(route, async (c) => {
    const { state, after, ticket: _, ...filter } = c.req.valid("query");
    const query = { ...filter, states: state, after: c.req.valid("header")["last-event-id"] ?? after };
    const abort = new AbortController();
    const events = await viewOf(c, runtime).operation.transitions(query, abort.signal);
    return sseResponse(c, sseEvents(events), {
      heartbeat,
      giveBack: slots.take(c, () => abort.abort()),
      abort,
      onError: (error) => log.error("a stream of transitions failed", error),
    });
  });
}

async function* sseEvents(pages: AsyncGenerator<TransitionEvent[]>): AsyncGenerator<SseEvent[]> {
  for await (const page of pages) yield page.map(sseOf);
}

function sseOf(event: TransitionEvent): SseEvent {
  const { kind, place: id } = event;
  if (kind === "gap") {
    const message = "some transitions may be missing here: look at lists and counts again";
    return { id, event: "gap", data: JSON.stringify({ message }) };
  }
  if (kind === "place") return { id, event: "place", data: "{}" };
  const { id: task, task: name, queue, attempt, seq, groups, parentId, tags, ...state } = event.transition;
  const data = {
    id: bare(task),
    task: name,
    queue,
    state: stateView({ ...state, seq, attempt }),
    attempt,
    seq,
    groupId: groups.length === 0 ? null : bare(groups[0]),
    parentId: parentId === null ? null : bare(parentId),
    tags,
  };
  return { id, event: "state", data: JSON.stringify(data) };
}
