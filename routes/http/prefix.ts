// Where the app stands in the world: under which path its callers reach it. Routes know their own paths
// only; what answers say about paths begins with the prefix.

import type { Context } from "hono";
import { getPath } from "hono/utils/url";

/** The connection of a request, where the service itself listens. */
export interface ConnectionPort {
  /** The address of the caller, or of the proxy before the service. */
  readonly address: string;
  /** Cuts it at once, with all that is sent on it. */
  close(): void;
}

/** How a request came in: what Hono calls its bindings. */
export interface Arrival {
  /** The path below which the app is mounted: it is cut off before a route is looked for. */
  mounted?: string;
  /** What links begin with. */
  prefix?: string;
  /** The call comes from this program itself: it needs no key. */
  trusted?: boolean;
  /** It was HEAD. */
  head?: boolean;
  /** What it came in on, where the service itself listens. */
  connection?: ConnectionPort;
}

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
