// POST /v1/tasks/{id}/rerun: a new task from an ended one.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import type { Runtime } from "../../runtime/mod.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import {
  bodyProblems,
  idempotencyHeader,
  idParams,
  jsonAnswer,
  problems,
  taskSchema,
} from "../wire/schemas.ts";
import { ENVELOPE_BYTES } from "../wire/submitted_json.ts";
import { taskHeaders, taskText } from "../wire/task_json.ts";
import { beforeHeaders, idempotencyOf } from "./idempotency.ts";
import { ifMatchOf } from "./task_actions.ts";

export function rerunRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "post",
    path: "/v1/tasks/{id}/rerun",
    operationId: "rerunTask",
    summary: "Submit a new task like an ended one, also like a completed one",
    tags: ["tasks"],
    middleware: jsonBody({
      limitBytes: runtime.maxInputBytes + ENVELOPE_BYTES,
      optional: true,
      turns: runtime.turns,
    }),
    request: () => ({
      params: idParams(),
      headers: idempotencyHeader().extend({ "if-match": z.string().optional() }),
      body: {
        content: {
          "application/json": {
            schema: strictObject({ input: z.unknown().optional().describe("In place of its input.") })
              .meta({ id: "RerunRequest" }),
          },
        },
      },
    }),
    responses: () => ({
      200: jsonAnswer(taskSchema(), "Another task has its unique key, and is the answer", [
        "Errand-Deduplicated",
      ]),
      202: jsonAnswer(taskSchema(), "The new task is on disk and will run", ["Location"]),
      ...problems({
        ...bodyProblems,
        404: "Unknown, or past its retention",
        409: "It has not ended",
        410: "Forgotten on request",
        412: "If-Match does not match",
        429: "queue-full",
      }),
    }),
  });
  app.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { input } = c.req.valid("json");
    using room = pieces.room(c);
    const submitted = await viewOf(c, runtime).rerun(id, {
      input,
      ifMatch: ifMatchOf(c),
      idempotency: await idempotencyOf(c, await c.req.text()),
    });
    const { entries: [entry], deduplicated } = submitted;
    const made = bare(entry.record.id);
    c.set("audited", `${id}, as ${made}`);
    const prefix = prefixOf(c);
    const location = `${prefix}/v1/tasks/${made}`;
    const headers = {
      ...beforeHeaders(submitted),
      location,
      "retry-after": "1",
      "cache-control": "no-store",
    };
    const told = entry.versionstamp === "" ? headers : { ...headers, ...taskHeaders(entry) };
    return room.json(await taskText(runtime, entry, prefix), deduplicated > 0 ? 200 : 202, told);
  });
}
