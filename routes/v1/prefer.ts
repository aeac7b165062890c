// `Prefer: wait=N` (RFC 7240). A preference that cannot be read is no error: the RFC says to ignore it.

import { LONGEST_WAIT_SECONDS } from "../wire/query.ts";

/** Milliseconds to wait, cut to the longest wait; null if the header asks for none. */
export function preferredWaitMs(header: string | undefined): number | null {
  const match = header === undefined
    ? null
    : /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(header);
  return match ? Math.min(Number(match[1]), LONGEST_WAIT_SECONDS) * 1_000 : null;
}

/** The part of the preference that was applied, for `Preference-Applied`. */
export function appliedPreference(waitMs: number): string {
  return `wait=${waitMs / 1_000}`;
}
