// The API of OpenTelemetry that is registered for the whole program: by Deno itself with OTEL_DENO=true, or
// by what the program that Errand is part of has set up.

const API = Symbol.for("opentelemetry.js.api.1");

/** Null where nobody has registered any. */
export function apiIn<Api extends object>(program: object): Partial<Api> | null {
  return (program as Record<symbol, Partial<Api> | undefined>)[API] ?? null;
}
