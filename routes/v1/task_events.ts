// GET /v1/tasks/{id}/events: all events of a task, from the first one on, live.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { endOf, isoAt, type Runtime, type TaskEvent } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { App, StreamOptions } from "../http/app_types.ts";
import { wholeQuery } from "../wire/query.ts";
import { heldProblems, idParams, problems, sseAnswer, ticketQuery } from "../wire/schemas.ts";
import { type SseEvent, sseResponse } from "../http/sse.ts";
import { errorText, historyText, outcomeText, resultText } from "../wire/task_json.ts";

const place = once(() => wholeQuery(0));

export function eventRoutes(
  app: App,
  runtime: Runtime,
  { heartbeat, log }: StreamOptions,
  slots: Slots,
): void {
  const route = createRoute({
    method: "get",
    path: "/v1/tasks/{id}/events",
    operationId: "streamEvents",
    summary: "Events of a task: state, progress, log, chunk, then result or error, then end",
    tags: ["streams"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        after: place().optional().describe("Go on behind this event."),
        ticket: ticketQuery(),
      }),
      headers: z.object({ "last-event-id": place().optional() }),
    }),
    responses: () => ({
      200: sseAnswer("`id` is the task's event sequence, dense from 1"),
      204: { description: "Everything was delivered, `end` included" },
      ...problems({
        404: "Unknown, or past its retention",
        410: "Forgotten on request",
        422: "No such place",
        ...heldProblems,
      }),
    }),
  });
  app.openapi(route, async (c) => {
    const after = c.req.valid("header")["last-event-id"] ?? c.req.valid("query").after ?? 0;
    const entry = await viewOf(c, runtime).task(c.req.valid("param").id);
    const end = endOf(entry);
    if (end !== null && after >= end) return c.body(null, 204);
    const abort = new AbortController();
    const events = sseEvents(runtime, runtime.events(entry, after, abort.signal));
    return sseResponse(c, events, {
      heartbeat,
      giveBack: slots.take(c, () => abort.abort()),
      abort,
      onError: (error) => log.error("an event stream failed", error),
    });
  });
}

async function* sseEvents(runtime: Runtime, pages: AsyncGenerator<TaskEvent[]>): AsyncGenerator<SseEvent[]> {
  for await (const page of pages) {
    const events: SseEvent[] = [];
    for (const event of page) events.push(await sseOf(runtime, event));
    yield events;
  }
}

async function sseOf(runtime: Runtime, event: TaskEvent): Promise<SseEvent> {
  const id = String(event.seq);
  const common = `"seq":${event.seq},"at":"${isoAt(event.at)}","attempt":${event.attempt}`;
  switch (event.kind) {
    case "state":
      return { id, event: "state", data: historyText(event.state) };
    case "progress":
      return { id, event: "progress", data: `{${common},${JSON.stringify(event.progress).slice(1)}` };
    case "log":
      return {
        id,
        event: "log",
        data: `{${common},"message":${JSON.stringify(event.message)},"data":${event.data}}`,
      };
    case "chunk":
      return { id, event: "chunk", data: `{${common},"chunk":${event.chunk}}` };
    case "error":
      return {
        id,
        event: "error",
        data: `{${common},"state":${historyText(event.state)},"error":${errorText(event.error)}}`,
      };
    case "result": {
      const { record } = event.entry;
      return {
        id,
        event: "result",
        data: outcomeText(record, { result: await resultText(runtime, record) }),
      };
    }
    case "failure":
      return {
        id,
        event: "error",
        data: outcomeText(event.entry.record, { error: errorText(event.entry.record.error) }),
      };
    case "end":
      return { id, event: "end", data: outcomeText(event.entry.record) };
  }
}
