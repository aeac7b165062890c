// The app as one route for another program's Hono app: a catch-all that hands calls on. It learns from its
// own route where it is mounted. The other app may use another copy of Hono, so only a context is shared.

import { type Context, Hono } from "hono";
import { patternOf, routesOf } from "./http/methods.ts";
import type { App } from "./http/app_types.ts";
import { type Arrival, ownPath } from "./http/prefix.ts";

/**
 * @param app tells which paths have routes
 * @param handle answers a call that came in below `mounted`
 * @param basePath where it is mounted, if its route does not tell
 */
export function mountable(
  app: App,
  handle: (request: Request, mounted: string) => Response | Promise<Response>,
  basePath: string,
): Hono {
  // Under the same path the other app may have routes of its own, before or after this one.
  const patterns = routesOf(app).filter(({ path }) => path !== "/").map(({ path }) => patternOf(path));
  const outer = new Hono();
  outer.all("*", async (c, next) => {
    const mounted = mountedAt(c) ?? basePath;
    const path = ownPath(c.req.raw, { env: { mounted } satisfies Arrival });
    if (!patterns.some((pattern) => pattern.test(path))) {
      // Routes that were added after this one may know it.
      await next();
      const isOurs = mounted !== "" || path.startsWith("/v1/");
      if (!isOurs || c.res.status !== 404) return;
      // Otherwise Hono keeps the headers of the answer before.
      c.res = undefined;
      c.res = await handle(await unread(c), mounted);
      return;
    }
    return await handle(await unread(c), mounted);
  });
  // What the routes after this one throw goes to the other app's own handler.
  outer.onError((error) => {
    throw error;
  });
  return outer;
}

/** `/jobs` for a call of `/jobs/v1/tasks` to the route `/jobs/*`. */
function mountedAt(c: Context): string | null {
  // Not `routePath` of hono/route: it reads contexts of its own copy of Hono only.
  const { routePath } = c.req as { routePath?: string };
  if (routePath === undefined) return null;
  const depth = routePath.split("/").filter((part) => part !== "" && part !== "*").length;
  const { pathname } = new URL(c.req.url);
  return pathname.split("/").slice(0, depth + 1).join("/");
}

/** The request with its body, also if that was read before: Hono keeps it. */
async function unread(c: Context): Promise<Request> {
  const { raw } = c.req;
  if (!raw.bodyUsed) return raw;
  const { method, headers, signal } = raw;
  return new Request(raw.url, { method, headers, signal, body: await c.req.arrayBuffer() });
}
