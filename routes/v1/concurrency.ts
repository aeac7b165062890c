// How many tasks of a queue, or of a definition, run at once: as it is, and as operators set it.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { slotsSchema } from "../../runtime/core/limit_options.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { type Concurrency, isoAt, mostAtOnce, type Runtime } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { bodyProblems, jsonAnswer, problems } from "../wire/schemas.ts";
import { definitionParams, forbiddenOr404, queueParams } from "./controlled.ts";

export const concurrencySchema = once(() =>
  z.object({
    current: z.int().nullable().describe(
      "At most so many run at once. Null: nothing limits it. 0 holds all.",
    ),
    base: z.int().nullable().describe("What the code of a definition says."),
    override: z.int().nullable().describe("What a call has said: it outranks the code."),
    overriddenAt: z.iso.datetime().nullable(),
    overriddenBy: z.string().nullable().describe("The name of the key that has said it."),
  }).meta({ id: "QueueConcurrency" })
);

const said = once(() =>
  strictObject({
    concurrency: slotsSchema().nullable()
      .describe("At most so many run at once; 0 holds all. Null takes back what was said."),
  }).meta({ id: "QueueConcurrencySaid" })
);

const answer = once(() =>
  z.object({ concurrency: concurrencySchema() }).meta({ id: "QueueConcurrencyState" })
);

export function concurrencyView(concurrency: Concurrency) {
  const { base, override, overriddenAt, overriddenBy } = concurrency;
  return {
    current: mostAtOnce(concurrency),
    base,
    override,
    overriddenAt: overriddenAt === null ? null : isoAt(overriddenAt),
    overriddenBy,
  };
}

export function concurrencyRoutes(app: App, runtime: Runtime): void {
  const routes = [
    { kind: "queue", path: "/v1/queues/{name}", params: queueParams },
    { kind: "definition", path: "/v1/definitions/{name}/concurrency", params: definitionParams },
  ] as const;
  for (const { kind, path, params } of routes) {
    const route = createRoute({
      method: "put",
      path,
      operationId: kind === "queue" ? "limitQueue" : "limitDefinition",
      summary: `Set how many tasks of the ${kind} run at once, in all processes; what runs goes on`,
      tags: ["queues"],
      middleware: jsonBody({ limitBytes: 1_024 }),
      request: () => ({
        params: params(),
        body: { required: true, content: { "application/json": { schema: said() } } },
      }),
      responses: () => ({
        200: jsonAnswer(answer(), "It holds here, and everywhere a second later"),
        ...problems({ ...bodyProblems, ...forbiddenOr404 }),
      }),
    });
    app.openapi(route, async (c) => {
      const { name } = c.req.valid("param");
      const concurrency = await viewOf(c, runtime).limitConcurrency(
        { kind, name },
        c.req.valid("json").concurrency,
      );
      const body = JSON.stringify({ concurrency: concurrencyView(concurrency) });
      return jsonResponse(body, 200, { "cache-control": "no-store" });
    });
  }
}
