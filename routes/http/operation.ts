// Operations: routes that say what they take and what they answer. What a call says is checked here; the
// document is made of the same. The package that makes it takes a seventh of the start-up time, so only its
// types are used here: site/openapi.ts needs it, and is loaded with the first request for the document.
// Schemas, too, are made when they are first needed: for the first call, or for the document.

import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import { type Context, type Handler, Hono, type MiddlewareHandler, type ValidationTargets } from "hono";
import type { z } from "zod";
import { parseBounded, parseInTurns } from "../../runtime/core/bounded_parse.ts";
import { once } from "../../runtime/core/once.ts";
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

type Request = RouteConfig["request"];
type Responses = RouteConfig["responses"];

/** A route as it is written: what it takes and answers is made when it is first needed. */
type Written<Path, Req, Res> = Omit<RouteConfig, "path" | "request" | "responses"> & {
  path: Path;
  request?: () => Req;
  responses: () => Res;
};

/** A route for `openapi`, with the types of what its handler gets. */
export function createRoute<
  Path extends string,
  const Req extends Request = undefined,
  Res extends Responses = Responses,
>({ request, responses, ...rest }: Written<Path, Req, Res>) {
  const takes = once(() => request?.() as Req);
  const answers = once(responses);
  return {
    ...rest,
    get request(): Req {
      return takes();
    },
    get responses(): Res {
      return answers();
    },
  };
}

/** Without any routes. */
export function createOperations(): App {
  const app = new Hono<{ Bindings: Arrival }>({ getPath: routedPath, router: new KeepingRouter() });
  const operations: RouteConfig[] = [];
  const openapi = (route: RouteConfig & Middleware, handler: Handler): App => {
    operations.push(route);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    // A wrong path is told before its body is read.
    const first = path.includes(":") ? [check(route, made, ["param"])] : [];
    const then = check(route, made, ["query", "header", "json"]);
    app.on([route.method], [path], ...first, ...[route.middleware ?? []].flat(), then, handler);
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
const noQuery = once(() => strictObject({}));

/**
 * What is wrong with the query of a call that declares none. Null for almost every call, and at no cost.
 *
 * @param schema that says where a parameter belongs which may be given by mistake
 */
export function faultOfNoQuery(
  c: Context,
  app: App,
  path: string,
  schema: () => z.ZodType = noQuery,
): Problem | null {
  if (!c.req.url.includes("?")) return null;
  const value = PLACES.query.valueOf(c);
  const parsed = parseBounded(schema(), value);
  if (parsed.success) return null;
  const faults = faultsOf(parsed.error, value, PLACES.query.pointer);
  return validationFailed(toldWhere(faults, parsed.error, app.operations, path));
}

/** Answers a call that breaks a rule of the route. Of any other the handler gets the checked values. */
function check(route: RouteConfig, app: App, targets: Target[]): MiddlewareHandler {
  const rules = once(() => rulesOf(route, targets));
  return async function check(c, next) {
    const { parts, takesAny } = rules();
    const fault = takesAny ? null : faultOfNoQuery(c, app, route.path);
    if (fault) return problemResponse(c, fault);
    for (const [target, schema] of parts) {
      const { pointer, valueOf } = PLACES[target];
      const value = await valueOf(c);
      const turns: Turns | undefined = target === "json" ? c.get(LONG_BODY) : undefined;
      const parsed = turns ? await parseInTurns(schema, value, turns.begin()) : parseBounded(schema, value);
      if (!parsed.success) {
        const wrong = target === "param" ? wrongMethod(app, c) : null;
        if (wrong) return problemResponse(c, wrong);
        const faults = faultsOf(parsed.error, value, pointer);
        const isQuery = target === "query";
        const told = isQuery ? toldWhere(faults, parsed.error, app.operations, route.path) : faults;
        return problemResponse(c, validationFailed(told));
      }
      c.req.addValidatedData(target satisfies keyof ValidationTargets, parsed.data as object);
    }
    await next();
  };
}

interface CallRules {
  parts: [Target, z.ZodType][];
  /** Parameters that it does not declare are passed over. */
  takesAny: boolean;
}

function rulesOf({ path, request = {} }: RouteConfig, targets: Target[]): CallRules {
  const { query, params, headers, body } = request;
  const json = (body?.content["application/json"] as { schema: unknown } | undefined)?.schema;
  const schemas = { query, param: params, header: headers, json };
  return {
    parts: targets.flatMap((target) =>
      schemas[target] ? [[target, schemas[target]] as [Target, z.ZodType]] : []
    ),
    takesAny: !targets.includes("query") || query !== undefined || !path.startsWith(VERSIONED),
  };
}
