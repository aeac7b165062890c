// POST /v1/map: the same function for each element of a list, as a group.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { mapSchema, type Runtime } from "../../runtime/mod.ts";
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
    tasks: z.array(submittedSchema()).describe("In the order of the elements."),
  }).meta({ id: "Mapped" })
);

export function mapRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const map = createRoute({
    method: "post",
    path: "/v1/map",
    operationId: "mapTask",
    summary: "Submit one task for each element of a list, as a group",
    tags: ["submit"],
    middleware: jsonBody({ limitBytes: mostBytesOfMany(runtime), turns: runtime.turns }),
    request: () => ({
      headers: idempotencyHeader(),
      body: { required: true, content: { "application/json": { schema: mapSchema() } } },
    }),
    responses: () => ({
      202: jsonAnswer(answer(), "All are on disk and will run", ["Location"]),
      ...problems({
        ...bodyProblems,
        409: "The same Idempotency-Key is under way",
        422: "mapping-missing-iterable, mapping-length-mismatch, validation-failed, unknown-definition or " +
          "idempotency-mismatch: see errors",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(map, async (c) => {
    const body = await c.req.text();
    const idempotency = await idempotencyOf(c, body);
    using room = pieces.room(c, toldBytes(body.length));
    const made = await viewOf(c, runtime).submitMap(c.req.valid("json"), idempotency);
    const { groupId } = made;
    const prefix = prefixOf(c);
    const turn = runtime.turns.begin();
    const tasks = await submittedTexts(runtime, made, prefix, turn);
    const begin = `{"groupId":"${bare(groupId!)}","tasks":[`;
    return await room.jsonOf(turn, [begin, ...tasks, "]}"], 202, {
      ...beforeHeaders(made),
      location: `${prefix}/v1/groups/${bare(groupId!)}`,
    });
  });
}
