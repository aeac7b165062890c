// Health checks: whether the process answers, and whether its database does.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import type { Runtime } from "../../runtime/mod.ts";
import type { App } from "../http/app_types.ts";
import { ProblemError, unavailable } from "../http/problem.ts";
import { NOSNIFF } from "../http/safe_headers.ts";
import { jsonAnswer, problems } from "../wire/schemas.ts";

const status = once(() => z.object({ status: z.literal("ok") }).meta({ id: "Health" }));
const LONGEST_PING_MS = 2_000;

export function healthRoutes(app: App, runtime: Runtime): void {
  const healthz = createRoute({
    method: "get",
    path: "/healthz",
    operationId: "healthz",
    summary: "The process answers",
    tags: ["service"],
    responses: () => ({ 200: jsonAnswer(status(), "It does") }),
  });
  app.openapi(healthz, (c) => c.json({ status: "ok" as const }, 200, NOSNIFF));

  const readyz = createRoute({
    method: "get",
    path: "/readyz",
    operationId: "readyz",
    summary: "The database takes writes: one is tried, at most once a second",
    tags: ["service"],
    responses: () => ({ 200: jsonAnswer(status(), "It does"), ...problems({ 503: "It does not" }) }),
  });
  app.openapi(readyz, async (c) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), LONGEST_PING_MS));
    const answers = await Promise.race([runtime.ping().then(() => true, () => false), late]);
    clearTimeout(timer);
    if (answers) return c.json({ status: "ok" as const }, 200, NOSNIFF);
    throw new ProblemError(unavailable("the database takes no writes, or does not answer"));
  });
}
