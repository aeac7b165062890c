// The HTTP surface: all routes on one app, and what is the same for all of them. Knows the runtime, not KV.

import { OpenAPIHono } from "@hono/zod-openapi";
import { faultsOf } from "../runtime/faults.ts";
import type { Runtime } from "../runtime/mod.ts";
import type { App, AppOptions } from "./surface.ts";
import { clientRoutes } from "./client.ts";
import { completionRoutes } from "./completions.ts";
import { definitionRoutes } from "./definitions.ts";
import { docsRoutes } from "./docs.ts";
import { eventRoutes } from "./events.ts";
import { flowRoutes } from "./flows.ts";
import { groupResultRoutes } from "./group_results.ts";
import { groupRoutes } from "./groups.ts";
import { guardRoutes } from "./guard.ts";
import { healthRoutes } from "./health.ts";
import { mapRoutes } from "./map.ts";
import { methodsAt } from "./methods.ts";
import {
  clientClosed,
  internal,
  methodNotAllowed,
  notFound,
  problemOf,
  problemResponse,
  validationFailed,
} from "./problem.ts";
import { pumpRoutes } from "./pump.ts";
import { Slots } from "./slots.ts";
import { steerRoutes } from "./steer.ts";
import { submitRoutes } from "./submit.ts";
import { taskRoutes } from "./tasks.ts";
import { ticketRoutes } from "./tickets.ts";

export function createApp(runtime: Runtime, options: AppOptions): App {
  const { log } = options;
  const app = new OpenAPIHono({
    defaultHook(result, c) {
      if (result.success) return;
      const place =
        { json: "", param: "/path", query: "/query", header: "/header" }[result.target as string] ?? "";
      const value = (result as { data?: unknown }).data;
      return problemResponse(c, validationFailed(faultsOf(result.error, value, place)));
    },
  });
  const slots = new Slots(options.maxWaiting);
  guardRoutes(app, options.apiKeys ?? [], runtime.tickets);
  healthRoutes(app, runtime);
  if (options.pump) pumpRoutes(app, runtime, options.pump);
  if (options.api !== false) {
    submitRoutes(app, runtime, slots);
    taskRoutes(app, runtime, slots);
    ticketRoutes(app, runtime);
    steerRoutes(app, runtime);
    eventRoutes(app, runtime, options, slots);
    completionRoutes(app, runtime, options, slots);
    groupRoutes(app, runtime);
    groupResultRoutes(app, runtime, options, slots);
    mapRoutes(app, runtime);
    flowRoutes(app, runtime);
    definitionRoutes(app, runtime);
    docsRoutes(app, runtime);
    clientRoutes(app);
  }
  app.notFound((c) => {
    const allowed = methodsAt(app, c.req.path);
    const problem = allowed.length > 0
      ? methodNotAllowed(c.req.method, c.req.path, allowed)
      : notFound(`nothing is at ${c.req.path}; /docs shows what is there`);
    return problemResponse(c, problem);
  });
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem) return problemResponse(c, problem);
    if (c.req.raw.signal.aborted) return problemResponse(c, clientClosed());
    const requestId = crypto.randomUUID();
    log.error(`request ${requestId} (${c.req.method} ${c.req.path}) failed`, error);
    return problemResponse(c, internal(requestId));
  });
  return app;
}
