// Bodies that would hold up everybody else if they were read and checked in one go.

import { DepthScan } from "../../runtime/core/json.ts";
import type { Turn } from "../../runtime/mod.ts";

/** What a call keeps under this: the turns in which its body is to be checked, if that takes long. */
export const LONG_BODY = "longBody";

/** Bytes or characters of a body that takes too long in one go. */
export const LONG = 128 * 1024;

/**
 * The text of JSON bytes; null if it nests too deep.
 *
 * @throws {TypeError} if they are not valid UTF-8
 */
export async function textInSlices(bytes: Uint8Array, turn: Turn, slice = LONG): Promise<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const depth = new DepthScan();
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += slice) {
    const next = turn.over();
    if (next) await next;
    const isLast = at + slice >= bytes.length;
    const piece = decoder.decode(bytes.subarray(at, at + slice), { stream: !isLast });
    if (depth.isTooDeep(piece)) return null;
    pieces.push(piece);
  }
  return pieces.join("");
}
