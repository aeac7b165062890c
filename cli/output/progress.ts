import type { Progress } from "../../client/mod.ts";

/** `3 of 10 (30 %) parsing` */
export function progressOf({ current, total, message }: Progress): string {
  const share = total ? ` (${Math.floor(100 * current / total)} %)` : "";
  return `${current}${total === null ? "" : ` of ${total}`}${share}${message ? ` ${message}` : ""}`;
}
