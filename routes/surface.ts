// What every route is given: the app to stand on, and what holds for all of them.

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Log } from "../runtime/log.ts";

export type App = OpenAPIHono;

export interface AppOptions {
  log: Log;
  /** Milliseconds between comments on an idle stream: 15,000, or 5,000 on Deno Deploy. */
  pingMs: number;
  /** Streams and waits that may be open at once. Default 10,000. */
  maxWaiting?: number;
  /** False: health checks only. */
  api?: boolean;
}
