// Cancel, retry or forget a task.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import type { Context } from "hono";
import type { CancelRequest, IfMatch, Runtime } from "../../runtime/mod.ts";
import { isTerminal, stateOf } from "../../runtime/core/task.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { ProblemError } from "../http/problem.ts";
import { bodyProblems, idParams, jsonAnswer, problems, stateSchema, taskSchema } from "../wire/schemas.ts";
import { outcomeText, taskHeaders, taskText } from "../wire/task_json.ts";
import { jsonResponse } from "../http/json_response.ts";
import type { Pieces } from "../http/pieces.ts";

const LONGEST_REASON = 500;
const LONGEST_GRACE_MS = 60 * 60 * 1000;
export const DEFAULT_GRACE_MS = 10_000;

/** What every cancel may say: of a task, of a group, of many. */
export const cancelShape = once(() => ({
  reason: z.string().max(LONGEST_REASON).optional(),
  graceMs: z.int().min(0).max(LONGEST_GRACE_MS).optional()
    .describe(`How long a running function may take to stop. Default ${DEFAULT_GRACE_MS}.`),
  children: z.boolean().optional()
    .describe(
      "Also the tasks that it has submitted, and theirs. Default: true for a task of a flow, else false; " +
        "false with onlyWaiting.",
    ),
  onlyWaiting: z.boolean().optional()
    .describe("Only if it has not started: none that has is asked to stop."),
  keepResult: z.boolean().optional()
    .describe("What a running function still returns is kept; it ends CANCELLED all the same."),
}));

/** With the default grace. */
export function cancelRequestOf(
  { reason, graceMs = DEFAULT_GRACE_MS, children, onlyWaiting, keepResult }: z.output<
    z.ZodObject<ReturnType<typeof cancelShape>>
  >,
): CancelRequest {
  return { reason, graceMs, children, onlyWaiting, keepResult };
}

const cancelSchema = once(() => strictObject(cancelShape()).meta({ id: "CancelRequest" }));

const cancelAnswer = once(() =>
  z.object({
    outcome: z.enum(["cancelled", "requested"]),
    id: z.uuid(),
    state: stateSchema(),
  }).meta({ id: "CancelOutcome" })
);

const gone = {
  404: "Unknown, or past its retention",
  410: "Forgotten on request",
  412: "If-Match does not match",
};
const ifMatch = once(() => z.object({ "if-match": z.string().optional() }));

export function taskActionRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const cancel = createRoute({
    method: "post",
    path: "/v1/tasks/{id}/cancel",
    operationId: "cancelTask",
    summary: "Cancel a waiting task, or ask a running one to stop",
    tags: ["tasks"],
    middleware: jsonBody({ limitBytes: 16 * 1024, optional: true }),
    request: () => ({
      params: idParams(),
      headers: ifMatch(),
      body: { content: { "application/json": { schema: cancelSchema() } } },
    }),
    responses: () => ({
      200: jsonAnswer(cancelAnswer(), "Cancelled: it did not start, or it was cancelled before"),
      202: jsonAnswer(cancelAnswer(), "It runs and was asked to stop"),
      ...problems({ ...bodyProblems, ...gone, 409: "too_late: it has ended, or with onlyWaiting started" }),
    }),
  });
  app.openapi(cancel, async (c) => {
    const { id } = c.req.valid("param");
    const request = { ...cancelRequestOf(c.req.valid("json")), ifMatch: ifMatchOf(c) };
    const { outcome, entry } = await viewOf(c, runtime).cancel(id, request);
    if (outcome === "too_late") {
      const { type } = stateOf(entry.record);
      const detail = isTerminal(entry.record)
        ? `the task has ended ${type}: it cannot be cancelled any more`
        : "the task has started: without onlyWaiting it is asked to stop";
      throw new ProblemError({
        status: 409,
        slug: "conflict",
        title: "Conflict",
        detail,
        extra: { outcome, id },
      });
    }
    const text = outcomeText(entry.record, { outcome: JSON.stringify(outcome) });
    return jsonResponse(text, outcome === "cancelled" ? 200 : 202, { "cache-control": "no-store" });
  });

  const retry = createRoute({
    method: "post",
    path: "/v1/tasks/{id}/retry",
    operationId: "retryTask",
    summary: "Run an ended, not completed task again under the same id",
    tags: ["tasks"],
    middleware: jsonBody({
      limitBytes: runtime.maxInputBytes + 16 * 1024,
      optional: true,
      turns: runtime.turns,
    }),
    request: () => ({
      params: idParams(),
      headers: ifMatch(),
      body: {
        content: {
          "application/json": {
            schema: strictObject({ input: z.unknown().optional().describe("Replaces the input.") })
              .meta({ id: "RetryRequest" }),
          },
        },
      },
    }),
    responses: () => ({
      202: jsonAnswer(
        taskSchema(),
        "It will run again. What its failure had cancelled waits again, unless that takes more than 30 s",
        ["Location"],
      ),
      ...problems({ ...bodyProblems, ...gone, 409: "It has not ended, or it completed" }),
    }),
  });
  app.openapi(retry, async (c) => {
    const { id } = c.req.valid("param");
    using room = pieces.room(c);
    const entry = await viewOf(c, runtime).retry(id, c.req.valid("json").input, ifMatchOf(c));
    await runtime.dependentsResumed(entry);
    const prefix = prefixOf(c);
    const location = `${prefix}/v1/tasks/${id}`;
    const headers = { ...taskHeaders(entry), location, "retry-after": "1" };
    return room.json(await taskText(runtime, entry, prefix), 202, headers);
  });

  const forget = createRoute({
    method: "delete",
    path: "/v1/tasks/{id}",
    operationId: "forgetTask",
    summary: "Forget an ended task and all it stored",
    tags: ["tasks"],
    request: () => ({ params: idParams(), headers: ifMatch() }),
    responses: () => ({
      204: { description: "Forgotten" },
      ...problems({ ...gone, 409: "It has not ended", 422: "The id is no UUID" }),
    }),
  });
  app.openapi(forget, async (c) => {
    await viewOf(c, runtime).forget(c.req.valid("param").id, ifMatchOf(c));
    return c.body(null, 204);
  });
}

export function ifMatchOf(c: Context): IfMatch {
  const header = c.req.header("if-match");
  if (header === undefined || header.trim() === "*") return undefined;
  // A proxy that compresses an answer makes its ETag a weak one. It still names the same version.
  return header.split(",").map((tag) => tag.trim().replace(/^W\//, "").replaceAll('"', ""));
}
