// Which methods a path takes. A wrong method is answered as such, and the document can be compared with the
// routes.

export interface Route {
  method: string;
  path: string;
}

interface Routed {
  readonly routes: readonly Route[];
}

/** The routes of an app, without what stands before all of them. */
export function routesOf(app: Routed): Route[] {
  return app.routes.filter(({ method, path }) => method !== "ALL" && path !== EVERYTHING);
}

/** The path of what stands before all routes. */
export const EVERYTHING = "/*";

/** Methods of the routes that match a path; of those that spell it out, if there are any. */
export function methodsAt(app: Routed, path: string): string[] {
  const routes = routesOf(app);
  const spelledOut = routes.filter((route) => route.path === path);
  const methods = spelledOut.length > 0
    ? spelledOut
    : routes.filter((route) => patternOf(route.path).test(path));
  return [...new Set(methods.map(({ method }) => method))].sort();
}

/** By the path of a route. An unknown path of a caller is held against all of them. */
const patterns = new Map<string, RegExp>();

/** What paths a route takes. */
export function patternOf(path: string): RegExp {
  let pattern = patterns.get(path);
  if (!pattern) patterns.set(path, pattern = makePattern(path));
  return pattern;
}

function makePattern(path: string): RegExp {
  const parts = path.split("/").map((part) =>
    part.startsWith(":")
      ? (part.endsWith("{.+}") ? ".+" : "[^/]+")
      : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${parts.join("/")}$`);
}
