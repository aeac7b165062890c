// Server-Sent Events from an async generator. The reader sets the pace: the generator makes nothing ahead of
// it, so a slow reader costs no memory. Closing the connection ends the generator.

import type { Context } from "hono";
import { UnavailableError } from "../../runtime/core/errors.ts";
import { connectionOf } from "./connection.ts";
import { isHead, untold } from "./head.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { NOSNIFF } from "./safe_headers.ts";

export interface SseEvent {
  event: string;
  /** JSON text, in one line. */
  data: string;
  id: string;
}

const encoder = new TextEncoder();
/** How long a client waits before it connects again. */
const PREAMBLE = encoder.encode("retry: 1000\n\n");
const PING = encoder.encode(": ping\n\n");

/**
 * A reader that takes nothing for this many pings is cut off. It can connect again and go on where it was.
 */
const MOST_STUCK_PINGS = 8;

export interface SseOptions {
  /** A comment goes out at each beat. */
  heartbeat: Heartbeat;
  /** Gives the stream's slot back. */
  giveBack: () => void;
  /** Stops the generator: it is aborted when the reader is gone. */
  abort: AbortController;
  /** Told of an error in the generator; the reader sees a cut stream and comes back. */
  onError: (error: unknown) => void;
}

/** A response that streams batches of events. */
export function sseResponse(
  c: Context,
  batches: AsyncGenerator<SseEvent[]>,
  { heartbeat, giveBack, abort, onError }: SseOptions,
): Response {
  const headers = {
    ...NOSNIFF,
    "content-type": "text/event-stream",
    // A proxy that compresses would keep events until it has a block of them.
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  };
  if (isHead(c)) {
    abort.abort();
    giveBack();
    return new Response(untold(), { headers });
  }
  const connection = connectionOf(c);
  let leave = () => {};
  let stuckPings = 0;
  // One batch is requested ahead of the reader. Its promise is kept while pings go out.
  let closed = false;
  const close = () => {
    closed = true;
    giveBack();
    leave();
    abort.abort();
    // The generator may be waiting: the abort wakes it, and `return` runs its clean-up.
    batches.return(undefined).catch(failed);
  };
  const failed = (error: unknown) => {
    // The service may have stopped since the reader went: then its database is closed.
    if (!(closed && error instanceof UnavailableError)) onError(error);
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(PREAMBLE);
      leave = heartbeat.join(() => {
        // A reader that does not keep up is not sent pings on top of what it has not read.
        if ((controller.desiredSize ?? 0) > 0) {
          stuckPings = 0;
          controller.enqueue(PING);
        } else if (++stuckPings >= MOST_STUCK_PINGS) {
          close();
          // What has been sent and not taken would stay in memory for as long as the connection is open.
          connection?.close();
          controller.close();
        }
      });
    },
    async pull(controller) {
      try {
        const { value, done } = await batches.next();
        if (closed) return;
        if (done) {
          close();
          controller.close();
        } else {
          controller.enqueue(encoder.encode(value.map(format).join("")));
        }
      } catch (error) {
        failed(error);
        if (closed) return;
        close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 1 });
  return new Response(body, { headers });
}

function format({ id, event, data }: SseEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}
