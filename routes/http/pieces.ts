// Large answers whose bytes are at hand. Each is sent in pieces of one buffer: what a slow reader has not
// taken costs a piece and not a copy of all. A reader that takes nothing is cut, with its connection.

import type { Context } from "hono";
import { usagesOf } from "../access/guard.ts";
import type { Arrival, BodyShare } from "./arrival.ts";
import { connectionOf } from "./connection.ts";
import { isHead } from "./head.ts";
import { type JsonResponse, jsonResponse, type Text } from "./json_response.ts";
import { ProblemError, unavailable } from "./problem.ts";
import type { Turn } from "../../runtime/mod.ts";

const PIECE_BYTES = 64 * 1024;
/** A connection of HTTP/2 can hold up two hundred answers at once, where another one holds up one. */
const SMALL_AMONG_OTHERS = 4 * 1024;
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
    if (isSmall(c, bytes.length) || isHead(c)) return new Response(bytes, { headers });
    this.#requirePlace();
    const length = { "content-length": String(bytes.length) };
    return new Response(this.#send(c, [bytes]), { headers: { ...headers, ...length } });
  }

  /**
   * Answers with JSON text of this one caller, which counts among the bytes of bodies.
   *
   * @throws {ProblemError} if too many are being sent, or too many bytes
   */
  json(c: Context, text: Text, status = 200, headers: Record<string, string> = {}): JsonResponse {
    if (isSmall(c, text.length) || isHead(c)) return jsonResponse(text, status, headers);
    using room = this.room(c, text.length);
    return room.json(text, status, headers);
  }

  /**
   * The same for a text in parts, which may be long.
   *
   * @throws {ProblemError} as `json` does
   */
  async jsonOf(
    c: Context,
    turn: Turn,
    parts: Text[],
    headers: Record<string, string>,
  ): Promise<JsonResponse> {
    const length = lengthOf(parts);
    using room = this.room(c, isHead(c) ? 0 : length);
    return await room.jsonOf(turn, parts, 200, headers);
  }

  /**
   * Room for the answer of a call that changes something: once it has, its answer is not refused, and only
   * counted.
   *
   * @param bytes that the answer may have beside what the call's body counts
   * @throws {ProblemError} as `json` does
   */
  room(c: Context, bytes = 0): Room {
    const room = new Room(c, (buffers, share) => this.#send(c, buffers, share));
    if (isSmall(c, bytes)) return room;
    this.#requirePlace();
    room.reserve(bytes);
    return room;
  }

  #requirePlace(): void {
    if (this.#open < this.#most) return;
    throw new ProblemError(
      unavailable(`${this.#most} large answers are being sent, and more are not begun`),
    );
  }

  #send(c: Context, buffers: Buffers, share?: BodyShare): ReadableStream<Uint8Array> {
    const connection = connectionOf(c);
    let [next, at] = [0, 0];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let [isOver, isClosed] = [false, false];
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
          if (!isClosed) controller.error(new Error("the reader takes nothing"));
        };
        expectReader();
      },
      pull(controller) {
        if (at >= buffers[next]?.length) [next, at] = [next + 1, 0];
        expectReader();
        if (next === buffers.length) {
          isClosed = true;
          controller.close();
          // What was handed over is kept by the platform until its reader takes it.
          buffers = [];
          if (connection?.taken) connection.taken.then(end);
          else end();
          return;
        }
        controller.enqueue(buffers[next].subarray(at, at += PIECE_BYTES));
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}

/** None of them is empty. */
type Buffers = Uint8Array<ArrayBuffer>[];
type Send = (buffers: Buffers, share?: BodyShare) => ReadableStream<Uint8Array>;

/** For one answer. To be disposed of when its call is answered. */
export class Room implements Disposable {
  #share: BodyShare | undefined;
  #counted = 0;
  #isSending = false;

  constructor(private readonly c: Context, private readonly send: Send) {}

  /** @throws {ProblemError} if there is no room for so many bytes */
  reserve(bytes: number): void {
    const share = this.#shareOf();
    try {
      share?.grow(bytes - this.#counted);
      this.#counted = bytes;
    } catch (error) {
      share?.add(this.#counted - bytes);
      throw error;
    }
  }

  /** False if there is no room for an answer of so many bytes. */
  fits(bytes: number): boolean {
    if (isSmall(this.c, bytes)) return true;
    try {
      this.reserve(bytes);
      return true;
    } catch (error) {
      if (error instanceof ProblemError) return false;
      throw error;
    }
  }

  /** True for an answer that is no longer than what is reserved. */
  holds(parts: Text[]): boolean {
    return lengthOf(parts) <= this.#counted;
  }

  /** The answer of the call. */
  json(text: Text, status: number, headers?: Record<string, string>): JsonResponse {
    if (isSmall(this.c, text.length) || isHead(this.c)) return jsonResponse(text, status, headers);
    return this.#sent([encoder.encode(text)], status, headers);
  }

  /** The same for a text in parts, which may be long. */
  async jsonOf(
    turn: Turn,
    parts: Text[],
    status: number,
    headers?: Record<string, string>,
  ): Promise<JsonResponse> {
    if (isSmall(this.c, lengthOf(parts)) || isHead(this.c)) {
      return jsonResponse(parts.join(""), status, headers);
    }
    const buffers: Buffers = [];
    let [from, length] = [0, 0];
    for (const [i, part] of parts.entries()) {
      length += part.length;
      if (length < PIECE_BYTES && i < parts.length - 1) continue;
      const next = turn.over();
      if (next) await next;
      buffers.push(encoder.encode(parts.slice(from, i + 1).join("")));
      [from, length] = [i + 1, 0];
    }
    return this.#sent(buffers, status, headers);
  }

  #sent(buffers: Buffers, status: number, headers?: Record<string, string>): JsonResponse {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    const share = this.#shareOf();
    share?.add(bytes - this.#counted);
    this.#isSending = true;
    const length = { "content-length": String(bytes) };
    return jsonResponse(this.send(buffers, share), status, { ...headers, ...length });
  }

  [Symbol.dispose](): void {
    if (!this.#isSending) this.#share?.giveBack();
  }

  #shareOf(): BodyShare | undefined {
    return this.#share ??= (this.c.env as Arrival | undefined)?.bodies?.share(usagesOf(this.c));
  }
}

function isSmall(c: Context, bytes: number): boolean {
  if (bytes <= SMALL_AMONG_OTHERS) return true;
  return bytes <= PIECE_BYTES && connectionOf(c)?.taken === undefined;
}

function lengthOf(parts: Text[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
