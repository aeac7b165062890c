// The connection that a request came in on. Only where the service itself listens is there one that can be
// cut; elsewhere it is for the server before it.

import type { Context } from "hono";
import type { Arrival, ConnectionPort } from "./arrival.ts";

export function connectionOf(c: Context): ConnectionPort | undefined {
  return (c.env as Arrival | undefined)?.connection;
}
