// SHA-256 at once, not by a promise. Many services have no API keys and no child tasks, and hash nothing.

import type { Hash } from "node:crypto";
import { builtin } from "./builtin.ts";

/** A new one: `sha256().update(text).digest("hex")`. */
export function sha256(): Hash {
  return builtin("node:crypto").createHash("sha256");
}
