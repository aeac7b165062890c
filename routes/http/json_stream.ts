// A JSON answer of any length, sent while it is made: it is never in memory as a whole, and the database is
// read only as fast as the reader takes the answer. A short one is an answer like all others.

import type { Context } from "hono";
import { connectionOf } from "./connection.ts";
import type { Pieces } from "./pieces.ts";
import type { Slots } from "./connection_limit.ts";
import { isHead, untold } from "./head.ts";
import { jsonResponse } from "./json_response.ts";
import { type JsonResponse } from "./json_response.ts";
import { type Text } from "./json_response.ts";

export interface LongAnswerOptions {
  headers: Record<string, string>;
  slots: Slots;
  /** Sends one that is short. */
  pieces: Pieces;
  /** Told of an error after the answer was begun; the reader sees that it was cut off. */
  onError: (error: unknown) => void;
  /** A reader that takes nothing for so long is cut off. */
  longestStuckMs?: number;
}

const CHUNK_LENGTH = 64 * 1024;
const LONGEST_STUCK_MS = 120_000;
const encoder = new TextEncoder();

/**
 * Answers with all of `pieces`.
 *
 * @throws what `pieces` throws at the start: then that is the answer.
 * @throws {ProblemError} if it is long, and too many streams are open.
 */
export async function longAnswer(
  c: Context,
  pieces: AsyncGenerator<Text>,
  { headers, slots, pieces: short, onError, longestStuckMs = LONGEST_STUCK_MS }: LongAnswerOptions,
): Promise<JsonResponse> {
  const chunks = chunksOf(pieces);
  const first = await chunks.next();
  const second = first.done ? first : await chunks.next();
  if (second.done) return short.json(c, first.value ?? "", 200, headers);
  if (isHead(c)) {
    await chunks.return(undefined);
    return jsonResponse(untold(), 200, headers);
  }
  const giveBack = await takeSlot(
    c,
    slots,
    chunks,
    () => cut(new Error("the service stops, or the key of the caller has ended")),
  );
  const connection = connectionOf(c);
  const read = [first.value!, second.value];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let cut: (reason: Error) => void = () => {};
  const close = async () => {
    closed = true;
    clearTimeout(timer);
    giveBack();
    await chunks.return(undefined);
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      cut = (reason) => {
        controller.error(reason);
        void close();
      };
      expectReader();
    },
    async pull(controller) {
      clearTimeout(timer);
      try {
        const chunk = read.shift() ?? (await chunks.next()).value;
        if (closed) return;
        if (chunk === undefined) {
          await close();
          controller.close();
        } else {
          // First, because the reader may cancel as it takes the chunk: then the timer must be there to be
          // stopped.
          expectReader();
          controller.enqueue(encoder.encode(chunk));
        }
      } catch (error) {
        if (closed) return;
        onError(error);
        await close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
  return jsonResponse(body, 200, headers);

  function expectReader(): void {
    timer = setTimeout(() => {
      // What was sent and not taken would stay in memory for as long as the connection is open.
      connection?.close();
      cut(new Error("the reader takes nothing"));
    }, longestStuckMs);
  }
}

/** Without room nothing may go on either. */
async function takeSlot(
  c: Context,
  slots: Slots,
  chunks: AsyncGenerator<Text, undefined>,
  end: () => void,
): Promise<() => void> {
  try {
    return slots.take(c, end);
  } catch (error) {
    await chunks.return(undefined);
    throw error;
  }
}

/** Pieces put together to chunks that are worth sending. */
async function* chunksOf(pieces: AsyncGenerator<Text>): AsyncGenerator<Text, undefined, void> {
  let waiting: Text[] = [];
  let length = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < CHUNK_LENGTH) continue;
    yield waiting.join("");
    waiting = [];
    length = 0;
  }
  if (length > 0) yield waiting.join("");
}
