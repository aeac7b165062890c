// A browser signs in: it shows a key, as any call does, and gets a cookie to show in its place.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { SCOPES } from "../../runtime/core/caller.ts";
import type { Sessions } from "../../auth/sessions.ts";
import { SESSION_MS } from "../../auth/sessions.ts";
import { isoAt, type Runtime } from "../../runtime/mod.ts";
import { callerOf } from "../access/guard.ts";
import { cookieOf, sessionIn } from "../access/session.ts";
import type { App } from "../http/app_types.ts";
import { jsonResponse } from "../http/json_response.ts";
import { ProblemError, unauthorized } from "../http/problem.ts";
import { jsonAnswer, noParameters, problems } from "../wire/schemas.ts";

const callerShape = once(() => ({
  name: z.string().nullable().describe("Of the key; null where calls need none."),
  tenant: z.string().nullable().describe("Null for the default tenant."),
  scopes: z.array(z.enum(SCOPES)),
  patterns: z.array(z.string()),
}));

const callerSchema = once(() => z.object(callerShape()).meta({ id: "CallerView" }));
const sessionSchema = once(() =>
  z.object({ ...callerShape(), expiresAt: z.iso.datetime() }).meta({ id: "Session" })
);

const noStore = { "cache-control": "no-store" };

export function sessionRoutes(app: App, { clock }: Runtime, sessions: Sessions): void {
  const look = createRoute({
    method: "get",
    path: "/v1/session",
    operationId: "getSession",
    summary: "Who calls, and what it may do",
    tags: ["keys"],
    responses: () => ({ 200: jsonAnswer(callerSchema(), "The caller"), ...problems(noParameters) }),
  });
  app.openapi(look, (c) => jsonResponse(JSON.stringify(callerView(callerOf(c))), 200, noStore));

  const begin = createRoute({
    method: "post",
    path: "/v1/session",
    operationId: "beginSession",
    summary: "Sign in: a cookie for the key in Authorization, good until it expires or its key ends",
    tags: ["keys"],
    responses: () => ({
      201: jsonAnswer(sessionSchema(), "The session, which is in the cookie", ["Set-Cookie"]),
      ...problems({ ...noParameters, 409: "Calls need no key here" }),
    }),
  });
  app.openapi(begin, async (c) => {
    const key = c.get("key");
    if (key === undefined) {
      const detail = "calls need no key here, and a page no session";
      throw new ProblemError({ status: 409, slug: "conflict", title: "Conflict", detail });
    }
    // A session makes no other one: it would never end.
    if (c.req.header("authorization") === undefined) {
      throw new ProblemError(
        unauthorized("a session begins with an API key: Authorization: Bearer <secret>"),
      );
    }
    const view = callerView(callerOf(c));
    c.set("audited", view.name ?? "");
    const expiresAt = isoAt(Math.min(clock.now() + SESSION_MS, key.until));
    const cookie = cookieOf(c, await sessions.begin(key.mark));
    return jsonResponse(JSON.stringify({ ...view, expiresAt }), 201, { ...noStore, "set-cookie": cookie });
  });

  const end = createRoute({
    method: "delete",
    path: "/v1/session",
    operationId: "endSession",
    summary: "Sign out: the session of this call opens nothing any more",
    tags: ["keys"],
    responses: () => ({
      204: {
        description: "It has ended",
        headers: { "Set-Cookie": { schema: { type: "string" as const } } },
      },
      ...problems(noParameters),
    }),
  });
  app.openapi(end, async (c) => {
    const session = sessionIn(c);
    c.set("audited", callerOf(c).name ?? "");
    if (session !== undefined && c.get("key") !== undefined) await sessions.end(session);
    return c.body(null, 204, { ...noStore, "set-cookie": cookieOf(c, null) });
  });
}

function callerView({ name, tenant, scopes, patterns }: ReturnType<typeof callerOf>) {
  return { name, tenant: tenant === "" ? null : tenant, scopes: [...scopes], patterns };
}
