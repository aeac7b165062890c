// The cookie that a browser shows in place of a key. Another site's page has its browser send no such cookie
// (SameSite=Strict). One of a neighbour, which counts as the same site, can't set the header that each change
// must have: CORS allows it to nobody.

import type { Context } from "hono";
import type { HeldKey, KeyRing } from "../../auth/key_ring.ts";
import { SESSION_MS, type SessionFault, type Sessions } from "../../auth/sessions.ts";
import { prefixOf } from "../http/prefix.ts";
import { forbidden, type Problem, unauthorized } from "../http/problem.ts";

const COOKIE = "errand_session";
/** What a page says with each call that changes something. */
const SIGN = "errand-page";
const READS = ["GET", "HEAD"];
const COOKIES = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;\\s]+)`);

const FAULTS: Record<SessionFault, string> = {
  forged: "the session is not one of this service: sign in",
  expired: "the session has expired: sign in again",
  ended: "the session was ended: sign in again",
};

export function sessionIn(c: Context): string | undefined {
  return COOKIES.exec(c.req.header("cookie") ?? "")?.[1];
}

/** What a call with a session lacks that this service's own page does not. */
export function faultOfSession(c: Context): Problem | null {
  if (READS.includes(c.req.method)) return null;
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") {
    return forbidden(`a session changes nothing for pages of other origins; Sec-Fetch-Site here is ${site}`);
  }
  if (c.req.header(SIGN) !== undefined) return null;
  return forbidden(
    `with a session ${c.req.method} needs the header Errand-Page; without it, send an API key`,
  );
}

/** The key that a session stands for; or why there is none. */
export async function keyOfSession(
  session: string,
  { sessions, keys }: { sessions: Sessions; keys: KeyRing },
): Promise<HeldKey | Problem> {
  const found = await sessions.look(session);
  if ("fault" in found) return unauthorized(FAULTS[found.fault]);
  return keys.ofMark(found.mark) ??
    unauthorized("the key of the session has ended: sign in with another one");
}

/** The header Set-Cookie that begins a session, or ends it in the browser. */
export function cookieOf(c: Context, session: string | null): string {
  const parts = [
    `${COOKIE}=${session ?? ""}`,
    `Path=${prefixOf(c) || "/"}`,
    `Max-Age=${session === null ? 0 : SESSION_MS / 1_000}`,
    "HttpOnly",
    "SameSite=Strict",
  ];
  if (isSecure(c)) parts.push("Secure");
  return parts.join("; ");
}

/** The browser itself says how it came here: what stands between may have taken TLS off. */
function isSecure(c: Context): boolean {
  const origin = c.req.header("origin") ?? c.req.url;
  return origin.startsWith("https:") || c.req.header("x-forwarded-proto") === "https";
}
