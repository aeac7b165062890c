// An answer whose body is JSON text already.

import type { TypedResponse } from "hono";
import { NOSNIFF } from "./safe_headers.ts";

/** JSON text. */
export type Text = string;

/** An answer whose body is JSON text already; tests hold it against the schema that its route declares. */
// deno-lint-ignore no-explicit-any
export type JsonResponse = Response & TypedResponse<any, any, "json">;

export function jsonResponse(
  text: Text | ReadableStream,
  status = 200,
  headers: Record<string, string> = {},
): JsonResponse {
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...NOSNIFF, ...headers },
  }) as JsonResponse;
}
