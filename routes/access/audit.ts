// Which calls are noted: those that have changed something, and those that were refused.

import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import type { AuditLog } from "../../auth/audit_log.ts";
import { EVERYTHING } from "../http/methods.ts";
import { sourceOf, type Sources } from "./sources.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** What the call has concerned, where neither its path nor its Location says it. */
    audited?: string;
  }
}

const CHANGES = ["POST", "PUT", "PATCH", "DELETE"];
/** Of these, some change nothing. */
const LOOKS = ["POST /v1/wait", "POST /v1/as-completed"];
const REFUSED = [401, 403, 429];
/** Changes of what is not there, or another tenant's. */
const MISSED = 404;

/** @param status of the answer */
export function noteCall(c: Context, status: number, log: AuditLog, { proxies }: Sources): void {
  const isChange = CHANGES.includes(c.req.method);
  if (!(REFUSED.includes(status) || isChange && (status < 400 || status === MISSED))) return;
  const pattern = matchedRoutes(c).findLast(({ path }) => path !== EVERYTHING)?.path;
  const action = `${c.req.method} ${pattern ?? "(nothing)"}`;
  if (LOOKS.includes(action) && status < 400) return;
  const caller = c.get("key")?.caller;
  log.note({
    by: caller?.name ?? null,
    tenant: caller?.tenant ?? "",
    from: sourceOf(c, proxies),
    action,
    status,
    which: c.get("audited") ?? namedIn(c, pattern),
  });
}

function namedIn(c: Context, pattern = ""): string {
  const { path } = c.req;
  const parts = path.split("/");
  const named = pattern.split("/").flatMap((part, i) => part.startsWith(":") ? [parts[i]] : []);
  if (named.length > 0) return named.join("/");
  const location = c.res.headers.get("location");
  return location === null ? path : location.slice(location.lastIndexOf("/") + 1);
}
