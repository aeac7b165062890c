// What shows that a request for the pump comes from the app: a ticket for this origin, good for one request.
// At another host, which somebody may have had it sent to, it opens nothing.

import { Tickets } from "../auth/tickets.ts";
import { UnavailableError } from "../runtime/core/errors.ts";
import { type Clock, type KvPort, serviceKeys } from "../runtime/mod.ts";

/** For so long it is remembered which were used: longer than any is good, whatever the clocks say. */
const REMEMBERED_MS = 10 * 60_000;
const FORM = /^([\w-]{36})\.(\S+)$/;

export class PumpTickets {
  readonly #tickets: Tickets;

  /** @param origin of the app; null where it has no pump */
  constructor(
    private readonly kv: KvPort,
    private readonly clock: Clock,
    private readonly origin: string | null,
  ) {
    this.#tickets = new Tickets(kv, clock);
  }

  async issue(ttlMs: number): Promise<string> {
    const nonce = crypto.randomUUID();
    return `${nonce}.${await this.#tickets.issue(this.#purpose(nonce), ttlMs)}`;
  }

  /**
   * True the first time that a ticket is shown which is good here.
   *
   * @throws {UnavailableError} if the database does not answer
   */
  async use(shown: string): Promise<boolean> {
    const [, nonce, ticket] = FORM.exec(shown) ?? [];
    if (this.origin === null || nonce === undefined) return false;
    if (await this.#tickets.verify(ticket, this.#purpose(nonce)) !== null) return false;
    const now = this.clock.now();
    const key = serviceKeys.usedTicket(nonce);
    const atomic = this.kv.atomic().check({ key, versionstamp: null });
    this.kv.write(atomic, { key, value: true, expireAt: now + REMEMBERED_MS }, now);
    try {
      return (await this.kv.commit(atomic)).ok;
    } catch (error) {
      throw new UnavailableError("the database did not answer", { cause: error });
    }
  }

  #purpose(nonce: string): string {
    return `pump ${this.origin} ${nonce}`;
  }
}
