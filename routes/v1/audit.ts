// GET /v1/audit: who did what, and what was refused.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { TENANT, TENANT_RULE } from "../../auth/api_keys.ts";
import { type AuditLog, auditView } from "../../auth/audit_log.ts";
import { callerOf } from "../access/guard.ts";
import type { Pieces } from "../http/pieces.ts";
import { forbidden, ProblemError } from "../http/problem.ts";
import { wholeQuery } from "../wire/query.ts";
import { jsonAnswer, problems } from "../wire/schemas.ts";
import type { App } from "../http/app_types.ts";

const MOST = 200;
const DEFAULT = 50;

const instant = once(() => z.iso.datetime());
const entrySchema = once(() =>
  z.object({
    id: z.string(),
    at: instant().describe("Of the first call."),
    until: instant().describe("Of the last one: calls of a second that are alike are one entry."),
    by: z.string().nullable().describe("The name of the key. Null: none was shown, or no right one."),
    tenant: z.string().nullable().describe("Null for the default tenant."),
    from: z.string().nullable().describe("The address that it came from, where it is known."),
    action: z.string().describe("As POST /v1/tasks/:id/cancel."),
    status: z.int(),
    refused: z.boolean(),
    calls: z.int(),
    which: z.array(z.string()).describe("What the calls have concerned; of refused ones the first few."),
  }).meta({ id: "AuditEntry" })
);

export function auditRoutes(app: App, audit: AuditLog, pieces: Pieces): void {
  const list = createRoute({
    method: "get",
    path: "/v1/audit",
    operationId: "listAudit",
    summary: "Who did what, and what was refused, newest first",
    tags: ["keys"],
    request: () => ({
      query: strictObject({
        tenant: z.string().regex(TENANT, { error: TENANT_RULE }).optional()
          .describe("Whose. Default: that of the key that asks."),
        limit: wholeQuery(1, MOST).optional().describe(`Default ${DEFAULT}.`),
        cursor: z.string().regex(/^[0-9a-z-]{1,40}$/, { error: "must be the nextCursor of a page" })
          .optional()
          .describe("`nextCursor` of the page before."),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ entries: z.array(entrySchema()), nextCursor: z.string().nullable() }).meta({
          id: "Audit",
        }),
        "A page of it",
      ),
      ...problems({ 422: "See errors" }),
    }),
  });
  app.openapi(list, async (c) => {
    const caller = callerOf(c);
    const { tenant = caller.tenant, limit = DEFAULT, cursor } = c.req.valid("query");
    if (caller.tenant !== "" && tenant !== caller.tenant) {
      throw new ProblemError(forbidden(`the key "${caller.name}" sees the audit of its own tenant`));
    }
    // What was done here just now is there at once; of other processes a second later.
    await audit.flush();
    const entries = await audit.list(tenant, limit, cursor);
    const nextCursor = entries.length === limit ? entries[limit - 1].id : null;
    const text = JSON.stringify({ entries: entries.map(auditView), nextCursor });
    return pieces.json(c, text, 200, { "cache-control": "no-store" });
  });
}
