// GET /metrics: the numbers of this process and of the service, for Prometheus.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import type { Runtime } from "../../runtime/mod.ts";
import { viewOf } from "../access/guard.ts";
import type { App } from "../http/app_types.ts";
import { NOSNIFF } from "../http/safe_headers.ts";
import { problems } from "../wire/schemas.ts";

const TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function metricsRoutes(app: App, runtime: Runtime): void {
  const route = createRoute({
    method: "get",
    path: "/metrics",
    operationId: "metrics",
    summary: "Counters, gauges and durations, as Prometheus reads them",
    tags: ["service"],
    responses: () => ({
      200: {
        description: "Counters and durations of this process; gauges of tasks, queues and workers of all",
        content: { "text/plain": { schema: z.string() } },
      },
      ...problems({ 403: "The key lacks `read`" }),
    }),
  });
  app.openapi(route, async (c) => {
    const families = await viewOf(c, runtime).operation.metrics();
    const { expositionOf } = await import("./prometheus.ts");
    const headers = { ...NOSNIFF, "content-type": TYPE, "cache-control": "no-store" };
    return c.text(expositionOf(families), 200, headers);
  });
}
