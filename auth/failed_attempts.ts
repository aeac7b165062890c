// Who shows secrets that are none, again and again. Such a source is told to wait, and the log names it. A
// call with a right key is let in whatever its source has done: many callers may share one address.

import { BoundedMap } from "../runtime/core/bounded_map.ts";
import type { Clock, Log } from "../runtime/mod.ts";

const WINDOW_MS = 60_000;
/** In a window; a deployment with a wrong key makes some. */
const MOST = 20;
const MOST_SOURCES = 10_000;

interface Window {
  endsAt: number;
  count: number;
}

export interface Failure {
  /** For so many milliseconds the source must wait; 0 as long as it has not failed too often. */
  waitMs: number;
  /** It was told to wait before. */
  isAgain: boolean;
}

export class FailedAttempts {
  readonly #windows = new BoundedMap<string, Window>(MOST_SOURCES);

  constructor(private readonly clock: Clock, private readonly log: Log) {}

  /** Counts a failure of this source. */
  add(source: string): Failure {
    const now = this.clock.monotonic();
    const known = this.#windows.get(source);
    const window = known && known.endsAt > now ? known : { endsAt: now + WINDOW_MS, count: 0 };
    // Behind all others, as it ends last.
    if (window !== known) this.#windows.set(source, window);
    window.count++;
    if (window.count <= MOST) return { waitMs: 0, isAgain: false };
    if (window.count === MOST + 1) {
      this.log.info(
        `${source} has shown ${window.count} wrong keys, tickets or sessions within a minute: it is told to wait`,
      );
    }
    return { waitMs: window.endsAt - now, isAgain: window.count > MOST + 1 };
  }
}
