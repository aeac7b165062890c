// Tickets: signed texts that are valid for one purpose and a limited time. The secret is in the database, so
// each process accepts the tickets of all others.

import { type Clock, type KvPort, serviceKeys } from "../runtime/mod.ts";
import { UnavailableError } from "../runtime/core/errors.ts";

/** Why a ticket is refused: its signature is wrong; it is for another purpose; its time is over. */
export type TicketFault = "forged" | "other" | "expired";

/** The mark of who needs no key: where keys are needed since, its tickets open nothing. */
export const UNKEYED = "0";

const HMAC = { name: "HMAC", hash: "SHA-256" };
const SECRET_BYTES = 32;
/**
 * Expiry, digest of the purpose, the mark of its maker's key, signature. The last character of a signature
 * has no spare bits.
 */
const FORM = /^(([0-9a-z]{1,12})-([\w-]{43})(?:-([0-9a-f]{1,40}))?)\.([\w-]{42}[AEIMQUYcgkosw048])$/;
/** Whatever the clocks of processes say. */
const CLOCKS_APART_MS = 10 * 60_000;
const encoder = new TextEncoder();

export class Tickets {
  #secret: Promise<CryptoKey> | null = null;

  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  /** @param maker the mark of a key, with which it ends; left out for one of this program itself */
  async issue(purpose: string, ttlMs: number, maker?: string): Promise<string> {
    const expiresAt = Math.ceil(this.clock.now() + ttlMs);
    const mark = maker === undefined ? "" : `-${maker}`;
    const payload = `${expiresAt.toString(36)}-${await digestOf(purpose)}${mark}`;
    const signature = await crypto.subtle.sign(HMAC, await this.#key(), encoder.encode(payload));
    return `${payload}.${textOf(new Uint8Array(signature))}`;
  }

  /** The mark that a ticket bears, true or not. */
  makerOf(ticket: string): string | undefined {
    return FORM.exec(ticket)?.[4];
  }

  /** Null if the ticket is valid; the key of its maker is not looked at. */
  async verify(ticket: string, purpose: string): Promise<TicketFault | null> {
    const match = FORM.exec(ticket);
    if (!match) return "forged";
    const [, payload, expiresAt, digest, , signature] = match;
    const bytes = encoder.encode(payload);
    if (!await crypto.subtle.verify(HMAC, await this.#key(), bytesOf(signature), bytes)) return "forged";
    if (digest !== await digestOf(purpose)) return "other";
    return parseInt(expiresAt, 36) <= this.clock.now() ? "expired" : null;
  }

  /** Remembers that what this id names is over, for longer than any ticket for it is good. */
  async retire(id: string, longestTtlMs: number): Promise<void> {
    const now = this.clock.now();
    const expireAt = now + longestTtlMs + CLOCKS_APART_MS;
    try {
      await this.kv.writeBlind([{ key: serviceKeys.usedTicket(id), value: true, expireAt }], now);
    } catch (error) {
      throw new UnavailableError("the database did not answer", { cause: error });
    }
  }

  async isRetired(id: string): Promise<boolean> {
    return (await this.kv.get(serviceKeys.usedTicket(id))).versionstamp !== null;
  }

  #key(): Promise<CryptoKey> {
    return this.#secret ??= this.#load().catch((error) => {
      this.#secret = null;
      throw error;
    });
  }

  /** Reads the secret. The first process that needs it makes it. */
  async #load(): Promise<CryptoKey> {
    for (;;) {
      const { value } = await this.kv.get<Uint8Array<ArrayBuffer>>(serviceKeys.ticketSecret);
      if (value) return await crypto.subtle.importKey("raw", value, HMAC, false, ["sign", "verify"]);
      const atomic = this.kv.atomic().check({ key: serviceKeys.ticketSecret, versionstamp: null });
      this.kv.write(atomic, { key: serviceKeys.ticketSecret, value: drawSecret() }, this.clock.now());
      try {
        await this.kv.commit(atomic);
      } catch (error) {
        throw new UnavailableError("the database did not answer", { cause: error });
      }
      // Another process may have been first: the stored secret counts.
    }
  }
}

function drawSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

async function digestOf(text: string): Promise<string> {
  return textOf(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text))));
}

function textOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
