// URLs of streams for readers that can send no token.

import type { Expected } from "../protocol/wire.ts";
import type { Call, Http } from "./http.ts";

const A_TICKET: Expected = {
  what: "a ticket",
  is: (body) => typeof (body as { ticket?: unknown } | null)?.ticket === "string",
};

export interface StreamUrlOptions {
  /** At most 3,600. */
  ttlSeconds?: number;
  signal?: AbortSignal;
}

export async function streamUrl(
  http: Http,
  path: string,
  { ttlSeconds, signal }: StreamUrlOptions,
): Promise<string> {
  const body = { path, ttlSeconds };
  const call: Call = { method: "POST", path: "/v1/tickets", body, expects: A_TICKET, signal };
  const { ticket } = (await http.call(call)).body;
  return http.urlOf(`${path}${path.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`);
}
