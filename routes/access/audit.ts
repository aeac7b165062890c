// Which calls are noted: those that have changed something, and those that were refused.

import type { Context } from "hono";
import type { AuditLog } from "../../auth/audit_log.ts";
import type { CallRules } from "./call_rules.ts";
import { sourceOf, type Sources } from "./sources.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** What the call has concerned, where neither its path nor its Location says it. */
    audited?: string;
  }
}

const CHANGES = ["POST", "PUT", "PATCH", "DELETE"];
/** Of these, some change nothing. */
const LOOKS = ["POST /v1/wait", "POST /v1/as-completed", "POST /v1/schedules/preview"];
const REFUSED = [401, 403, 429];
/** Changes of what is not there, or another tenant's. */
const MISSED = 404;

/** @param status of the answer */
export function noteCall(
  c: Context,
  { action, named }: CallRules,
  status: number,
  log: AuditLog,
  { proxies }: Sources,
): void {
  if (!isNoted(c.req.method, status)) return;
  if (action !== null && LOOKS.includes(action) && status < 400) return;
  const caller = c.get("key")?.caller;
  log.note({
    by: caller?.name ?? null,
    tenant: caller?.tenant ?? "",
    from: sourceOf(c, proxies),
    action: action ?? `${c.req.method} (nothing)`,
    status,
    which: c.get("audited") ?? namedIn(c, named),
  });
}

function isNoted(method: string, status: number): boolean {
  if (REFUSED.includes(status)) return true;
  return (status < 400 || status === MISSED) && CHANGES.includes(method);
}

function namedIn(c: Context, named: readonly number[]): string {
  const { path } = c.req;
  if (named.length > 0) {
    const parts = path.split("/");
    return named.map((i) => parts[i]).join("/");
  }
  const location = c.res.headers.get("location");
  return location === null ? path : location.slice(location.lastIndexOf("/") + 1);
}
