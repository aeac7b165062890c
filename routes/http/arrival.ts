// How a request came in, and what it counts in.

import type { Usage } from "../../runtime/core/usage.ts";

/** Counts the bytes of bodies: see body_budget.ts. */
export interface BodyCounter {
  /** In which a body must have come to its end. */
  readonly longestMs: number;
  /** How many there may be. */
  readonly mostBytes: number;
  /** @param usages of the caller */
  share(usages: readonly Usage[]): BodyShare;
}

export interface BodyShare {
  /** @throws {ProblemError} if there is no room for these bytes */
  grow(bytes: number): void;
  /** Counts them, also without room. */
  add(bytes: number): void;
  giveBack(): void;
}

/** The connection of a request, where the service itself listens. */
export interface ConnectionPort {
  /** The address of the caller, or of the proxy before the service. */
  readonly address: string;
  /**
   * Resolves when the caller has taken the answer of this call, or is gone. Only where others are answered on
   * the connection at the same time (HTTP/2): the platform keeps what such a caller does not take.
   */
  readonly taken?: Promise<void>;
  /** Cuts it at once, with all that is sent on it. */
  close(): void;
  /** Cuts it when what is being answered has had the time to arrive. */
  closeSoon(): void;
}

/** How a request came in: what Hono calls its bindings. */
export interface Arrival {
  /** The path below which the app is mounted: it is cut off before a route is looked for. */
  mounted?: string;
  /** What links begin with. */
  prefix?: string;
  /** The call comes from this program itself: it needs no key. */
  trusted?: boolean;
  /** It was HEAD. */
  head?: boolean;
  /** What it came in on, where the service itself listens. */
  connection?: ConnectionPort;
  /** What its body counts in. */
  bodies?: BodyCounter;
}
