// GET /v1/groups/{id}/results: the outcomes of all tasks of a group, in the order of its tasks.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { doneOf, endOfGroup, type GroupRecord, type Runtime } from "../../runtime/mod.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { viewOf } from "../access/guard.ts";
import { groupFailureOf, membersGone } from "../wire/failure_problem.ts";
import type { Pieces } from "../http/pieces.ts";
import { longAnswer } from "../http/json_stream.ts";
import { prefixOf } from "../http/prefix.ts";
import { ProblemError } from "../http/problem.ts";
import { flagQuery, waitQuery } from "../wire/query.ts";
import { heldProblems, idParams, jsonAnswer, problems } from "../wire/schemas.ts";
import type { Slots } from "../http/connection_limit.ts";
import type { App, AppOptions } from "../http/app_types.ts";
import { errorText, outcomeText, resultText } from "../wire/task_json.ts";
import { jsonResponse } from "../http/json_response.ts";
import { type Text } from "../http/json_response.ts";

const resultsSchema = once(() =>
  z.object({
    id: z.uuid(),
    results: z.array(z.unknown()).describe(
      "The values; with raiseOnFailure=false what GET /v1/tasks/{id}/result answers for each: {id, state, result, error}.",
    ),
  }).meta({ id: "GroupResults" })
);

const progressSchema = once(() =>
  z.object({ id: z.uuid(), total: z.int(), done: z.int() }).meta({
    id: "GroupProgress",
  })
);

export function groupResultRoutes(
  app: App,
  runtime: Runtime,
  { log }: AppOptions,
  slots: Slots,
  pieces: Pieces,
): void {
  const results = createRoute({
    method: "get",
    path: "/v1/groups/{id}/results",
    operationId: "getGroupResults",
    summary: "The values of all its tasks in their order, as soon as all have ended",
    tags: ["groups"],
    request: () => ({
      params: idParams(),
      query: strictObject({
        wait: waitQuery(),
        raiseOnFailure: flagQuery(
          "false: 200 also if not all completed, with state, result and error of each.",
        ),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(resultsSchema(), "All results, in the order of the input"),
      202: jsonAnswer(progressSchema(), "Not all are done", ["Retry-After"]),
      ...problems({
        ...heldProblems,
        404: "Unknown, or past its retention",
        410: "task-cancelled: none failed, but one was cancelled; task-forgotten: a task of it is gone",
        422: "The id is no UUID",
        424: "task-failed: the first that FAILED or CRASHED",
      }),
    }),
  });
  app.openapi(results, async (c) => {
    const { id } = c.req.valid("param");
    const { wait = 0, raiseOnFailure: isRaised } = c.req.valid("query");
    const waitMs = wait * 1_000;
    const view = viewOf(c, runtime);
    const group = await slots.during(c, waitMs, (signal) => view.group(id, waitMs, signal));
    const { total } = group;
    const headers = { "cache-control": "no-store" };
    const notDone = (done: number) =>
      jsonResponse(JSON.stringify({ id, total, done }), 202, { ...headers, "retry-after": "1" });
    const end = endOfGroup(group);
    if (end === null || !isRaised && doneOf(group) < total) return notDone(doneOf(group));
    if (isRaised && doneOf(group) > (group.ended.COMPLETED ?? 0)) {
      const failure = await runtime.groups.failure(group);
      // A task that was retried since has made the group one that is not done.
      if (failure === null) return notDone(doneOf(await view.group(id)));
      throw new ProblemError(
        failure.entry ? groupFailureOf(id, failure.entry) : membersGone(id, prefixOf(c)),
      );
    }
    return await longAnswer(c, resultsText(runtime, group, isRaised, prefixOf(c)), {
      headers,
      slots,
      pieces,
      onError: (error) => log.error(`the results of group ${id} were cut off`, error),
    });
  });
}

async function* resultsText(
  runtime: Runtime,
  group: GroupRecord,
  isRaised: boolean,
  prefix: string,
): AsyncGenerator<Text> {
  const { total } = group;
  const id = bare(group.id);
  yield `{"id":"${id}","results":[`;
  let told = 0;
  for await (const page of runtime.groups.members.entries(group)) {
    for (const entry of page) {
      if (entry === null) throw new ProblemError(membersGone(id, prefix));
      const { record } = entry;
      const result = await resultText(runtime, record);
      const text = isRaised ? result : outcomeText(record, { result, error: errorText(record.error) });
      yield told++ === 0 ? text : `,${text}`;
    }
  }
  // One was deleted while the others were read.
  if (told < total) throw new ProblemError(membersGone(id, prefix));
  yield "]}";
}
