// HEAD: the status and headers that GET has, and no body. The length is told of a body that is at hand. A
// body that is sent while it is made is not begun.

import type { Context, Hono } from "hono";
import type { Arrival } from "./prefix.ts";

/** Makes an app answer HEAD by its routes of GET. */
export function answerHead(app: Hono<{ Bindings: Arrival }>): void {
  const { fetch } = app;
  app.fetch = (request, env, ...rest) => {
    if (request.method !== "HEAD") return fetch(request, env, ...rest);
    const asGet = new Request(request, { method: "GET" });
    return withoutBody(fetch(asGet, { ...env, head: true } satisfies Arrival, ...rest));
  };
}

/** The answer to HEAD will not be read. */
export function isHead(c: Context): boolean {
  return (c.env as Arrival | undefined)?.head === true;
}

/**
 * In place of a body whose length is not known ahead. Without any body a server would say that the length is
 * 0.
 */
export function untold(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

async function withoutBody(answer: Response | Promise<Response>): Promise<Response> {
  const response = await answer;
  if (response.body === null) return response;
  const { byteLength } = await response.arrayBuffer();
  if (byteLength === 0) return new Response(untold(), response);
  const headers = new Headers(response.headers);
  headers.set("content-length", String(byteLength));
  return new Response(null, { status: response.status, headers });
}
