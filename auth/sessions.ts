// Sessions: what a browser has in place of a key. It shows the key once and gets a signed text, kept where
// no script can read it. A session is good in all processes. It ends with its time, with its key, or when its
// owner signs out; of these only the last is stored.

import { BoundedMap } from "../runtime/core/bounded_map.ts";
import type { Clock } from "../runtime/mod.ts";
import type { Tickets } from "./tickets.ts";

/** Why a session opens nothing: it is not one of this service, or its time is over, or it was ended. */
export type SessionFault = "forged" | "expired" | "ended";

export const SESSION_MS = 12 * 60 * 60 * 1000;
/** For so long it is not asked again whether a session was ended. */
const STALE_AFTER_MS = 900;
const MOST_KNOWN = 1_000;
const FORM = /^([\da-f-]{36})\.(\S+)$/;

export class Sessions {
  /** When it was last seen that a session goes on. */
  readonly #seenAt = new BoundedMap<string, number>(MOST_KNOWN);

  constructor(private readonly tickets: Tickets, private readonly clock: Clock) {}

  /** @param mark of the key that was shown */
  async begin(mark: string): Promise<string> {
    const id = crypto.randomUUID();
    return `${id}.${await this.tickets.issue(purposeOf(id), SESSION_MS, mark)}`;
  }

  /**
   * The mark of the key that a session stands for, which may have ended; or why the session opens nothing.
   *
   * @throws {UnavailableError} if the database does not answer
   */
  async look(shown: string): Promise<{ mark: string } | { fault: SessionFault }> {
    const [, id, ticket] = FORM.exec(shown) ?? [];
    if (id === undefined) return { fault: "forged" };
    const fault = await this.tickets.verify(ticket, purposeOf(id));
    const mark = this.tickets.makerOf(ticket);
    if (fault === "expired") return { fault };
    if (fault !== null || mark === undefined) return { fault: "forged" };
    const now = this.clock.monotonic();
    if (now - (this.#seenAt.get(id) ?? -Infinity) < STALE_AFTER_MS) return { mark };
    if (await this.tickets.isRetired(id)) return { fault: "ended" };
    this.#seenAt.set(id, now);
    return { mark };
  }

  /**
   * Ends a good session: here at once, in all processes within a second.
   *
   * @throws {UnavailableError} if the database does not answer
   */
  async end(shown: string): Promise<void> {
    if ("fault" in await this.look(shown)) return;
    const [, id] = FORM.exec(shown)!;
    await this.tickets.retire(id, SESSION_MS);
    this.#seenAt.delete(id);
  }
}

function purposeOf(id: string): string {
  return `session ${id}`;
}
