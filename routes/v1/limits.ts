// Limits by key: the rules that operators set, and how far each limit is used.

import { z } from "zod";
import type { Context } from "hono";
import { createRoute } from "../http/operation.ts";
import type { Caller } from "../../runtime/core/caller.ts";
import { NotFoundError } from "../../runtime/core/errors.ts";
import { limitKeySchema, periodSchema, slotsSchema, unitsSchema } from "../../runtime/core/limit_options.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { isoAt, type LimitRule, type LimitStatus, type Runtime } from "../../runtime/mod.ts";
import { callerOf } from "../access/guard.ts";
import { jsonBody } from "../http/body.ts";
import { jsonResponse } from "../http/json_response.ts";
import { forbidden, ProblemError } from "../http/problem.ts";
import { wholeQuery } from "../wire/query.ts";
import { bodyProblems, jsonAnswer, noParameters, problems } from "../wire/schemas.ts";
import type { App } from "../http/app_types.ts";

const MOST_PER_PAGE = 200;
const DEFAULT_PER_PAGE = 50;
const LONGEST_NOTE = 200;

const rate = once(() => ({
  limit: unitsSchema().describe("Units in a period; a start takes one unless its task says otherwise."),
  periodMs: periodSchema(),
}));

const ruleSaid = once(() =>
  strictObject({
    concurrency: slotsSchema().optional().describe(
      "At most so many tasks with one key at once; 0 holds all.",
    ),
    rateLimit: strictObject({
      ...rate(),
      burst: unitsSchema().optional().describe("So many units at once after a pause. Default 1."),
    }).optional(),
    note: z.string().max(LONGEST_NOTE).optional(),
  }).refine(({ concurrency, rateLimit }) => concurrency !== undefined || rateLimit !== undefined, {
    error: "a rule says concurrency, rateLimit, or both",
  }).meta({
    id: "LimitRuleSaid",
    anyOf: [
      { required: ["concurrency"], properties: { concurrency: {} } },
      { required: ["rateLimit"], properties: { rateLimit: {} } },
    ],
  })
);

const rateSchema = once(() => z.object({ ...rate(), burst: unitsSchema() }).nullable());

const ruleSchema = once(() =>
  z.object({
    pattern: z.string(),
    concurrency: z.int().nullable(),
    rateLimit: rateSchema(),
    note: z.string().nullable(),
    changedAt: z.iso.datetime(),
    changedBy: z.string().nullable(),
  }).meta({ id: "LimitRule" })
);

const limitSchema = once(() =>
  z.object({
    key: z.string(),
    running: z.int().describe("Tasks with a slot: they run, or wait for a worker only."),
    waiting: z.int().describe("Tasks that wait for a slot of it."),
    concurrency: z.int().nullable().describe("At most so many have a slot. Null: nothing says how many."),
    concurrencyRule: z.string().nullable()
      .describe("The pattern of the rule that says so. Null: the last submit does, or nobody."),
    rateLimit: rateSchema(),
    rateLimitRule: z.string().nullable(),
    nextStartAt: z.iso.datetime().nullable()
      .describe("When a start of one unit is due. Null: now, or nothing limits the rate."),
    rule: ruleSchema().nullable().describe("The rule with just this pattern."),
  }).meta({ id: "Limit" })
);

const used = once(() => limitSchema().omit({ rule: true }).meta({ id: "LimitInUse" }));

const params = once(() =>
  z.object({
    key: limitKeySchema().describe(
      "A key, or a pattern: `*` stands for any characters but `/`. URL-encoded.",
    ),
  })
);
const patternParams = once(() =>
  z.object({
    key: limitKeySchema().refine((pattern) => !pattern.includes("**"), {
      error: "must not have ** in it: * stands for any characters but /, and no pattern for every key; " +
        "a/* and a/*/* are two rules",
    }).describe("A key, or a pattern: `*` stands for any characters but `/`. URL-encoded."),
  })
);
const noStore = { "cache-control": "no-store" };

export function limitRoutes(app: App, runtime: Runtime): void {
  const list = createRoute({
    method: "get",
    path: "/v1/limits",
    operationId: "listLimits",
    summary: "All rules, and the limits in use, by key",
    tags: ["limits"],
    request: () => ({
      query: strictObject({
        limit: wholeQuery(1, MOST_PER_PAGE).optional().describe(`Default ${DEFAULT_PER_PAGE}.`),
        after: limitKeySchema().optional().describe("`nextAfter` of the page before."),
      }),
    }),
    responses: () => ({
      200: jsonAnswer(
        z.object({ rules: z.array(ruleSchema()), limits: z.array(used()), nextAfter: z.string().nullable() })
          .meta({ id: "LimitList" }),
        "The rules, and a page of the limits that were used in the last hour",
      ),
      ...problems({ 422: "See errors" }),
    }),
  });
  app.openapi(list, async (c) => {
    const { limit = DEFAULT_PER_PAGE, after } = c.req.valid("query");
    const view = runtime.for(callerOf(c));
    const [rules, limits] = await Promise.all([view.limitRules(), view.limits({ behind: after, limit })]);
    const nextAfter = limits.length === limit ? limits[limit - 1].key : null;
    const body = { rules: rules.map(ruleView), limits: limits.map(statusView), nextAfter };
    return jsonResponse(JSON.stringify(body), 200, noStore);
  });

  const get = createRoute({
    method: "get",
    path: "/v1/limits/{key}",
    operationId: "getLimit",
    summary: "How many tasks with a key run and wait, and what limits them",
    tags: ["limits"],
    request: () => ({ params: params() }),
    responses: () => ({
      200: jsonAnswer(limitSchema(), "Also of a key that no task has"),
      ...problems({ ...noParameters, 422: "See errors" }),
    }),
  });
  app.openapi(get, async (c) => {
    const { key } = c.req.valid("param");
    const view = runtime.for(callerOf(c));
    const [status, rules] = await Promise.all([view.limit(key), view.limitRules()]);
    const rule = rules.find(({ pattern }) => pattern === key);
    const body = { ...statusView(status), rule: rule ? ruleView(rule) : null };
    return jsonResponse(JSON.stringify(body), 200, noStore);
  });

  const put = createRoute({
    method: "put",
    path: "/v1/limits/{key}",
    operationId: "setLimit",
    summary: "Set the rule for each key that a pattern matches; it acts at once on what waits",
    tags: ["limits"],
    middleware: jsonBody({ limitBytes: 16 * 1024 }),
    request: () => ({
      params: patternParams(),
      body: { required: true, content: { "application/json": { schema: ruleSaid() } } },
    }),
    responses: () => ({
      200: jsonAnswer(ruleSchema(), "The rule, in place of the one that was there"),
      201: jsonAnswer(ruleSchema(), "The rule; there was none with this pattern"),
      ...problems({ ...bodyProblems, 409: "There are too many" }),
    }),
  });
  app.openapi(put, async (c) => {
    const caller = operatorOf(c);
    const { key } = c.req.valid("param");
    const { rule, isNew } = await runtime.for(caller).setLimitRule(key, c.req.valid("json"));
    return jsonResponse(JSON.stringify(ruleView(rule)), isNew ? 201 : 200, noStore);
  });

  const remove = createRoute({
    method: "delete",
    path: "/v1/limits/{key}",
    operationId: "removeLimit",
    summary: "Take a rule away",
    tags: ["limits"],
    request: () => ({ params: params() }),
    responses: () => ({
      204: { description: "Gone" },
      ...problems({ 404: "There is no rule with this pattern", 422: "See errors" }),
    }),
  });
  app.openapi(remove, async (c) => {
    const { key } = c.req.valid("param");
    if (!await runtime.for(operatorOf(c)).removeLimitRule(key)) {
      throw new NotFoundError("limit", key);
    }
    return c.body(null, 204);
  });
}

/** Limits concern all tasks of a tenant: also those that such a key may not know. */
function operatorOf(c: Context): Caller {
  const caller = callerOf(c);
  if (caller.patterns.length === 0) return caller;
  throw new ProblemError(forbidden(`the key "${caller.name}" has patterns, and limits concern all tasks`));
}

function ruleView(rule: LimitRule) {
  return { ...rule, changedAt: isoAt(rule.changedAt) };
}

function statusView(status: LimitStatus) {
  return { ...status, nextStartAt: status.nextStartAt === null ? null : isoAt(status.nextStartAt) };
}
