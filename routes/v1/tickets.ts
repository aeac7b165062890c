// POST /v1/tickets: a URL that opens one stream without a key, for a while. A browser's `EventSource` can
// send no headers, and a key has no place in a URL.

import { z } from "zod";
import { createRoute } from "../http/operation.ts";
import { once } from "../../runtime/core/once.ts";
import { strictObject } from "../../runtime/core/strict_object.ts";
import type { Tickets } from "../../auth/tickets.ts";
import { isoAt, type Runtime } from "../../runtime/mod.ts";
import { ValidationError } from "../../runtime/core/errors.ts";
import { markOf } from "../access/guard.ts";
import { purposeOf, STREAMS } from "../access/access_table.ts";
import { jsonBody } from "../http/body.ts";
import { patternOf } from "../http/methods.ts";
import { prefixOf, withoutSlash } from "../http/prefix.ts";
import { bodyProblems, jsonAnswer, problems } from "../wire/schemas.ts";
import type { App } from "../http/app_types.ts";
import { jsonResponse } from "../http/json_response.ts";

const LONGEST_TTL_SECONDS = 3_600;
const DEFAULT_TTL_SECONDS = 60;
/** Room for a thousand ids; a URL may not be longer. */
const LONGEST_PATH = 60_000;
const PATTERNS = STREAMS.map(patternOf);

const ticketSchema = once(() =>
  strictObject({
    path: z.string().max(LONGEST_PATH).meta({
      pattern: "^(/.*)?/v1/(tasks/[^/?#]+/events|as-completed)/?(\\?[^#]*)?$",
      description:
        "Path and query of a stream: /v1/tasks/{id}/events or /v1/as-completed. The ticket opens this one alone.",
    }),
    ttlSeconds: z.int().min(1).max(LONGEST_TTL_SECONDS).optional()
      .describe(`How long it can be used to open the stream. Default ${DEFAULT_TTL_SECONDS}.`),
  }).meta({ id: "TicketRequest" })
);

const answer = once(() =>
  z.object({
    ticket: z.string(),
    expiresAt: z.iso.datetime(),
    url: z.string().describe("The path with the ticket in its query."),
  }).meta({ id: "Ticket" })
);

export function ticketRoutes(app: App, { clock }: Runtime, tickets: Tickets): void {
  const route = createRoute({
    method: "post",
    path: "/v1/tickets",
    operationId: "makeTicket",
    summary: "A URL that opens one stream without a key, for a while",
    tags: ["streams"],
    middleware: jsonBody({ limitBytes: 128 * 1024 }),
    request: () => ({
      body: { required: true, content: { "application/json": { schema: ticketSchema() } } },
    }),
    responses: () => ({
      201: jsonAnswer(answer(), "The ticket"),
      ...problems(bodyProblems),
    }),
  });
  app.openapi(route, async (c) => {
    const { path, ttlSeconds = DEFAULT_TTL_SECONDS } = c.req.valid("json");
    const prefix = prefixOf(c);
    const stream = streamAt(path, prefix);
    c.set("audited", path);
    const ttlMs = ttlSeconds * 1_000;
    const expiresAt = isoAt(clock.now() + ttlMs);
    const ticket = await tickets.issue(purposeOf(stream), ttlMs, markOf(c));
    stream.searchParams.set("ticket", ticket);
    const url = prefix + stream.pathname + stream.search;
    return jsonResponse(JSON.stringify({ ticket, expiresAt, url }), 201, { "cache-control": "no-store" });
  });
}

/**
 * The stream that a path names, as a link in an answer spells it or without the prefix.
 *
 * @throws {ValidationError} if it is none
 */
function streamAt(path: string, prefix: string): URL {
  for (const own of [path, path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : ""]) {
    const url = own.startsWith("/") ? new URL(`http://errand${own}`) : null;
    if (url?.hash === "" && PATTERNS.some((pattern) => pattern.test(withoutSlash(url.pathname)))) return url;
  }
  const message = `must be the path of a stream, /v1/tasks/{id}/events or /v1/as-completed, with its query`;
  throw new ValidationError([{ pointer: "/path", message }]);
}
