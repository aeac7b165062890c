// What the service that commands call says of itself, and what the two clocks say.

import { RELEASE } from "../../../runtime/core/release.ts";
import { span } from "../../output/times.ts";
import type { Target } from "../../profiles.ts";
import type { Session } from "../../session.ts";
import type { Finding } from "./finding.ts";
import { messageOf } from "./machine.ts";

const LONGEST_CALL_MS = 10_000;
/** Timers, expiries and leases are told by clocks. */
const MOST_APART_MS = 2_000;
const RELEASED_AT = Date.parse("2026-01-01T00:00:00Z");

export async function checkService(session: Session): Promise<Finding[]> {
  const { io } = session;
  const clock: Finding = io.now() < RELEASED_AT
    ? { what: "clock", found: "wrong", message: `it is set to ${new Date(io.now()).toISOString()}: set it` }
    : { what: "clock", found: "ok", message: `${new Date(io.now()).toISOString()}` };
  let target: Target;
  try {
    target = await session.aim();
  } catch (error) {
    return [clock, { what: "service", found: "wrong", message: messageOf(error) }];
  }
  const at = `${target.url} (${target.from})`;
  const sentAt = io.now();
  const health = await ask(target, "/healthz");
  if (health instanceof Error) {
    // Before the first start there is none.
    const found = target.from === "the default" ? "skipped" : "wrong";
    return [clock, { what: "service", found, message: `nothing answers at ${at}: ${health.message}` }];
  }
  const ready = await ask(target, "/readyz");
  const isReady = !(ready instanceof Error) && ready.status === 200;
  return [
    clock,
    ...apart(health, sentAt, io.now()),
    isReady ? { what: "service", found: "ok", message: `${at} answers, and its database takes writes` } : {
      what: "service",
      found: "wrong",
      message: `${at} answers, and its database takes no writes: see its log`,
    },
    ...await told(session),
  ];
}

/** A plain call: what is wrong with a service may be that it is none. */
async function ask({ url }: Target, path: string): Promise<Response | Error> {
  // What AbortSignal.timeout makes, a garbage collection may take away before its time.
  const limit = new AbortController();
  const tooLate = () => limit.abort(new DOMException("the call took too long", "TimeoutError"));
  const timer = setTimeout(tooLate, LONGEST_CALL_MS);
  try {
    const response = await fetch(url.replace(/\/+$/, "") + path, { signal: limit.signal });
    await response.body?.cancel();
    return response;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** It was answered between these two instants of our own clock, however long that took. */
export function apart({ headers }: Pick<Response, "headers">, sentAt: number, gotAt: number): Finding[] {
  const theirs = Date.parse(headers.get("date") ?? "");
  if (!Number.isFinite(theirs)) return [];
  const aheadMs = theirs - gotAt;
  // The header has no milliseconds.
  const behindMs = sentAt - (theirs + 1_000);
  const ms = Math.max(aheadMs, behindMs);
  if (ms <= MOST_APART_MS) return [];
  const message = `the service's clock is ${span(ms)} ${aheadMs > 0 ? "ahead" : "behind"}: set both by NTP`;
  return [{ what: "clock", found: "odd", message }];
}

/** As far as the key's scopes go. */
async function told(session: Session): Promise<Finding[]> {
  const { UnauthorizedError } = await import("../../../client/mod.ts");
  try {
    const client = await session.client();
    const [workers, pause] = [await client.workers.list(), await client.queues.pausedAll()];
    const releases = [...new Set(workers.map(({ release }) => release ?? "an earlier one"))];
    const others = releases.filter((release) => release !== RELEASE);
    const running = `${workers.length} with releases ${releases.join(", ")}; this program is ${RELEASE}`;
    return [
      workers.length === 0
        ? { what: "workers", found: "odd", message: "none: tasks wait until one starts (ROLE=all or worker)" }
        : { what: "workers", found: others.length > 0 ? "odd" : "ok", message: running },
      ...pause === null ? [] : [{
        what: "pause",
        found: "odd" as const,
        message: `everything is paused since ${pause.since}${
          pause.note ? `: ${pause.note}` : ""
        }; errand resume`,
      }],
    ];
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) {
      return [{ what: "service", found: "wrong", message: messageOf(error) }];
    }
    const found = error.status === 401 ? "wrong" : "skipped";
    return [{ what: "key", found, message: error.message }];
  }
}
