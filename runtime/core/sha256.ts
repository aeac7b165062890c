// SHA-256 at once, not by a promise. Importing node:crypto is an eighth of all that a start takes, so it is
// loaded by whoever hashes first: many services have no API keys and no child tasks.

import type { createHash, Hash } from "node:crypto";

/** A new one: `sha256().update(text).digest("hex")`. */
export function sha256(): Hash {
  const crypto = process.getBuiltinModule("node:crypto") as { createHash: typeof createHash };
  return crypto.createHash("sha256");
}
