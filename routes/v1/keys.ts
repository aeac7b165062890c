// API keys of the database: make, list, give a new secret, revoke.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { instantText } from "../../runtime/core/instant.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { type Caller, SCOPES } from "../../runtime/core/caller.ts";
import { ValidationError } from "../../runtime/core/errors.ts";
import { isoAt, type Runtime } from "../../runtime/mod.ts";
import {
  faultOfKey,
  isName,
  NAME_RULE,
  PATTERN,
  PATTERN_RULE,
  TENANT,
  TENANT_RULE,
} from "../../auth/api_keys.ts";
import type { KeyRing } from "../../auth/key_ring.ts";
import { auditNameOf, type KeyRecord, type MadeKey } from "../../auth/key_store.ts";
import { callerOf, isOwnCall } from "../access/guard.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { forbidden, ProblemError } from "../http/problem.ts";
import { bodyProblems, jsonAnswer, noParameters, problems } from "../wire/schemas.ts";
import type { App } from "../http/app_types.ts";

const MOST_PATTERNS = 20;
const LONGEST_GRACE_SECONDS = 7 * 24 * 60 * 60;

const scopes = once(() => z.array(z.enum(SCOPES)).min(1).max(SCOPES.length));
const name = once(() => z.string().refine(isName, { error: NAME_RULE }).meta({ pattern: "^[\\w.-]{1,40}$" }));

const newKeySchema = once(() =>
  strictObject({
    name: name().describe("Who will use it. Idempotency keys belong to the name."),
    scopes: scopes(),
    tenant: z.string().regex(TENANT, { error: TENANT_RULE }).optional()
      .describe("The key knows this tenant's tasks alone. Default: that of the key that makes it."),
    patterns: z.array(z.string().regex(PATTERN, { error: PATTERN_RULE })).max(MOST_PATTERNS).optional()
      .describe("Of these tasks alone: task:resize*, queue:gpu. Default: all."),
    expiresAt: instantText().optional().describe("Default: never."),
  }).meta({ id: "NewKey" })
);

const instant = once(() => z.iso.datetime());
const keyShape = once(() => ({
  id: z.uuid().nullable().describe("Null for a key of API_KEYS."),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  tenant: z.string().nullable().describe("Null for the default tenant."),
  patterns: z.array(z.string()),
  source: z.enum(["database", "environment"]),
  createdAt: instant().nullable(),
  createdBy: z.string().nullable().describe("The key that made it."),
  rotatedAt: instant().nullable(),
  expiresAt: instant().nullable(),
  lastUsedAt: instant().nullable().describe("By the hour."),
}));
const keySchema = once(() => z.object(keyShape()).meta({ id: "Key" }));
const madeSchema = once(() =>
  z.object({ ...keyShape(), secret: z.string().describe("Shown this once.") }).meta({
    id: "MadeKey",
  })
);

const idParams = once(() => z.object({ id: z.uuid().toLowerCase() }));
const unknown = { 404: "Unknown, or of another tenant", 422: "The id is no UUID" };

export function keyRoutes(app: App, { clock }: Runtime, keys: KeyRing, pieces: Pieces): void {
  const list = createRoute({
    method: "get",
    path: "/v1/keys",
    operationId: "listKeys",
    summary: "API keys, without their secrets",
    tags: ["keys"],
    responses: () => ({
      200: jsonAnswer(z.object({ keys: z.array(keySchema()) }).meta({ id: "KeyList" }), "All keys"),
      ...problems(noParameters),
    }),
  });
  app.openapi(list, async (c) => {
    const caller = callerOf(c);
    const { records } = await keys.store.list();
    const uses = await keys.store.uses();
    const told = records.filter((record) => caller.tenant === "" || record.tenant === caller.tenant)
      .map((record) => keyView(record, uses.get(record.id)));
    const own = caller.tenant === "" ? keys.ownKeys.map(ownView) : [];
    return pieces.json(c, JSON.stringify({ keys: [...own, ...told] }), 200, { "cache-control": "no-store" });
  });

  const make = createRoute({
    method: "post",
    path: "/v1/keys",
    operationId: "makeKey",
    summary: "Make an API key; its secret is shown this once",
    tags: ["keys"],
    middleware: jsonBody({ limitBytes: 16 * 1024 }),
    request: () => ({
      body: { required: true, content: { "application/json": { schema: newKeySchema() } } },
    }),
    responses: () => ({
      201: jsonAnswer(madeSchema(), "The key", ["Location"]),
      ...problems({ ...bodyProblems, 409: "A key of this name is there, or there are too many" }),
    }),
  });
  app.openapi(make, async (c) => {
    const caller = callerOf(c);
    if (!keys.isLocked && !isOwnCall(c)) throw new ProblemError(noFirstKey());
    const { name, scopes, patterns = [], expiresAt, tenant = caller.tenant } = c.req.valid("json");
    requireOwn(caller, tenant);
    const fault = faultOfKey({ scopes, patterns });
    if (fault) throw new ValidationError([fault]);
    if (tenant === "" && keys.ownKeys.some((own) => own.name === name)) {
      throw new ValidationError([{
        pointer: "/name",
        message: `must not be that of a key of API_KEYS; it is "${name}"`,
      }]);
    }
    const until = expiresAt === undefined ? null : Date.parse(expiresAt);
    if (until !== null && until <= clock.now()) {
      throw new ValidationError([{
        pointer: "/expiresAt",
        message: `must lie in the future; it is ${expiresAt}`,
      }]);
    }
    const made = await keys.store.make({
      name,
      scopes: [...new Set(scopes)],
      ...(tenant !== "" && { tenant }),
      ...(patterns.length > 0 && { patterns }),
      createdBy: caller.name,
      expiresAt: until,
    });
    c.set("audited", auditNameOf(made.record));
    await keys.look();
    const location = `${prefixOf(c)}/v1/keys/${made.record.id}`;
    return jsonResponse(madeText(made), 201, { location, "cache-control": "no-store" });
  });

  const rotate = createRoute({
    method: "post",
    path: "/v1/keys/{id}/rotate",
    operationId: "rotateKey",
    summary: "Give a key a new secret",
    tags: ["keys"],
    middleware: jsonBody({ limitBytes: 16 * 1024, optional: true }),
    request: () => ({
      params: idParams(),
      body: {
        content: {
          "application/json": {
            schema: strictObject({
              graceSeconds: z.int().min(0).max(LONGEST_GRACE_SECONDS).optional()
                .describe("How long the former secret is good, too. Default 0."),
            }).meta({ id: "RotateKey" }),
          },
        },
      },
    }),
    responses: () => ({
      201: jsonAnswer(madeSchema(), "The key, with its new secret"),
      ...problems({ ...bodyProblems, ...unknown }),
    }),
  });
  app.openapi(rotate, async (c) => {
    const { graceSeconds = 0 } = c.req.valid("json");
    const made = await keys.store.rotate(
      c.req.valid("param").id,
      tenantOf(callerOf(c)),
      graceSeconds * 1_000,
    );
    c.set("audited", auditNameOf(made.record));
    await keys.look();
    return jsonResponse(madeText(made), 201, { "cache-control": "no-store" });
  });

  const revoke = createRoute({
    method: "delete",
    path: "/v1/keys/{id}",
    operationId: "revokeKey",
    summary: "Revoke a key: a second later it opens nothing, and what it has opened is closed",
    tags: ["keys"],
    request: () => ({ params: idParams() }),
    responses: () => ({ 204: { description: "Revoked" }, ...problems(unknown) }),
  });
  app.openapi(revoke, async (c) => {
    const revoked = await keys.store.revoke(c.req.valid("param").id, tenantOf(callerOf(c)));
    c.set("audited", auditNameOf(revoked));
    await keys.look();
    return c.body(null, 204);
  });
}

/** Whose keys the caller may change: null for any tenant's. */
function tenantOf({ tenant }: Caller): string | null {
  return tenant === "" ? null : tenant;
}

function noFirstKey() {
  return forbidden(
    "keys are made with a key, and this service has none: give it one in API_KEYS (deno task key), or make the first " +
      "one in its database (deno task keys)",
  );
}

function requireOwn(caller: Caller, tenant: string): void {
  if (caller.tenant === "" || caller.tenant === tenant) return;
  const detail =
    `the key "${caller.name}" makes keys of its own tenant, ${caller.tenant}; this one would be of ${tenant}`;
  throw new ProblemError(forbidden(detail));
}

function madeText({ record, secret }: MadeKey): string {
  return JSON.stringify({ ...keyView(record), secret });
}

function keyView(record: KeyRecord, usedAt?: number) {
  const { id, name, scopes, tenant = null, patterns = [], createdAt, createdBy, rotatedAt, expiresAt } =
    record;
  return {
    id,
    name,
    scopes,
    tenant,
    patterns,
    source: "database",
    createdAt: isoAt(createdAt),
    createdBy,
    rotatedAt: instantOf(rotatedAt),
    expiresAt: instantOf(expiresAt),
    lastUsedAt: instantOf(usedAt),
  };
}

function ownView({ name, scopes }: Caller) {
  const never = { createdAt: null, createdBy: null, rotatedAt: null, expiresAt: null, lastUsedAt: null };
  return { id: null, name, scopes: [...scopes], tenant: null, patterns: [], source: "environment", ...never };
}

function instantOf(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : isoAt(at);
}
