// What holds for all calls that the same routes match. It is worked out for the first of them.

import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import { EVERYTHING, type Route } from "../http/methods.ts";
import { ACCESS, type Needs, STREAMS } from "./access_table.ts";

export interface CallRules {
  /** What the routes need, all of them together; null if one has no line in the table. */
  readonly needs: Needs | null;
  /** A ticket may open it in place of a key. */
  readonly isStream: boolean;
  /** The route that answers, as `POST /v1/tasks`; null if none is there. */
  readonly action: string | null;
  /** Where its path has the names of what the call is about. */
  readonly named: readonly number[];
}

/** By the last route that matches: mostly it tells which others do. */
const known = new WeakMap<Route, { routes: readonly Route[]; rules: CallRules }>();

export function rulesOf(c: Context): CallRules {
  const routes: Route[] = matchedRoutes(c);
  const last = routes[routes.length - 1];
  const found = known.get(last);
  if (found !== undefined && areSame(found.routes, routes)) return found.rules;
  const rules = rulesOfRoutes(routes.filter(({ path }) => path !== EVERYTHING));
  known.set(last, { routes, rules });
  return rules;
}

function areSame(some: readonly Route[], others: readonly Route[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function rulesOfRoutes(routes: readonly Route[]): CallRules {
  const last = routes.at(-1);
  return {
    needs: needsOf(routes),
    isStream: routes.some(({ method, path }) => method === "GET" && STREAMS.includes(path)),
    action: last === undefined ? null : `${last.method} ${last.path}`,
    named: (last?.path ?? "").split("/").flatMap((part, i) => part.startsWith(":") ? [i] : []),
  };
}

/** Where none matches there is nothing to see, but only callers with a key are told so. */
function needsOf(routes: readonly Route[]): Needs | null {
  const lines = routes.map(({ method, path }): Needs | undefined => ACCESS[`${method} ${path}`]);
  if (lines.includes(undefined)) return null;
  if (lines.length > 0 && lines.every((needs) => needs === "open")) return "open";
  return lines.flatMap((needs) => needs === "open" ? [] : needs!);
}
