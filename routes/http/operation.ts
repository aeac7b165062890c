// Operations: routes that say what they take and what they answer. What a call says is checked here; the
// document is made of the same. The package that makes it takes a seventh of the start-up time, so only its
// types are used here. site/openapi.ts loads it with the first request for the document.

import type { createRoute as createTypedRoute, OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import { type Context, type Handler, Hono, type MiddlewareHandler, type ValidationTargets } from "hono";
import type { z } from "zod";
import { parseBounded, parseInTurns } from "../../runtime/core/bounded_parse.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import { faultsOf } from "../../runtime/core/zod_faults.ts";
import type { Turns } from "../../runtime/mod.ts";
import { isHead } from "./head.ts";
import { LONG_BODY } from "./long_body.ts";
import { methodsAt } from "./methods.ts";
import { type Arrival, pathOf, routedPath } from "./prefix.ts";
import { KeepingRouter } from "./router.ts";
import { methodNotAllowed, type Problem, problemResponse, validationFailed } from "./problem.ts";
import { toldWhere } from "./sibling_parameter.ts";

export interface App extends Hono<{ Bindings: Arrival }> {
  /** Adds an operation whose calls are checked before the handler. */
  readonly openapi: OpenAPIHono<{ Bindings: Arrival }>["openapi"];
  /** All operations, also those that check their calls themselves. */
  readonly operations: RouteConfig[];
}

/** A route for `openapi`, with the types of what its handler gets. */
export const createRoute = ((route: RouteConfig) => route) as unknown as typeof createTypedRoute;

/** Without any routes. */
export function createOperations(): App {
  const app = new Hono<{ Bindings: Arrival }>({ getPath: routedPath, router: new KeepingRouter() });
  const operations: RouteConfig[] = [];
  const openapi = ({ middleware = [], ...route }: RouteConfig & Middleware, handler: Handler): App => {
    operations.push(route);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    // A wrong path is told before its body is read.
    const first = checks(route, made, ["param"]);
    const then = checks(route, made, ["query", "header", "json"]);
    app.on([route.method], [path], ...first, ...[middleware].flat(), ...then, handler);
    return made;
  };
  const made = Object.assign(app, { operations, openapi }) as unknown as App;
  return made;
}

interface Middleware {
  middleware?: MiddlewareHandler | MiddlewareHandler[];
}

type Target = "query" | "param" | "header" | "json";

/** The parts of a call, and what pointers to each begin with. */
const PLACES: Record<Target, { pointer: string; valueOf: (c: Context) => unknown }> = {
  query: {
    pointer: "/query",
    valueOf: (c) => {
      const values = Object.entries(c.req.queries());
      return Object.fromEntries(values.map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
    },
  },
  param: { pointer: "/path", valueOf: (c) => c.req.param() },
  header: { pointer: "/header", valueOf: (c) => c.req.header() },
  json: { pointer: "", valueOf: (c) => c.req.json() },
};

/** Of a path that other methods spell out: `GET /v1/tasks/batch` is no task. */
function wrongMethod(app: App, c: Context): Problem | null {
  const allowed = methodsAt(app, c.req.path);
  if (allowed.length === 0 || allowed.includes(c.req.method)) return null;
  return methodNotAllowed(isHead(c) ? "HEAD" : c.req.method, pathOf(c), allowed);
}

/** The paths whose calls take no parameters but those that they declare. Pages are asked for with any. */
const VERSIONED = "/v1/";
const NO_QUERY = strictObject({});

/**
 * What is wrong with the query of a call that declares none. Null for almost every call, and at no cost.
 *
 * @param schema that says where a parameter belongs which may be given by mistake
 */
export function faultOfNoQuery(
  c: Context,
  app: App,
  path: string,
  schema: z.ZodType = NO_QUERY,
): Problem | null {
  if (!c.req.url.includes("?")) return null;
  const value = PLACES.query.valueOf(c);
  const parsed = parseBounded(schema, value);
  if (parsed.success) return null;
  const faults = faultsOf(parsed.error, value, PLACES.query.pointer);
  return validationFailed(toldWhere(faults, parsed.error, app.operations, path));
}

/**
 * Answers a call that breaks a rule of the route. Of any other the handler gets the checked values. None
 * where the route has no rules for these parts.
 */
function checks({ path, request = {} }: RouteConfig, app: App, targets: Target[]): MiddlewareHandler[] {
  const { query, params, headers, body } = request;
  const json = (body?.content["application/json"] as { schema: unknown } | undefined)?.schema;
  const schemas = { query, param: params, header: headers, json };
  const rules = targets.flatMap((target) =>
    schemas[target] ? [[target, schemas[target]] as [Target, z.ZodType]] : []
  );
  const takesAny = !targets.includes("query") || query !== undefined || !path.startsWith(VERSIONED);
  if (rules.length === 0 && takesAny) return [];
  return [async function check(c, next) {
    const fault = takesAny ? null : faultOfNoQuery(c, app, path);
    if (fault) return problemResponse(c, fault);
    for (const [target, schema] of rules) {
      const { pointer, valueOf } = PLACES[target];
      const value = await valueOf(c);
      const turns: Turns | undefined = target === "json" ? c.get(LONG_BODY) : undefined;
      const parsed = turns ? await parseInTurns(schema, value, turns.begin()) : parseBounded(schema, value);
      if (!parsed.success) {
        const wrong = target === "param" ? wrongMethod(app, c) : null;
        if (wrong) return problemResponse(c, wrong);
        const faults = faultsOf(parsed.error, value, pointer);
        const isQuery = target === "query";
        const told = isQuery ? toldWhere(faults, parsed.error, app.operations, path) : faults;
        return problemResponse(c, validationFailed(told));
      }
      c.req.addValidatedData(target satisfies keyof ValidationTargets, parsed.data as object);
    }
    await next();
  }];
}
