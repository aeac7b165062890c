// One connection: whether it is in use, since when it is not, and how it ends.

import type { ConnectionPort } from "../routes/http/prefix.ts";

/** An answer may still be on its way. */
const LINGER_ROUNDS = 2;

/** The time as far as connections need it: a number that rises each second. */
export interface Rounds {
  now: number;
}

export class Connection implements ConnectionPort {
  /** No request has come yet: not even the head of one. */
  isSilent = true;
  /** In rounds. */
  idleSince: number;
  /** In rounds; cut then, whatever runs on it. */
  endsAt = Infinity;
  #open = 0;
  readonly #cut = new AbortController();

  constructor(readonly address: string, private readonly rounds: Rounds) {
    this.idleSince = rounds.now;
  }

  /** Aborted to cut it. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  /** It is HTTP/2, and not its first call. */
  get isShared(): boolean {
    return this.#open > 1;
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** A request has come. */
  begin(): void {
    this.isSilent = false;
    this.#open++;
  }

  /** Its answer is over, or its caller gone. */
  readonly end = (): void => {
    this.#open--;
    this.idleSince = this.rounds.now;
  };

  closeSoon(): void {
    this.endsAt = Math.min(this.endsAt, this.rounds.now + LINGER_ROUNDS);
  }

  close(): void {
    this.#cut.abort();
  }
}

/** A call on a connection that carries others at the same time. */
export class SharedCall implements ConnectionPort {
  constructor(private readonly connection: Connection, readonly taken: Promise<void>) {}

  get address(): string {
    return this.connection.address;
  }

  close(): void {
    this.connection.close();
  }

  closeSoon(): void {
    this.connection.closeSoon();
  }
}
