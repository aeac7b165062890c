// The HTTP surface: all routes on one app, and what is the same for all of them. Knows the runtime, not KV.

import type { Context } from "hono";
import { FailedAttempts } from "../auth/failed_attempts.ts";
import { Sessions } from "../auth/sessions.ts";
import type { Runtime } from "../runtime/mod.ts";
import type { App, AppOptions } from "./http/app_types.ts";
import { auditRoutes } from "./v1/audit.ts";
import { clientRoutes } from "./site/client_bundle.ts";
import { corsRoutes } from "./access/cors.ts";
import { cancelTasksRoutes } from "./v1/cancel_tasks.ts";
import { completionRoutes } from "./v1/wait.ts";
import { definitionRoutes } from "./v1/definitions.ts";
import { docsRoutes } from "./site/docs.ts";
import { eventRoutes } from "./v1/task_events.ts";
import { flowRoutes } from "./v1/flows.ts";
import { groupResultRoutes } from "./v1/group_results.ts";
import { groupRoutes } from "./v1/groups.ts";
import { guardRoutes } from "./access/guard.ts";
import { answerHead, isHead } from "./http/head.ts";
import { Heartbeat } from "./http/heartbeat.ts";
import { pageRoutes } from "./site/page.ts";
import { healthRoutes } from "./site/health.ts";
import { metricsRoutes } from "./site/metrics.ts";
import { keyRoutes } from "./v1/keys.ts";
import { indexRoutes } from "./site/index.ts";
import { mapRoutes } from "./v1/map.ts";
import { methodsAt } from "./http/methods.ts";
import { createOperations } from "./http/operation.ts";
import { Pieces } from "./http/pieces.ts";
import { pathOf, prefixOf } from "./http/prefix.ts";
import {
  clientClosed,
  internal,
  methodNotAllowed,
  notFound,
  problemOf,
  problemResponse,
} from "./http/problem.ts";
import { scheduleActionRoutes } from "./v1/schedule_actions.ts";
import { scheduleRoutes } from "./v1/schedules.ts";
import { sessionRoutes } from "./v1/session.ts";
import { limitRoutes } from "./v1/limits.ts";
import { queueRoutes } from "./v1/queues.ts";
import { concurrencyRoutes } from "./v1/concurrency.ts";
import { quotaRoutes } from "./v1/quotas.ts";
import { pumpRoutes } from "./site/pump.ts";
import { Slots } from "./http/connection_limit.ts";
import { rerunRoutes } from "./v1/rerun.ts";
import { taskActionRoutes } from "./v1/task_actions.ts";
import { dependentRoutes } from "./v1/dependents.ts";
import { taskLogRoutes } from "./v1/task_logs.ts";
import { submitRoutes } from "./v1/submit.ts";
import { taskRoutes } from "./v1/tasks.ts";
import { statsRoutes } from "./v1/stats.ts";
import { ticketRoutes } from "./v1/tickets.ts";
import { bulkRoutes } from "./v1/bulk.ts";
import { transitionRoutes } from "./v1/events.ts";
import { workerRoutes } from "./v1/workers.ts";

/** What they hold together is bounded by their bytes. */
const LARGE = { most: 1_000, longestStuckMs: 60_000 };

export function createApp(runtime: Runtime, options: AppOptions): App {
  const { log, tickets, keys } = options;
  const app = createOperations();
  const { slots = new Slots(options.maxWaiting) } = options;
  const { corsOrigins = [], api: hasApi = true } = options;
  const sessions = new Sessions(tickets, runtime.clock);
  corsRoutes(app, corsOrigins);
  if (!options.openAccess) {
    const sources = {
      proxies: options.trustedProxies ?? null,
      attempts: new FailedAttempts(runtime.clock, log),
    };
    guardRoutes(app, {
      keys,
      tickets,
      sessions,
      origins: corsOrigins,
      sources,
      clock: runtime.clock,
      audit: options.audit,
    });
  }
  indexRoutes(app, hasApi);
  healthRoutes(app, runtime);
  metricsRoutes(app, runtime);
  if (options.pump) pumpRoutes(app, options.pump);
  if (hasApi) {
    const large = new Pieces(LARGE);
    submitRoutes(app, runtime, slots, large);
    taskRoutes(app, runtime, slots, large);
    ticketRoutes(app, runtime, tickets);
    taskActionRoutes(app, runtime, large);
    cancelTasksRoutes(app, runtime);
    rerunRoutes(app, runtime, large);
    bulkRoutes(app, runtime, large);
    taskLogRoutes(app, runtime, large);
    dependentRoutes(app, runtime, large);
    workerRoutes(app, runtime, large);
    statsRoutes(app, runtime, large);
    const streaming = { ...options, heartbeat: new Heartbeat(options.pingMs) };
    eventRoutes(app, runtime, streaming, slots);
    transitionRoutes(app, runtime, streaming, slots);
    completionRoutes(app, runtime, streaming, slots, large);
    groupRoutes(app, runtime, slots, large);
    groupResultRoutes(app, runtime, options, slots, large);
    mapRoutes(app, runtime, large);
    flowRoutes(app, runtime, large);
    scheduleRoutes(app, runtime, large);
    scheduleActionRoutes(app, runtime, large);
    definitionRoutes(app, runtime, large);
    queueRoutes(app, runtime);
    concurrencyRoutes(app, runtime);
    keyRoutes(app, runtime, keys, large);
    quotaRoutes(app, runtime, keys, slots);
    sessionRoutes(app, runtime, sessions);
    limitRoutes(app, runtime);
    if (options.audit) auditRoutes(app, options.audit, large);
    // One count for what is open to everybody.
    const pieces = new Pieces();
    docsRoutes(app, runtime, pieces);
    clientRoutes(app, pieces);
    pageRoutes(app, pieces);
  }
  app.notFound((c) => {
    const allowed = methodsAt(app, c.req.path);
    const problem = allowed.length > 0
      ? methodNotAllowed(isHead(c) ? "HEAD" : c.req.method, pathOf(c), allowed)
      : notFound(`nothing is at ${pathOf(c)}; ${whereElse(app, c, hasApi)}`);
    return problemResponse(c, problem);
  });
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem) return problemResponse(c, problem);
    if (c.req.raw.signal.aborted) return problemResponse(c, clientClosed());
    const requestId = crypto.randomUUID();
    log.error(`request ${requestId} (${c.req.method} ${pathOf(c)}) failed`, error);
    return problemResponse(c, internal(requestId));
  });
  answerHead(app);
  return app;
}

/** What to do about a path that is not there. */
function whereElse(app: App, c: Context, hasApi: boolean): string {
  const prefix = prefixOf(c);
  if (!hasApi) {
    return `this process is a worker (ROLE=worker): it runs tasks, and answers ${prefix}/healthz, ${prefix}/readyz and ${prefix}/metrics only`;
  }
  const versioned = `/v1${c.req.path}`;
  if (methodsAt(app, versioned).length > 0) return `did you mean ${prefix}${versioned}?`;
  return `${prefix}/docs shows what is there`;
}
