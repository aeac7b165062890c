// What an attack is. To add a kind, write a file beside this one and name it in kinds.ts.

/** Attacks of one kind, against one service. */
export interface Kind {
  /** One word. */
  name: string;
  /**
   * Settings that the service must have for it, beside those of every attack (service.ts). With them the
   * kind is passed over where the service is somebody else's.
   */
  env?: Record<string, string>;
  attacks: Attack[];
}

export interface Attack {
  /** What must hold, as a sentence: it is printed. */
  holds: string;
  /** It looks at the process or its database: passed over where the service is somebody else's. */
  needsOwn?: boolean;
  /**
   * @returns a figure worth printing, if there is one
   * @throws any error, which says how the service did not hold
   */
  run(target: Target): Promise<string | void>;
}

/** The service that is attacked. */
export interface Target {
  /** Without a slash at its end. */
  url: string;
  /** Headers of the attacker; empty without keys. */
  headers: Record<string, string>;
  /** Null for a service that this program has not started. */
  own: OwnService | null;
}

export interface OwnService {
  pid: number;
  /** Its database file. */
  kvPath: string;
  /** What it has written to its log so far, a line each. */
  log(): string[];
}

export class NotHeldError extends Error {
  override name = "NotHeldError";
}

/** @throws {NotHeldError} */
export function hold(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new NotHeldError(otherwise);
}
