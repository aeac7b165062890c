// W3C Trace Context (version 00), as it is kept with a task: the traceparent of its call, and behind a space
// its tracestate, which is passed on as it came.

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const MOST_MEMBERS = 32;
/** So much must be passed on; of more, members are left out. */
const MOST_CHARACTERS = 512;
const LONG_MEMBER = 128;

/** Null for what is no traceparent; a tracestate that is none is left out. */
export function traceIn(traceparent: string | undefined, tracestate?: string): string | null {
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return null;
  return withState(traceparent, tracestate === undefined ? "" : tracestateIn(tracestate));
}

export function withState(traceparent: string, tracestate: string): string {
  return tracestate === "" ? traceparent : `${traceparent} ${tracestate}`;
}

/** @returns empty for one that breaks a rule: nobody may pass on a part of it */
function tracestateIn(text: string): string {
  const members = text.split(",").map((member) => member.replace(/^[ \t]+|[ \t]+$/g, "")).filter((one) =>
    one !== ""
  );
  const keys = members.map((member) => member.slice(0, Math.max(0, member.indexOf("="))));
  const isValid = members.length <= MOST_MEMBERS && new Set(keys).size === keys.length &&
    members.every((member, i) => KEY.test(keys[i]) && VALUE.test(member.slice(keys[i].length + 1)));
  return isValid ? shortened(members).join(",") : "";
}

/** Long members go first, and then the oldest ones, which are the last. */
function shortened(members: string[]): string[] {
  const kept = [...members];
  while (kept.join(",").length > MOST_CHARACTERS) {
    const long = kept.findLastIndex(({ length }) => length > LONG_MEMBER);
    kept.splice(long < 0 ? kept.length - 1 : long, 1);
  }
  return kept;
}

export interface TraceContext {
  traceparent: string;
  /** Empty: none. */
  tracestate: string;
  traceId: string;
  spanId: string;
  traceFlags: number;
}

export function traceContextOf(trace: string): TraceContext {
  const at = trace.indexOf(" ");
  const traceparent = at < 0 ? trace : trace.slice(0, at);
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent)!;
  const tracestate = at < 0 ? "" : trace.slice(at + 1);
  return { traceparent, tracestate, traceId, spanId, traceFlags: parseInt(flags, 16) };
}
