// GET /v1/definitions: what can be submitted.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import type { Pieces } from "../http/pieces.ts";
import { once } from "../../runtime/core/once.ts";
import { type Runtime, UNSAID } from "../../runtime/mod.ts";
import { jsonSchemaOf } from "../../runtime/core/registry.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { jsonAnswer, noParameters, problems } from "../wire/schemas.ts";
import { concurrencySchema, concurrencyView } from "./concurrency.ts";
import { pausedSchema, pauseView } from "./queues.ts";

const schema = once(() => z.record(z.string(), z.unknown()).describe("JSON Schema 2020-12"));

const definitionSchema = once(() =>
  z.object({
    name: z.string(),
    description: z.string().nullable(),
    version: z.string().optional(),
    redact: z.array(z.string()).optional().describe("JSON Pointers to what of an input is not shown."),
    input: schema(),
    output: schema(),
    runsOn: z.enum(["inline", "thread"]),
    defaults: z.record(z.string(), z.unknown()),
    paused: pausedSchema(),
    concurrency: concurrencySchema(),
  }).meta({ id: "Definition" })
);

export function definitionRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  const route = createRoute({
    method: "get",
    path: "/v1/definitions",
    operationId: "listDefinitions",
    summary: "What can be submitted: names, schemas, defaults",
    tags: ["definitions"],
    responses: () => ({
      200: jsonAnswer(z.object({ definitions: z.array(definitionSchema()) }), "All definitions, by name"),
      ...problems(noParameters),
    }),
  });
  const told = once(() =>
    new Map(
      runtime.registry.all().map((definition) => [definition.name, {
        name: definition.name,
        description: definition.description ?? null,
        ...definition.version !== undefined && { version: definition.version },
        ...definition.redact && { redact: [...definition.redact] },
        input: jsonSchemaOf(definition.input, "input"),
        output: jsonSchemaOf(definition.output, "output"),
        runsOn: definition.thread === undefined ? "inline" as const : "thread" as const,
        defaults: { ...definition.defaults },
      }]),
    )
  );
  app.openapi(route, async (c) => {
    const view = viewOf(c, runtime);
    const states = await view.definitionStates();
    const definitions = view.definitions().map(({ name }) => {
      const { paused, concurrency } = states.get(name) ?? UNSAID;
      const state = { paused: pauseView(paused), concurrency: concurrencyView(concurrency) };
      return { ...told().get(name)!, ...state };
    });
    return pieces.json(c, JSON.stringify({ definitions }));
  });
}
