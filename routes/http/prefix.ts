// The path under which callers reach the app. Routes know their own paths only. Paths in answers begin with
// the prefix.

import type { Context } from "hono";
import { getPath } from "hono/utils/url";
import type { Arrival, ConnectionPort } from "./arrival.ts";

export type { Arrival, ConnectionPort };

/** What paths in an answer begin with: nothing, or `/jobs`. */
export function prefixOf(c: Context): string {
  return (c.env as Arrival | undefined)?.prefix ?? "";
}

/** The path of a call as its caller sees it. */
export function pathOf(c: Context): string {
  return prefixOf(c) + c.req.path;
}

/** The URL of a call as the routes see it. */
export function ownUrl(c: Context): URL {
  return new URL(unmounted(c.req.url, c.env));
}

/** For Hono: the path by which a route is looked for. A slash at its end makes no difference. */
export function routedPath(request: Request, options?: { env?: Arrival }): string {
  return withoutSlash(ownPath(request, options));
}

export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** The path of a call as it was asked for. */
export function ownPath(request: Request, options?: { env?: Arrival }): string {
  const url = request.url;
  const own = unmounted(url, options?.env);
  return getPath(own === url ? request : { url: own } as Request);
}

function unmounted(url: string, arrival: Arrival | undefined): string {
  const { mounted, prefix } = arrival ?? {};
  if (!mounted && !prefix) return url;
  const start = url.indexOf("/", url.indexOf(":") + 3);
  for (const path of [mounted, prefix]) {
    if (!path || !url.startsWith(path, start)) continue;
    const rest = url.slice(start + path.length);
    if (/^($|[/?#])/.test(rest)) return url.slice(0, start) + (rest.startsWith("/") ? "" : "/") + rest;
  }
  return url;
}
