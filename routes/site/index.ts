// GET /: a browser is redirected to the docs, a program gets the paths.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { App } from "../http/app_types.ts";
import { jsonResponse } from "../http/json_response.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";
import { prefixOf } from "../http/prefix.ts";
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
    summary: "Where to go from here; a browser is led to the docs",
    tags: ["service"],
    responses: () => ({
      200: jsonAnswer(indexSchema(), "The paths to begin with", ["Vary"]),
      302: { description: "For a browser: the docs", headers: { Location: { schema: { type: "string" } } } },
    }),
  });
  app.openapi(route, (c) => {
    const prefix = prefixOf(c);
    const headers = { ...PAGE_HEADERS, vary: "Accept", "cache-control": "no-cache" };
    if (hasApi && /\btext\/html\b/i.test(c.req.header("accept") ?? "")) {
      return new Response(null, { status: 302, headers: { ...headers, location: `${prefix}${API.docs}` } });
    }
    const paths = Object.entries({ ...hasApi ? API : {}, ...HEALTH });
    const links = Object.fromEntries(paths.map(([name, path]) => [name, prefix + path]));
    return jsonResponse(JSON.stringify({ name: "errand", links }), 200, headers);
  });
}
