// Who may call what: every route has its line here. A route without one is refused.

import type { Scope } from "../../runtime/core/caller.ts";
import { withoutSlash } from "../http/prefix.ts";

/** Scopes that a key must hold, all of them; none: any key will do; or open to everybody. */
export type Needs = "open" | readonly Scope[];

/** By method and path, as the routes spell them. */
export const ACCESS: Readonly<Record<string, Needs>> = {
  "GET /": "open",
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /openapi.json": "open",
  "GET /docs": "open",
  "GET /docs/:asset": "open",
  "GET /client/:name{.+}": "open",
  "GET /page/:name": "open",
  // It asks for a ticket of its own.
  "POST /internal/pump": "open",

  // Counts, and names of definitions and queues: for Prometheus.
  "GET /metrics": ["read"],

  // Their answers show no more than what was sent: a submit waits for a result only if its key may read.
  "POST /v1/tasks": ["submit"],
  "POST /v1/tasks/batch": ["submit"],
  "POST /v1/map": ["submit"],
  "POST /v1/flows": ["submit"],

  "GET /v1/tasks": ["read"],
  "GET /v1/tasks/:id": ["read"],
  "GET /v1/tasks/:id/result": ["read"],
  "GET /v1/tasks/:id/events": ["read"],
  "GET /v1/tasks/:id/logs": ["read"],
  "GET /v1/tasks/:id/dependents": ["read"],
  "GET /v1/groups": ["read"],
  "GET /v1/groups/:id": ["read"],
  "GET /v1/groups/:id/results": ["read"],
  "GET /v1/as-completed": ["read"],
  "POST /v1/as-completed": ["read"],
  "POST /v1/wait": ["read"],
  "GET /v1/definitions": ["read"],
  "GET /v1/queues": ["read"],
  "GET /v1/queues/:name": ["read"],
  "GET /v1/workers": ["read"],
  "GET /v1/stats": ["read"],
  "GET /v1/events": ["read"],
  // A ticket is a part of what its maker may read, for a while.
  "POST /v1/tickets": ["read"],

  // What a schedule submits runs as whoever wrote it.
  "GET /v1/schedules": ["read"],
  "GET /v1/schedules/:name": ["read"],
  "POST /v1/schedules/preview": ["read"],
  "PUT /v1/schedules/:name": ["operate"],
  "PATCH /v1/schedules/:name": ["operate"],
  "DELETE /v1/schedules/:name": ["operate"],
  "POST /v1/schedules/:name/pause": ["operate"],
  "POST /v1/schedules/:name/resume": ["operate"],
  "POST /v1/schedules/:name/trigger": ["operate"],
  "POST /v1/schedules/:name/backfill": ["operate"],

  // These make something, and their answers show what others have sent: the input of the task, the states of
  // the group's tasks.
  "POST /v1/tasks/:id/retry": ["submit", "read"],
  "POST /v1/tasks/:id/rerun": ["submit", "read"],
  "POST /v1/groups": ["submit", "read"],

  "POST /v1/tasks/:id/cancel": ["cancel"],
  "POST /v1/tasks/cancel": ["cancel"],
  "POST /v1/groups/:id/cancel": ["cancel"],

  // What is cancelled can be run again. What is deleted is gone for good. To clean up, `retentionMs` is
  // enough.
  "DELETE /v1/tasks/:id": ["admin"],

  // Its route asks for admin where it deletes.
  "POST /v1/bulk": ["operate"],

  "PUT /v1/queues/:name": ["operate"],
  "PUT /v1/definitions/:name/concurrency": ["operate"],
  "POST /v1/queues/:name/pause": ["operate"],
  "POST /v1/queues/:name/resume": ["operate"],
  "POST /v1/definitions/:name/pause": ["operate"],
  "POST /v1/definitions/:name/resume": ["operate"],
  "POST /v1/pause": ["operate"],
  "POST /v1/resume": ["operate"],

  "GET /v1/keys": ["admin"],
  "POST /v1/keys": ["admin"],
  "POST /v1/keys/:id/rotate": ["admin"],
  "DELETE /v1/keys/:id": ["admin"],

  // What a key itself uses, whatever it may do; and what a browser has in its place.
  "GET /v1/usage": [],
  "GET /v1/session": [],
  "POST /v1/session": [],
  "DELETE /v1/session": [],
  "GET /v1/audit": ["admin"],
  "GET /v1/limits": ["read"],
  "GET /v1/limits/:key": ["read"],
  "PUT /v1/limits/:key": ["operate"],
  "DELETE /v1/limits/:key": ["operate"],
  "GET /v1/quotas": ["admin"],
  "PUT /v1/quotas/:kind/:name": ["admin"],
  "DELETE /v1/quotas/:kind/:name": ["admin"],
};

/** Paths of the streams, all GET, that a ticket opens in place of a key. */
export const STREAMS = ["/v1/tasks/:id/events", "/v1/as-completed", "/v1/events"];

/** What a ticket for a stream opens, by the stream's own URL: also the same stream from another place on. */
export function purposeOf(stream: URL): string {
  const query = new URLSearchParams(stream.search);
  query.delete("ticket");
  query.delete("after");
  return `stream ${withoutSlash(stream.pathname)}?${query}`;
}
