// GET /: a browser gets the page for operators, a program the paths.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { App } from "../http/app_types.ts";
import { type JsonResponse, jsonResponse } from "../http/json_response.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";
import { prefixOf } from "../http/prefix.ts";
import { pageResponse } from "./page.ts";
import { jsonAnswer } from "../wire/schemas.ts";

/** Paths by name, where the API is served. */
const API = { docs: "/docs", openapi: "/openapi.json", definitions: "/v1/definitions", tasks: "/v1/tasks" };
const HEALTH = { health: "/healthz", readiness: "/readyz" };

const indexSchema = once(() =>
  z.object({
    name: z.literal("errand"),
    links: z.record(z.string(), z.string()).describe("Paths by what is there."),
  }).meta({ id: "Index" })
);

/** @param hasApi false for a process that answers health checks only */
export function indexRoutes(app: App, hasApi: boolean): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "index",
    summary: "Where to go from here; a browser gets the page for operators",
    tags: ["service"],
    responses: () => ({
      200: jsonAnswer(indexSchema(), "The paths to begin with", ["Vary"]),
    }),
  });
  app.openapi(route, async (c) => {
    const prefix = prefixOf(c);
    const headers = { ...PAGE_HEADERS, vary: "Accept", "cache-control": "no-cache" };
    if (hasApi && /\btext\/html\b/i.test(c.req.header("accept") ?? "")) {
      return await pageResponse(prefix, headers) as JsonResponse;
    }
    const paths = Object.entries({ ...hasApi ? API : {}, ...HEALTH });
    const links = Object.fromEntries(paths.map(([name, path]) => [name, prefix + path]));
    return jsonResponse(JSON.stringify({ name: "errand", links }), 200, headers);
  });
}
