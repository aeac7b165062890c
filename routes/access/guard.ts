// Stands before all routes: a call passes if its key, or its ticket, allows it. Without any API keys the
// service answers this machine only, and no page of another site that a browser on this machine shows.

import type { Context } from "hono";
import type { AuditLog } from "../../auth/audit_log.ts";
import { HeldKey, type KeyRing } from "../../auth/key_ring.ts";
import type { Sessions } from "../../auth/sessions.ts";
import { type TicketFault, type Tickets, UNKEYED } from "../../auth/tickets.ts";
import { type CallerView, type Clock, type Runtime } from "../../runtime/mod.ts";
import { traceIn } from "../../runtime/core/trace_context.ts";
import { ANYBODY, type Caller, holds, type Scope } from "../../runtime/core/caller.ts";
import type { Usage } from "../../runtime/core/usage.ts";
import { purposeOf } from "./access_table.ts";
import { noteCall } from "./audit.ts";
import { type CallRules, rulesOf } from "./call_rules.ts";
import { isLoopback } from "../../auth/loopback.ts";
import { refusalOfRate, withRates } from "./rates.ts";
import { faultOfSession, keyOfSession, sessionIn } from "./session.ts";
import { afterFailure, type Sources } from "./sources.ts";
import { forbidden, keyEnded, type Problem, ProblemError, unauthorized } from "../http/problem.ts";
import type { App } from "../http/app_types.ts";
import { type Arrival, ownUrl, pathOf } from "../http/prefix.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The key of the call, or of the maker of its ticket; none where it needs none. */
    key?: HeldKey;
  }
}

const BEARER = /^Bearer +\S+$/i;

const FAULTS: Record<TicketFault, string> = {
  forged: "the ticket is not one of this service",
  other: "the ticket is for another stream: it opens the path and query that it was made for, and no others",
  expired: "the ticket has expired; POST /v1/tickets gives a new one",
};

export interface Access {
  keys: KeyRing;
  tickets: Tickets;
  sessions: Sessions;
  /** Of pages that may call, also where there are no keys. */
  origins: readonly string[];
  sources: Sources;
  clock: Clock;
  /** Left out: nothing is noted. */
  audit?: AuditLog;
}

export function guardRoutes(app: App, access: Access): void {
  // Every call comes through here: it awaits nothing without need.
  app.use(function guard(c, next) {
    if (isOwnCall(c)) return next();
    const rules = rulesOf(c);
    const problem = refusal(c, rules, access);
    return problem === null ? pass(c, rules, next, access) : refuse(c, rules, problem, next, access);
  });
}

async function refuse(
  c: Context,
  rules: CallRules,
  found: Problem | Promise<Problem | null>,
  next: () => Promise<void>,
  access: Access,
): Promise<void> {
  const problem = await found;
  if (problem === null) return await pass(c, rules, next, access);
  // Nobody needs the rest of it.
  await c.req.raw.body?.cancel();
  const { told, isAgain } = afterFailure(c, problem, access.sources);
  // A thousand guesses a second are in the log once a minute.
  const { audit } = access;
  if (audit && access.keys.isLocked && !isAgain) noteCall(c, rules, told.status, audit, access.sources);
  throw new ProblemError(told);
}

/** What becomes of the call is noted where callers are told apart. */
function pass(
  c: Context,
  rules: CallRules,
  next: () => Promise<void>,
  { audit, keys, sources }: Access,
): Promise<void> {
  const answered = withRates(c, next);
  if (audit === undefined || !keys.isLocked) return answered;
  return answered.then(() => noteCall(c, rules, c.res.status, audit, sources));
}

/**
 * Who calls.
 *
 * @throws {ProblemError} if its key has ended since it was let in
 */
export function callerOf(c: Context): Caller {
  const key = c.get("key");
  if (key?.isOver) throw new ProblemError(keyEnded());
  return key?.caller ?? ANYBODY;
}

/** What the caller may know of the engine, and do with it. */
export function viewOf(c: Context, runtime: Runtime): CallerView {
  const caller = callerOf(c);
  // Only what is submitted keeps it.
  const trace = c.req.method === "POST"
    ? traceIn(c.req.header("traceparent"), c.req.header("tracestate"))
    : null;
  return runtime.for(trace === null ? caller : { ...caller, trace });
}

/** What counts what the caller uses; nothing where callers are not told apart. */
export function usagesOf(c: Context): readonly Usage[] {
  const key = c.get("key");
  if (key?.isOver) throw new ProblemError(keyEnded());
  return key?.usages ?? [];
}

/** True if the caller may see what tasks came to. */
export function mayRead(c: Context): boolean {
  return holds(callerOf(c), "read");
}

function refusal(
  c: Context,
  rules: CallRules,
  access: Access,
): Problem | null | Promise<Problem | null> {
  if (rules.needs === "open") return null;
  const { keys } = access;
  const stale = keys.fresh();
  if (stale === null) return refusalOf(c, rules, access);
  return stale.then(
    () => refusalOf(c, rules, access),
    (error) => {
      const secret = secretOf(c.req.header("authorization"));
      if (!secret || !keys.isOwn(secret)) throw error;
      return refusalOf(c, rules, access);
    },
  );
}

function refusalOf(
  c: Context,
  rules: CallRules,
  access: Access,
): Problem | null | Promise<Problem | null> {
  const { keys, origins } = access;
  if (!keys.isLocked) return refusalOfStranger(c, origins) ?? (rules.needs === null ? unlisted(c) : null);
  const authorization = c.req.header("authorization");
  if (authorization === undefined) {
    const ticket = rules.isStream ? c.req.query("ticket") : undefined;
    if (ticket !== undefined) return refusalOfTicket(c, ticket, access);
    const session = sessionIn(c);
    if (session !== undefined) return refusalOfSession(c, rules, session, access);
    return unauthorized("this needs an API key, sent as Authorization: Bearer <secret>");
  }
  const secret = secretOf(authorization);
  if (secret === undefined) return unauthorized("Authorization must be Bearer <secret>; it has another form");
  const key = keys.find(secret);
  if (key === null) {
    const looked = keys.newest();
    if (looked !== null) return looked.then(() => refusalOf(c, rules, access));
    return unauthorized("the secret in Authorization is not that of an API key");
  }
  return refusalOfKey(c, rules, key, access);
}

function refusalOfKey(
  c: Context,
  { needs }: CallRules,
  key: HeldKey,
  { keys, clock }: Access,
): Problem | null {
  c.set("key", key);
  keys.use(key);
  const tooFast = refusalOfRate(c, key, clock);
  if (tooFast) return tooFast;
  if (needs === null) return unlisted(c);
  const { caller } = key;
  const missing = (needs as readonly Scope[]).find((scope) => !holds(caller, scope));
  if (missing === undefined) return null;
  const held = [...caller.scopes].join(", ");
  const detail = `${c.req.method} ${
    pathOf(c)
  } needs the scope ${missing}; the key "${caller.name}" has ${held}`;
  return forbidden(detail, { scope: missing });
}

async function refusalOfSession(
  c: Context,
  rules: CallRules,
  session: string,
  access: Access,
): Promise<Problem | null> {
  const fault = faultOfSession(c);
  if (fault !== null) return fault;
  const key = await keyOfSession(session, access);
  return key instanceof HeldKey ? refusalOfKey(c, rules, key, access) : key;
}

function secretOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !BEARER.test(authorization)) return undefined;
  return authorization.slice(authorization.lastIndexOf(" ") + 1);
}

async function refusalOfTicket(
  c: Context,
  ticket: string,
  { tickets, keys, clock }: Access,
): Promise<Problem | null> {
  const fault = await tickets.verify(ticket, purposeOf(ownUrl(c)));
  if (fault) return unauthorized(FAULTS[fault]);
  const maker = tickets.makerOf(ticket);
  if (maker === undefined) return null;
  const key = keys.ofMark(maker);
  if (key === null || !holds(key.caller, "read")) {
    return unauthorized("the key that made the ticket has ended");
  }
  c.set("key", key);
  return refusalOfRate(c, key, clock);
}

/** True for a call of this program itself. */
export function isOwnCall(c: Context): boolean {
  return (c.env as Arrival | undefined)?.trusted === true;
}

/** What is made for a caller ends with its key. */
export function markOf(c: Context): string | undefined {
  if (isOwnCall(c)) return undefined;
  return c.get("key")?.mark ?? UNKEYED;
}

function unlisted(c: Context): Problem {
  return forbidden(
    `nobody may call ${c.req.method} ${pathOf(c)}: it is not in the table of who may call what`,
  );
}

/** Of a call that was let in: mostly the next one has the same. */
let lastOwnHost: string | undefined;

/**
 * The name of another site may lead to this machine (DNS rebinding), or its page may send something here
 * without reading the answer. The names in the request show both.
 */
function refusalOfStranger(c: Context, origins: readonly string[]): Problem | null {
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  if (host !== lastOwnHost && !isLoopback(host.replace(/:\d*$/, ""))) {
    return forbidden(
      `without API keys this service answers this machine only, as localhost, 127.0.0.1 or [::1]; the Host here is ` +
        `${JSON.stringify(host)}. Behind a proxy it needs keys: see API_KEYS`,
    );
  }
  lastOwnHost = host;
  const origin = c.req.header("origin");
  if (origin === undefined) return refusalOfCrossSite(c);
  if (isLoopback(URL.parse(origin)?.hostname ?? "")) return null;
  // By its name only: "*" would open the service to every page that is looked at on this machine.
  if (origins.includes(origin)) return null;
  return forbidden(
    `without API keys this service takes nothing from pages of other sites that CORS_ORIGINS does not name; ` +
      `the Origin here is ${JSON.stringify(origin)}`,
  );
}

/** A page can have its browser ask without an Origin, as for an image. */
function refusalOfCrossSite(c: Context): Problem | null {
  if (c.req.header("sec-fetch-site") !== "cross-site") return null;
  return forbidden(
    "without API keys this service takes nothing from pages of other sites; Sec-Fetch-Site here is cross-site",
  );
}
