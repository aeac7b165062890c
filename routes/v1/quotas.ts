// What callers use and may use, and the quotas that say so.

import { z } from "zod";
import type { Context } from "hono";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { type Caller, holds } from "../../runtime/core/caller.ts";
import { ValidationError } from "../../runtime/core/errors.ts";
import { isoAt, type Runtime } from "../../runtime/mod.ts";
import {
  type Counted,
  type QuotaName,
  QUOTAS,
  type Quotas,
  type SharedOut,
  type Usage,
} from "../../runtime/core/usage.ts";
import { isName, NAME_RULE, TENANT, TENANT_RULE } from "../../auth/api_keys.ts";
import type { KeyRing } from "../../auth/key_ring.ts";
import type { QuotaRule } from "../../auth/quota_store.ts";
import { callerOf, usagesOf } from "../access/guard.ts";
import type { Arrival } from "../http/arrival.ts";
import { jsonBody } from "../http/body.ts";
import type { Slots } from "../http/connection_limit.ts";
import { jsonResponse } from "../http/json_response.ts";
import { forbidden, notFound, ProblemError } from "../http/problem.ts";
import { bodyProblems, jsonAnswer, noParameters, problems } from "../wire/schemas.ts";
import type { App } from "../http/app_types.ts";

const MEANINGS: Record<QuotaName, string> = {
  requestsPerSecond: "Requests a second, for each process. As many may come at once.",
  queued: "Tasks that wait for a worker, in all processes.",
  running: "Functions that run, for each process.",
  waiting: "Streams and waits that are open, for each process.",
  bodyBytes: "Bytes of bodies in memory, for each process.",
  storedBytes: "Bytes of its tasks in the database. Counted only where a quota bounds them.",
};
const MOST = Number.MAX_SAFE_INTEGER;

const quotasShape = once(() =>
  Object.fromEntries(
    QUOTAS.map((name) => [
      name,
      z.int().min(1).max(name === "requestsPerSecond" ? 1_000_000 : MOST).optional()
        .describe(MEANINGS[name]),
    ]),
  ) as Record<QuotaName, z.ZodOptional<z.ZodInt>>
);
const quotasSchema = once(() => strictObject(quotasShape()).meta({ id: "Quotas" }));

const who = once(() => ({
  kind: z.enum(["key", "tenant"]),
  name: z.string().describe("Of the key, or of the tenant."),
  tenant: z.string().nullable().describe("Of the key. Null for the default tenant."),
}));
const ruleSchema = once(() =>
  z.object({
    ...who(),
    quotas: quotasSchema(),
    changedAt: z.iso.datetime(),
    changedBy: z.string().nullable(),
  }).meta({ id: "Quota" })
);

const used = once(() =>
  z.object({
    used: z.int().nullable().describe("Null: not counted."),
    limit: z.int().nullable().describe("Null: none."),
  })
);
const usageSchema = once(() =>
  z.object({
    ...who(),
    ...Object.fromEntries(QUOTAS.map((name) => [name, used().describe(MEANINGS[name])])),
  }).meta({ id: "Usage" })
);

const params = once(() => z.object({ kind: who().kind, name: z.string().min(1).max(40) }));
const query = once(() =>
  strictObject({
    tenant: z.string().regex(TENANT, { error: TENANT_RULE }).optional()
      .describe("Of the key. Default: that of the key that asks."),
  })
);

export function quotaRoutes(app: App, runtime: Runtime, keys: KeyRing, slots: Slots): void {
  const usage = createRoute({
    method: "get",
    path: "/v1/usage",
    operationId: "getUsage",
    summary: "What the caller uses of the service, and may use; with admin, what all do",
    tags: ["keys"],
    responses: () => ({
      200: jsonAnswer(
        z.object({ usage: z.array(usageSchema()) }).meta({ id: "UsageList" }),
        "By key and tenant",
      ),
      ...problems(noParameters),
    }),
  });
  app.openapi(usage, async (c) => {
    const told = seenBy(callerOf(c), usagesOf(c), keys.callers.all);
    await runtime.countQueued();
    const bounded = told.filter((one) => one.quota("storedBytes") !== undefined);
    for (const tenant of new Set(bounded.map(({ of }) => of.tenant))) await runtime.countStored(tenant);
    const alls: Alls = {
      queued: runtime.maxQueued,
      running: runtime.concurrency,
      waiting: slots.most,
      bodyBytes: (c.env as Arrival | undefined)?.bodies?.mostBytes,
    };
    const now = runtime.clock.monotonic();
    const text = JSON.stringify({ usage: told.map((one) => usageView(one, alls, now)) });
    return jsonResponse(text, 200, { "cache-control": "no-store" });
  });

  const list = createRoute({
    method: "get",
    path: "/v1/quotas",
    operationId: "listQuotas",
    summary: "The quotas that were set",
    tags: ["keys"],
    responses: () => ({
      200: jsonAnswer(z.object({ quotas: z.array(ruleSchema()) }).meta({ id: "QuotaList" }), "All quotas"),
      ...problems(noParameters),
    }),
  });
  app.openapi(list, async (c) => {
    const { tenant } = callerOf(c);
    const rules = (await keys.quotas.list()).filter((rule) => tenant === "" || rule.tenant === tenant);
    return jsonResponse(JSON.stringify({ quotas: rules.map(ruleView) }), 200, {
      "cache-control": "no-store",
    });
  });

  const put = createRoute({
    method: "put",
    path: "/v1/quotas/{kind}/{name}",
    operationId: "setQuotas",
    summary: "Say how much a key or a tenant may use; it holds within a second in every process",
    tags: ["keys"],
    middleware: jsonBody({ limitBytes: 16 * 1024 }),
    request: () => ({
      params: params(),
      query: query(),
      body: { required: true, content: { "application/json": { schema: quotasSchema() } } },
    }),
    responses: () => ({
      200: jsonAnswer(ruleSchema(), "What holds now; what is left out is as without quotas"),
      ...problems({ ...bodyProblems, 409: "There are too many" }),
    }),
  });
  app.openapi(put, async (c) => {
    const of = countedIn(c, c.req.valid("param"), c.req.valid("query").tenant, keys);
    const rule = await keys.quotas.set(of, c.req.valid("json") as Quotas, callerOf(c).name);
    await keys.look();
    return jsonResponse(JSON.stringify(ruleView(rule)), 200, { "cache-control": "no-store" });
  });

  const remove = createRoute({
    method: "delete",
    path: "/v1/quotas/{kind}/{name}",
    operationId: "removeQuotas",
    summary: "Take the quotas of a key or a tenant away",
    tags: ["keys"],
    request: () => ({ params: params(), query: query() }),
    responses: () => ({
      204: { description: "Gone" },
      ...problems({ 404: "There are none", 422: "See errors" }),
    }),
  });
  app.openapi(remove, async (c) => {
    const of = countedIn(c, c.req.valid("param"), c.req.valid("query").tenant, keys);
    if (!await keys.quotas.remove(of)) {
      throw new ProblemError(notFound(`no quotas were set for the ${of.kind} ${of.name}`));
    }
    await keys.look();
    return c.body(null, 204);
  });
}

/** What all callers together may have, where that is limited. */
type Alls = Partial<Record<SharedOut, number>>;

/** Whom a call names, if its caller may say how much that one uses. */
function countedIn(
  c: Context,
  { kind, name }: { kind: Counted["kind"]; name: string },
  wanted: string | undefined,
  keys: KeyRing,
): Counted {
  const caller = callerOf(c);
  if (!keys.isLocked) {
    throw new ProblemError(forbidden("without API keys callers are not told apart, and have no quotas"));
  }
  const isOk = kind === "key" ? isName(name) : TENANT.test(name);
  if (!isOk) throw wrongName(kind);
  if (kind === "tenant" && caller.tenant !== "") {
    throw new ProblemError(forbidden("the quotas of a tenant are set by a key of the default tenant"));
  }
  const tenant = kind === "tenant" ? name : wanted ?? caller.tenant;
  if (caller.tenant !== "" && tenant !== caller.tenant) {
    throw new ProblemError(forbidden(`the key "${caller.name}" sets quotas for keys of its own tenant`));
  }
  return { kind, name, tenant };
}

function wrongName(kind: Counted["kind"]): ValidationError {
  const message = kind === "key" ? NAME_RULE : TENANT_RULE;
  return new ValidationError([{ pointer: "/path/name", message }]);
}

function seenBy(caller: Caller, own: readonly Usage[], all: readonly Usage[]): readonly Usage[] {
  if (!holds(caller, "admin")) return own;
  return all.filter(({ of }) => caller.tenant === "" || of.tenant === caller.tenant);
}

function usageView(usage: Usage, alls: Alls, now: number) {
  const { rate } = usage;
  const stored = usage.quota("storedBytes");
  const limitOf = (what: keyof Alls) => {
    const all = alls[what];
    return all === undefined ? null : usage.most(what, all);
  };
  return {
    ...whoView(usage.of),
    requestsPerSecond: rate === null
      ? { used: 0, limit: null }
      : { used: rate.perSecond - rate.left(now), limit: rate.perSecond },
    queued: { used: usage.queued, limit: limitOf("queued") },
    running: { used: usage.running, limit: limitOf("running") },
    waiting: { used: usage.waiting, limit: limitOf("waiting") },
    bodyBytes: { used: usage.bodyBytes, limit: limitOf("bodyBytes") },
    storedBytes: stored === undefined
      ? { used: null, limit: null }
      : { used: usage.storedBytes, limit: stored },
  };
}

function ruleView({ quotas, changedAt, changedBy, ...of }: QuotaRule) {
  return { ...whoView(of), quotas, changedAt: isoAt(changedAt), changedBy };
}

function whoView({ kind, name, tenant }: Counted) {
  return { kind, name, tenant: kind === "tenant" || tenant === "" ? null : tenant };
}
