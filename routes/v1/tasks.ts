// Reading tasks: one, its result, lists.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import type { ListQuery, Runtime } from "../../runtime/mod.ts";
import { type Entry, isTerminal, stateOf } from "../../runtime/core/task.ts";
import { viewOf } from "../access/guard.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { App } from "../http/app_types.ts";
import { failureOf } from "../wire/failure_problem.ts";
import { prefixOf } from "../http/prefix.ts";
import { ProblemError } from "../http/problem.ts";
import { flagQuery, waitQuery, wholeQuery } from "../wire/query.ts";
import { filterOf, filterQuery } from "../wire/task_filter.ts";
import {
  heldProblems,
  idParams,
  jsonAnswer,
  problems,
  resultSchema,
  summarySchema,
  taskSchema,
} from "../wire/schemas.ts";
import {
  errorText,
  etagOf,
  outcomeText,
  resultText,
  summaryTexts,
  taskHeaders,
  taskText,
} from "../wire/task_json.ts";
import { jsonResponse } from "../http/json_response.ts";
import type { Pieces } from "../http/pieces.ts";

const gone = { 404: "Unknown, or past its retention", 410: "Forgotten on request", 422: "The id is no UUID" };

/** What a page is taken for before it is read. */
const PAGE_BYTES = 64 * 1024;

export function taskRoutes(app: App, runtime: Runtime, slots: Slots, pieces: Pieces): void {
  const get = createRoute({
    method: "get",
    path: "/v1/tasks/{id}",
    operationId: "getTask",
    summary: "A task as it is now, or as soon as it has ended",
    tags: ["tasks"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        wait: waitQuery(),
        include: z.enum(["input"]).optional()
          .describe("input: as it was given, also what its definition redacts."),
      }),
      headers: z.object({ "if-none-match": z.string().optional() }),
    }),
    responses: () => ({
      200: jsonAnswer(taskSchema(), "The task", ["ETag"]),
      304: { description: "It has not changed" },
      ...problems({ ...gone, ...heldProblems }),
    }),
  });
  app.openapi(get, async (c) => {
    const waitMs = (c.req.valid("query").wait ?? 0) * 1_000;
    const { id } = c.req.valid("param");
    const entry = await slots.during(c, waitMs, (signal) => viewOf(c, runtime).task(id, waitMs, signal));
    // What a pause changes in the answer is in no version of the record.
    const isHeld = await runtime.holdOf(entry.record) !== null;
    const headers = isHeld ? { "cache-control": "no-store" } : taskHeaders(entry);
    if (!isHeld && matches(c.req.header("if-none-match"), entry)) {
      return new Response(null, { status: 304, headers });
    }
    const isShown = c.req.valid("query").include === "input";
    return pieces.json(c, await taskText(runtime, entry, prefixOf(c), isShown), 200, headers);
  });

  const result = createRoute({
    method: "get",
    path: "/v1/tasks/{id}/result",
    operationId: "getResult",
    summary: "The value, as soon as it is there",
    tags: ["tasks"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        wait: waitQuery(),
        raiseOnFailure: flagQuery("false: an ended task is always 200, with its error as a value."),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(resultSchema(), "The value"),
      202: jsonAnswer(resultSchema(), "Not done", ["Retry-After"]),
      ...problems({
        ...gone,
        ...heldProblems,
        410: "task-cancelled, or task-forgotten",
        424: "task-failed: FAILED or CRASHED",
      }),
    }),
  });
  app.openapi(result, async (c) => {
    const query = c.req.valid("query");
    const { id } = c.req.valid("param");
    const waitMs = (query.wait ?? 0) * 1_000;
    const entry = await slots.during(c, waitMs, (signal) => viewOf(c, runtime).task(id, waitMs, signal));
    const { record } = entry;
    if (!isTerminal(record)) {
      return jsonResponse(outcomeText(record), 202, { "retry-after": "1", "cache-control": "no-store" });
    }
    const headers = taskHeaders(entry);
    if (stateOf(record).type === "COMPLETED") {
      const members = { result: await resultText(runtime, record) };
      const text = outcomeText(record, query.raiseOnFailure ? members : { ...members, error: "null" });
      return pieces.json(c, text, 200, headers);
    }
    if (!query.raiseOnFailure) {
      return jsonResponse(
        outcomeText(record, { result: await resultText(runtime, record), error: errorText(record.error) }),
        200,
        headers,
      );
    }
    throw new ProblemError(failureOf(entry));
  });

  const list = createRoute({
    method: "get",
    path: "/v1/tasks",
    operationId: "listTasks",
    summary: "Tasks, newest first",
    tags: ["tasks"],
    request: () => ({
      query: strictObject({
        ...filterQuery(),
        count: flagQuery("true: also how many there are, as far as there is time to count.", false),
        cursor: z.uuid().toLowerCase().optional().describe("`nextCursor` of the page before."),
        limit: wholeQuery(1, 500).default(50).meta({ default: 50 }),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({
          tasks: z.array(summarySchema()),
          nextCursor: z.string().nullable(),
          count: z.object({
            value: z.int(),
            exact: z.boolean().describe("False: there are at least so many."),
          }).optional().describe("Only if it was asked for."),
        }).meta({ id: "TaskList" }),
        "A page; it may be short, or empty, and still have a next one",
        ["Link"],
      ),
      ...problems({ 422: "A filter is wrong" }),
    }),
  });
  app.openapi(list, async (c) => {
    const { count, cursor, limit, ...filter } = c.req.valid("query");
    // Of many that are asked for at once on one connection no more are read than there is room for.
    using room = pieces.room(c, PAGE_BYTES);
    const page = await viewOf(c, runtime).list(
      { ...filterOf(filter), cursor, limit, counts: count } satisfies Omit<ListQuery, "caller">,
    );
    const prefix = prefixOf(c);
    const headers: Record<string, string> = { "cache-control": "no-store" };
    if (page.nextCursor !== null) {
      const next = new URLSearchParams(new URL(c.req.url).searchParams);
      next.set("cursor", page.nextCursor);
      headers.link = `<${prefix}/v1/tasks?${next}>; rel="next"`;
    }
    const turn = runtime.turns.begin();
    const tasks = await summaryTexts(runtime, page.entries, prefix, turn);
    const counted = page.count ? `,"count":${JSON.stringify(page.count)}` : "";
    const end = `],"nextCursor":${JSON.stringify(page.nextCursor)}${counted}}`;
    const parts = ['{"tasks":[', ...tasks, end];
    if (room.holds(parts)) return await room.jsonOf(turn, parts, 200, headers);
    return await pieces.jsonOf(c, turn, parts, headers);
  });
}

function matches(ifNoneMatch: string | undefined, entry: Entry): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etagOf(entry));
}
