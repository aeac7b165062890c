// POST /v1/flows: a graph of tasks in one submit, all of it or nothing.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { flowSchema, type Runtime } from "../../runtime/mod.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { viewOf } from "../access/guard.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";
import { bodyProblems, idempotencyHeader, jsonAnswer, problems } from "../wire/schemas.ts";
import { mostBytesOfMany, submittedSchema, submittedTexts, toldBytes } from "../wire/submitted_json.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";

const answer = once(() =>
  z.object({
    groupId: z.uuid(),
    tasks: z.record(z.string(), submittedSchema()).describe("By their names."),
    result: z.unknown().describe('What the whole hands on, with {"$task": id} for each result.'),
  }).meta({ id: "FlowSubmitted" })
);

export function flowRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const flows = createRoute({
    method: "post",
    path: "/v1/flows",
    operationId: "submitFlow",
    summary: "Submit a graph of tasks, all of it or nothing",
    tags: ["submit"],
    middleware: jsonBody({ limitBytes: mostBytesOfMany(runtime), turns: runtime.turns }),
    request: () => ({
      headers: idempotencyHeader(),
      body: { required: true, content: { "application/json": { schema: flowSchema() } } },
    }),
    responses: () => ({
      202: jsonAnswer(answer(), "All are on disk and will run", ["Location"]),
      ...problems({
        ...bodyProblems,
        409: "The same Idempotency-Key is under way",
        422: "validation-failed (with the way round, if it is a cycle), unknown-definition or " +
          "idempotency-mismatch: see errors",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(flows, async (c) => {
    const body = await c.req.text();
    const idempotency = await idempotencyOf(c, body);
    using room = pieces.room(c, toldBytes(body.length));
    const made = await viewOf(c, runtime).submitFlow(c.req.valid("json"), idempotency);
    const { names, result, groupId } = made;
    const prefix = prefixOf(c);
    const turn = runtime.turns.begin();
    const tasks = await submittedTexts(runtime, made, prefix, turn, (i) => names[i]);
    const begin = `{"groupId":"${bare(groupId!)}","tasks":{`;
    const end = `},"result":${JSON.stringify(result)}}`;
    return await room.jsonOf(turn, [begin, ...tasks, end], 202, {
      ...beforeHeaders(made),
      location: `${prefix}/v1/groups/${bare(groupId!)}`,
    });
  });
}
