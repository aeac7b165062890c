// Pages of other origins: from which of them a browser may send calls and read the answers. None by default.
// A key is sent as a header and never by the browser itself, so no answer depends on cookies.

import type { App } from "../http/app_types.ts";
import { forbidden, type Problem, ProblemError } from "../http/problem.ts";

/** Any origin. */
export const ANY = "*";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** Request headers of this service. A browser asks before it sends one of these. */
const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Content-Encoding",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "Prefer",
].join(", ");
/** Response headers that a page may read, beside the few that every page may. */
const EXPOSED = [
  "Allow",
  "ETag",
  "Idempotency-Replayed",
  "Link",
  "Location",
  "Preference-Applied",
  "Errand-Deduplicated",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
].join(", ");
const PREFLIGHT = {
  "access-control-allow-methods": METHODS,
  "access-control-allow-headers": REQUEST_HEADERS,
  // No browser remembers it for longer.
  "access-control-max-age": "7200",
};

/** Comes before all other routes, also the guard: a browser asks without a key whether a page may call. */
export function corsRoutes(app: App, origins: readonly string[]): void {
  const allowed = (origin: string | undefined): string | null => {
    if (origin === undefined) return null;
    return origins.includes(ANY) ? ANY : origins.includes(origin) ? origin : null;
  };
  // Without origins this costs nothing.
  if (origins.length > 0) {
    app.use(async function cors(c, next) {
      await next();
      if (!origins.includes(ANY)) c.res.headers.append("vary", "Origin");
      const origin = allowed(c.req.header("origin"));
      if (origin === null) return;
      c.res.headers.set("access-control-allow-origin", origin);
      c.res.headers.set("access-control-expose-headers", EXPOSED);
    });
  }
  app.options("*", async (c, next) => {
    const origin = c.req.header("origin");
    if (origin === undefined || c.req.header("access-control-request-method") === undefined) {
      return await next();
    }
    // The answer is the same for each path: it does not tell which paths exist.
    if (allowed(origin) === null) throw new ProblemError(notAllowed(origin));
    return new Response(null, { status: 204, headers: PREFLIGHT });
  });
}

function notAllowed(origin: string): Problem {
  return forbidden(
    `pages of ${origin} may not call this service; CORS_ORIGINS=${origin} (corsOrigins of createErrand) lets them`,
  );
}
