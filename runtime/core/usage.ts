// How much of the service one of its callers uses, and may use: a key, or a tenant with all of its keys. What
// is counted here is what this process knows.

import type { Caller } from "./caller.ts";
import { Rate } from "./rate.ts";

/** What there are quotas of. */
export const QUOTAS = [
  "requestsPerSecond",
  "queued",
  "running",
  "waiting",
  "bodyBytes",
  "storedBytes",
] as const;
export type QuotaName = typeof QUOTAS[number];
/** What there is a limit of for all callers together, too. */
export type SharedOut = Exclude<QuotaName, "requestsPerSecond" | "storedBytes">;
export type Quotas = { readonly [Name in QuotaName]?: number };

/** Who is counted: a key by its name, or a tenant. */
export interface Counted {
  readonly kind: "key" | "tenant";
  readonly name: string;
  /** Of the key; empty for the default tenant. */
  readonly tenant: string;
}

export function labelOf({ kind, name, tenant }: Counted): string {
  return kind === "key" && tenant !== ""
    ? `the key "${name}" of the tenant ${tenant}`
    : `the ${kind} "${name}"`;
}

export class Usage {
  /** Tasks that wait for a worker. */
  queued = 0;
  /** Functions that run in this process. */
  running = 0;
  /** Streams and waits that are open. */
  waiting = 0;
  /** Bytes of bodies in memory. */
  bodyBytes = 0;
  /** Bytes of tasks in the database. Counted only where a quota bounds them. */
  storedBytes = 0;
  #quotas: Quotas = {};
  #rate: Rate | null = null;
  #share = 1;

  constructor(readonly of: Counted) {}

  /** Null: as many as it likes. */
  get rate(): Rate | null {
    return this.#rate;
  }

  /** @param share of what all together may have, where no quota says how much */
  allow(quotas: Quotas, share: number): void {
    const { requestsPerSecond } = quotas;
    if (requestsPerSecond === undefined) this.#rate = null;
    else if (requestsPerSecond !== this.#quotas.requestsPerSecond) this.#rate = new Rate(requestsPerSecond);
    this.#quotas = quotas;
    this.#share = share;
  }

  quota(what: QuotaName): number | undefined {
    return this.#quotas[what];
  }

  /** @param all that all callers together may have */
  most(what: SharedOut, all: number): number {
    return Math.min(all, this.#quotas[what] ?? Math.max(1, Math.floor(all * this.#share)));
  }
}

/** Those who are counted for what a caller does. */
export interface Usages {
  /** Its key, and its tenant if it has one; nobody for a caller without a key. */
  of(caller: Pick<Caller, "name" | "tenant">): readonly Usage[];
  /** Some may have more, or less, than before. */
  onChange?: () => void;
}

/** Where callers are not told apart. */
export const UNCOUNTED: Usages = { of: () => [] };
