// Ids that follow from what a task is for: whoever submits it again, in whatever process, finds it there.

import { sha256 } from "./sha256.ts";

/** A UUIDv7 of a time, whose other digits follow from `parts`. */
export function derivedId(at: number, parts: string[]): string {
  const digest = sha256().update(JSON.stringify(parts)).digest("hex");
  const time = Math.max(0, at).toString(16).padStart(12, "0");
  const variant = (8 + parseInt(digest[3], 16) % 4).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${digest.slice(0, 3)}-` +
    `${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}
