// Waiting for many tasks: POST /v1/wait, and /v1/as-completed, which streams each one as it ends.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { having } from "../../runtime/core/submission.ts";
import type { Context } from "hono";
import { isTerminal } from "../../runtime/core/task.ts";
import { type CallersCompletionQuery, RETURN_WHEN, type Runtime } from "../../runtime/mod.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { App, StreamOptions } from "../http/app_types.ts";
import { viewOf } from "../access/guard.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { LONGEST_WAIT_SECONDS, secondsText } from "../wire/query.ts";
import {
  bodyProblems,
  heldProblems,
  ids,
  IN_IDS,
  jsonAnswer,
  LONGEST_TIMEOUT_SECONDS,
  problems,
  sseAnswer,
  summarySchema,
  ticketQuery,
  timeoutSeconds,
} from "../wire/schemas.ts";
import { sseResponse } from "../http/sse.ts";
import { sseEvents } from "../wire/completion_sse.ts";
import { summaryText, summaryTexts } from "../wire/task_json.ts";
import type { Text } from "../http/json_response.ts";
import type { Pieces } from "../http/pieces.ts";
import { longAnswer } from "../http/json_stream.ts";

const LIST_BYTES = 128 * 1024;

const groupId = once(() => z.uuid().toLowerCase());
const tag = once(() => z.string().min(1).max(100));
const exactlyOne = "exactly one of these says which tasks";

const waitSchema = once(() =>
  strictObject(
    {
      ids: ids().optional(),
      groupId: groupId().optional(),
      returnWhen: z.enum(RETURN_WHEN).default("ALL_COMPLETED"),
      timeoutSeconds: z.number().min(0).default(LONGEST_WAIT_SECONDS)
        .describe(`At most ${LONGEST_WAIT_SECONDS} in one request; more is cut to that.`),
    },
    {},
    IN_IDS,
  ).superRefine((query, context) => requireOne(query, ["ids", "groupId"], context)).meta({
    id: "WaitRequest",
    not: notOne(["ids", "groupId"]),
  })
);

const cursor = once(() => z.string().max(4_100));

const streamShape = once(() => ({ groupId: groupId().optional(), tag: tag().optional() }));

const streamQuery = once(() =>
  strictObject({
    id: z.preprocess(
      (value) => value === undefined || Array.isArray(value) ? value : [value],
      ids().optional(),
    )
      .meta({ type: "array", items: { type: "string", format: "uuid" }, maxItems: 1_000 }),
    ...streamShape(),
    timeout: secondsText().pipe(timeoutSeconds()).optional()
      .meta({
        type: "number",
        minimum: 0,
        maximum: LONGEST_TIMEOUT_SECONDS,
        description: "Seconds for the whole iteration.",
      }),
    after: cursor().optional().describe("Go on behind this event, where `Last-Event-ID` cannot be sent."),
    ticket: ticketQuery(),
  }).superRefine((query, context) => requireOne(query, ["id", "groupId", "tag"], context))
);

const streamBody = once(() =>
  strictObject(
    {
      ids: ids().optional(),
      ...streamShape(),
      timeoutSeconds: timeoutSeconds().optional(),
      timeout: timeoutSeconds().optional().describe("The same as timeoutSeconds."),
    },
    {},
    IN_IDS,
  ).superRefine((query, context) => requireOne(query, ["ids", "groupId", "tag"], context)).meta({
    id: "AsCompletedRequest",
    not: notOne(["ids", "groupId", "tag"]),
  })
);

const lastEventId = once(() => z.object({ "last-event-id": cursor().optional() }));

export function completionRoutes(
  app: App,
  runtime: Runtime,
  options: StreamOptions,
  slots: Slots,
  pieces: Pieces,
): void {
  const wait = createRoute({
    method: "post",
    path: "/v1/wait",
    operationId: "waitForTasks",
    summary: "Wait for several tasks; never an error on timeout",
    tags: ["streams"],
    middleware: jsonBody({ limitBytes: LIST_BYTES, turns: runtime.turns }),
    request: () => ({ body: { required: true, content: { "application/json": { schema: waitSchema() } } } }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ done: z.array(summarySchema()), notDone: z.array(summarySchema()) }).meta({
          id: "Waited",
        }),
        "Which are done, and which are not",
      ),
      ...problems({ ...bodyProblems, ...heldProblems, 404: "An id is unknown", 410: "A task was forgotten" }),
    }),
  });
  app.openapi(wait, async (c) => {
    const query = c.req.valid("json");
    const waitMs = Math.min(query.timeoutSeconds, LONGEST_WAIT_SECONDS) * 1_000;
    const { ids, groupId, returnWhen } = query;
    const view = viewOf(c, runtime);
    const headers = { "cache-control": "no-store" };
    const prefix = prefixOf(c);
    if (ids !== undefined) {
      const waited = await slots.during(
        c,
        waitMs,
        (signal) => view.wait(ids, returnWhen, waitMs, { signal }),
      );
      const turn = runtime.turns.begin();
      const done = await summaryTexts(runtime, waited.done, prefix, turn);
      const notDone = await summaryTexts(runtime, waited.notDone, prefix, turn);
      return await pieces.jsonOf(c, turn, ['{"done":[', ...done, '],"notDone":[', ...notDone, "]}"], headers);
    }
    const group = await slots.during(
      c,
      waitMs,
      (signal) => view.waitForGroup(groupId!, returnWhen, waitMs, signal),
    );
    return await longAnswer(c, groupText(runtime, group.id, prefix), {
      headers,
      slots,
      pieces,
      onError: (error) => options.log.error("the answer of a wait was cut off", error),
    });
  });

  const responses = {
    200: sseAnswer("`task` for each, in the order of completion, then `end`; `timeout` at the deadline"),
    204: { description: "Everything was delivered, `end` included" },
  };
  const get = createRoute({
    method: "get",
    path: "/v1/as-completed",
    operationId: "asCompleted",
    summary: "Stream tasks as they end: each once, and resumable",
    tags: ["streams"],
    request: () => ({ query: streamQuery(), headers: lastEventId() }),
    responses: () => ({
      ...responses,
      ...problems({
        ...heldProblems,
        404: "An id is unknown",
        410: "A task was forgotten",
        422: "See errors",
      }),
    }),
  });
  app.openapi(get, (c) => {
    const { id, groupId, tag, timeout, after } = c.req.valid("query");
    return stream(c, runtime, { ...options, slots }, queryOf(id, groupId, tag), timeout, after);
  });

  const post = createRoute({
    method: "post",
    path: "/v1/as-completed",
    operationId: "asCompletedByBody",
    summary: "The same for long lists of ids",
    tags: ["streams"],
    middleware: jsonBody({ limitBytes: LIST_BYTES, turns: runtime.turns }),
    request: () => ({
      headers: lastEventId(),
      body: { required: true, content: { "application/json": { schema: streamBody() } } },
    }),
    responses: () => ({
      ...responses,
      ...problems({ ...bodyProblems, ...heldProblems, 404: "An id is unknown", 410: "A task was forgotten" }),
    }),
  });
  app.openapi(post, (c) => {
    const { ids, groupId, tag, timeout, timeoutSeconds = timeout } = c.req.valid("json");
    return stream(c, runtime, { ...options, slots }, queryOf(ids, groupId, tag), timeoutSeconds);
  });
}

/** For any number of tasks: those that are done are sent while the others are read. */
async function* groupText(runtime: Runtime, group: string, prefix: string): AsyncGenerator<Text> {
  const notDone: Text[] = [];
  let told = 0;
  yield '{"done":[';
  for await (const page of runtime.groups.members.present(group)) {
    for (const { record } of page) {
      const text = summaryText(record, prefix);
      if (!isTerminal(record)) notDone.push(text);
      else yield told++ === 0 ? text : `,${text}`;
    }
  }
  yield '],"notDone":[';
  for (const [i, text] of notDone.entries()) yield i === 0 ? text : `,${text}`;
  yield "]}";
}

async function stream(
  c: Context,
  runtime: Runtime,
  { heartbeat, log, slots }: StreamOptions & { slots: Slots },
  query: CallersCompletionQuery,
  timeout: number | undefined,
  after?: string,
): Promise<Response> {
  const abort = new AbortController();
  const giveBack = slots.take(c, () => abort.abort());
  try {
    const events = await viewOf(c, runtime).completions(query, {
      timeoutMs: timeout === undefined ? null : timeout * 1_000,
      cursor: c.req.header("last-event-id") ?? after,
      signal: abort.signal,
    });
    if (events === null) {
      giveBack();
      return c.body(null, 204);
    }
    const onError = (error: unknown) => log.error("an as-completed stream failed", error);
    return sseResponse(c, sseEvents(runtime, events, prefixOf(c)), { heartbeat, giveBack, abort, onError });
  } catch (error) {
    giveBack();
    throw error;
  }
}

function queryOf(
  ids: string[] | undefined,
  groupId: string | undefined,
  tag: string | undefined,
): CallersCompletionQuery {
  if (ids) return { ids };
  return groupId !== undefined ? { groupId } : { tag: tag! };
}

function requireOne(query: Record<string, unknown>, names: string[], context: z.RefinementCtx): void {
  const given = names.filter((name) => query[name] !== undefined);
  if (given.length === 1) return;
  context.addIssue({
    code: "custom",
    path: given.length === 0 ? [names[0]] : [given[1]],
    message: `${names.join(", ")}: ${exactlyOne}; ${given.length} are given`,
  });
}

/** In JSON Schema: none of these fields, or several. */
function notOne(names: string[]) {
  const pairs = names.flatMap((one, i) => names.slice(i + 1).map((other) => [one, other]));
  return { anyOf: [{ not: { anyOf: names.map((name) => having([name])) } }, ...pairs.map(having)] };
}
