// Which calls of several commits have been cut off. The clock of the process that stores a call may differ
// from this one's by any time, so a timer that is due says nothing alone: each commit of a call renews its
// timers, and one that stays as it is, by this process's own monotonic clock, belongs to a call that does
// nothing.

import type { Clock } from "../platform/clock.ts";
import type { DueKind } from "../platform/keys.ts";

interface CallTimer {
  key: Deno.KvKey;
  kind: DueKind;
  versionstamp: string;
}

interface Seen {
  versionstamp: string;
  at: number;
  stillMs: number;
}

/** Longer than the database may take for one commit of a call. */
const CUT_OFF_AFTER_MS = 60_000;
/** A pause of this process is no silence of the others: they may have been paused with it. */
const LONGEST_STEP_MS = 30_000;

export class StandingCalls {
  #seen = new Map<string, Seen>();

  constructor(private readonly clock: Clock) {}

  /** Without the timers of calls that may go on. */
  standing<Timer extends CallTimer>(due: Timer[]): Timer[] {
    const seen = new Map<string, Seen>();
    const standing = due.filter((timer) => {
      if (timer.kind !== "unseal" && timer.kind !== "recount") return true;
      const now = this.#look(timer);
      seen.set(timer.key.join("/"), now);
      return now.stillMs >= CUT_OFF_AFTER_MS;
    });
    this.#seen = seen;
    return standing;
  }

  #look({ key, versionstamp }: CallTimer): Seen {
    const at = this.clock.monotonic();
    const known = this.#seen.get(key.join("/"));
    if (known?.versionstamp !== versionstamp) return { versionstamp, at, stillMs: 0 };
    return { versionstamp, at, stillMs: known.stillMs + Math.min(at - known.at, LONGEST_STEP_MS) };
  }
}
