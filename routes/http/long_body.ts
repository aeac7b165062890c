// Bodies that would hold up everybody else if they were read and checked in one go.

import { DepthScan } from "../../runtime/core/json.ts";
import type { Turn } from "../../runtime/mod.ts";
import type { Chunks } from "./bounded.ts";

/** What a call keeps under this: the turns in which its body is to be checked, if that takes long. */
export const LONG_BODY = "longBody";

const NOTHING = new Uint8Array(0);

/** Bytes or characters of a body that takes too long in one go. */
export const LONG = 128 * 1024;

/**
 * The text of JSON bytes; null if it nests too deep.
 *
 * @param chunks are used up
 * @throws {TypeError} if they are not valid UTF-8
 */
export async function textInSlices(chunks: Chunks, turn: Turn, slice = LONG): Promise<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const depth = new DepthScan();
  const pieces: string[] = [];
  const take = (piece: string) => pieces.push(piece) > 0 && depth.isTooDeep(piece);
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i];
    chunks[i] = NOTHING;
    for (let at = 0; at < chunk.length; at += slice) {
      const next = turn.over();
      if (next) await next;
      if (take(decoder.decode(chunk.subarray(at, at + slice), { stream: true }))) return null;
    }
  }
  return take(decoder.decode()) ? null : pieces.join("");
}
