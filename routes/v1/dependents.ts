// GET /v1/tasks/{id}/dependents: which tasks wait for a task, or have waited for it.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { Runtime } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { idParams, jsonAnswer, problems, summarySchema } from "../wire/schemas.ts";
import { summaryTexts } from "../wire/task_json.ts";

const dependentsSchema = once(() =>
  z.object({
    tasks: z.array(summarySchema()),
    more: z.boolean().describe("True: there are others."),
  }).meta({ id: "Dependents" })
);

export function dependentRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "get",
    path: "/v1/tasks/{id}/dependents",
    operationId: "getDependents",
    summary: "The tasks that wait for a task, or have waited for it: up to 100",
    tags: ["tasks"],
    request: () => ({ params: idParams() }),
    responses: () => ({
      200: jsonAnswer(dependentsSchema(), "In no order"),
      ...problems({
        404: "Unknown, or past its retention",
        410: "Forgotten on request",
        422: "The id is no UUID",
      }),
    }),
  });
  app.openapi(route, async (c) => {
    const { entries, isPart } = await viewOf(c, runtime).dependents(c.req.valid("param").id);
    const turn = runtime.turns.begin();
    const tasks = await summaryTexts(runtime, entries, prefixOf(c), turn);
    const parts = ['{"tasks":[', ...tasks, `],"more":${isPart}}`];
    return await pieces.jsonOf(c, turn, parts, { "cache-control": "no-store" });
  });
}
