// A large answer whose bytes are at hand. It is sent in pieces of one buffer: what a slow reader has not
// taken costs a piece and not a copy of all. A reader that takes nothing is cut, with its connection.

import type { Context } from "hono";
import { usagesOf } from "../access/guard.ts";
import type { Arrival, BodyShare } from "./arrival.ts";
import { connectionOf } from "./connection.ts";
import { isHead } from "./head.ts";
import { ProblemError, unavailable } from "./problem.ts";
import { NOSNIFF } from "./safe_headers.ts";

const PIECE_BYTES = 64 * 1024;
/** Some are open to everybody: whoever holds them up must not cost more than so many. */
const MOST = 256;
const LONGEST_STUCK_MS = 30_000;
const encoder = new TextEncoder();

export interface PiecesOptions {
  /** Answers that are sent at once. */
  most?: number;
  /** A reader that takes nothing for so long is cut. */
  longestStuckMs?: number;
}

export class Pieces {
  #open = 0;
  readonly #most: number;
  readonly #longestStuckMs: number;

  constructor({ most = MOST, longestStuckMs = LONGEST_STUCK_MS }: PiecesOptions = {}) {
    this.#most = most;
    this.#longestStuckMs = longestStuckMs;
  }

  /** How many are being sent. */
  get open(): number {
    return this.#open;
  }

  /**
   * Answers with bytes that all who ask for them share.
   *
   * @throws {ProblemError} if too many are being sent
   */
  shared(c: Context, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Response {
    if (bytes.length <= PIECE_BYTES || isHead(c)) return new Response(bytes, { headers });
    return this.#answer(c, bytes, headers);
  }

  /**
   * Answers with JSON text of this one caller, which counts among the bytes of bodies.
   *
   * @throws {ProblemError} if too many are being sent, or too many bytes
   */
  json(c: Context, text: string, headers: Record<string, string>): Response {
    const all = { ...NOSNIFF, "content-type": "application/json", ...headers };
    if (text.length <= PIECE_BYTES || isHead(c)) return new Response(text, { headers: all });
    const share = (c.env as Arrival | undefined)?.bodies?.share(usagesOf(c));
    try {
      share?.grow(text.length);
      return this.#answer(c, encoder.encode(text), all, share);
    } catch (error) {
      share?.giveBack();
      throw error;
    }
  }

  #answer(
    c: Context,
    bytes: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    share?: BodyShare,
  ): Response {
    if (this.#open >= this.#most) {
      throw new ProblemError(
        unavailable(`${this.#most} large answers are being sent, and more are not begun`),
      );
    }
    const length = { "content-length": String(bytes.length) };
    return new Response(this.#send(c, bytes, share), { headers: { ...headers, ...length } });
  }

  #send(c: Context, bytes: Uint8Array<ArrayBuffer>, share?: BodyShare): ReadableStream<Uint8Array> {
    const connection = connectionOf(c);
    let at = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const end = () => {
      clearTimeout(timer);
      if (isOver) return;
      isOver = true;
      share?.giveBack();
      this.#open--;
    };
    this.#open++;
    let cut = () => {};
    const expectReader = () => {
      clearTimeout(timer);
      timer = setTimeout(() => cut(), this.#longestStuckMs);
    };
    return new ReadableStream({
      start(controller) {
        cut = () => {
          end();
          connection?.close();
          controller.error(new Error("the reader takes nothing"));
        };
        expectReader();
      },
      pull(controller) {
        if (at >= bytes.length) {
          end();
          return controller.close();
        }
        expectReader();
        controller.enqueue(bytes.subarray(at, at += PIECE_BYTES));
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}
