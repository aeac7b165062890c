// A stream of server-sent events that goes on after a cut: it connects again with the id of the last event,
// and the service continues exactly there. Only the event `end`, or a 204, is an end.

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { connectionError, readStream } from "../protocol/response.ts";
import type { Backoff } from "./backoff.ts";
import { ConnectionError, ErrandError } from "../protocol/errors.ts";
import { askedMs, type Call, type Http, isPassing, type Request } from "./http.ts";
import { Limit, onAbort, pause } from "./deadline.ts";

/** The service says something every 15 s. */
const SILENCE_MS = 45_000;
/** A connection that lasted this long counts as good, whatever came over it. */
const GOOD_MS = 5_000;
/** So long the service may take to close the connection after the end, so that it can be used again. */
const CLOSING_MS = 1_000;

export interface StreamEvent {
  id: string | undefined;
  event: string;
  /** JSON text. */
  data: string;
}

export interface StreamOptions {
  /** The events that are an end. */
  last?: readonly string[];
  /** True when the reader needs no more: a stream that is cut then is not opened again. */
  isComplete?(): boolean;
}

/**
 * The events, up to and with the last one. Leaving the loop closes the connection.
 *
 * @throws {ConnectionError} if for as long as `retry.forMs` no connection lasts or brings an event
 */
export async function* eventStream(
  http: Http,
  call: Omit<Call, "expects">,
  { last = ["end"], isComplete = () => false }: StreamOptions = {},
): AsyncGenerator<StreamEvent> {
  const backoff = http.backoff(call);
  let lastEventId: string | undefined;
  /** What the stream itself asks for between connections. */
  let pauseMs = 0;
  for (;;) {
    call.signal?.throwIfAborted();
    const headers = {
      ...call.headers,
      accept: "text/event-stream",
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    };
    const request = http.request({ ...call, headers });
    let firstAt: number | null = null;
    let lastAt = 0;
    let failure: unknown;
    try {
      const heard: Heard = {
        anything() {
          lastAt = performance.now();
          firstAt ??= lastAt;
        },
        retry: (ms) => pauseMs = ms,
      };
      for await (const event of connection(http, request, call.signal, last, heard)) {
        if (event === null) return;
        lastEventId = event.id ?? lastEventId;
        backoff.reset();
        yield event;
        if (last.includes(event.event)) return;
      }
      failure = new Error("the stream was cut");
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof ErrandError && !isPassing(error)) throw error;
      failure = error;
    }
    if (isComplete()) return;
    if (firstAt !== null && lastAt - firstAt >= GOOD_MS) backoff.reset();
    // The first try follows at once: most cuts are short. The next ones come as slowly as the service asks.
    const nextMs = backoff.next(Math.max(askedMs(failure), backoff.failures === 0 ? 0 : pauseMs));
    if (nextMs === null) throw gaveUp(request, failure, backoff);
    await pause(nextMs, call.signal);
  }
}

interface Heard {
  anything(): void;
  /** The pause before the next connection. */
  retry(ms: number): void;
}

/** The events of one connection; null for a 204. */
async function* connection(
  http: Http,
  request: Request,
  signal: AbortSignal | undefined,
  last: readonly string[],
  heard: Heard,
): AsyncGenerator<StreamEvent | null> {
  const limit = new Limit(signal);
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let leave = () => {};
  limit.within(http.requestTimeoutMs);
  try {
    const response = await request.send(limit.signal);
    if (response.status === 204) {
      yield null;
      return;
    }
    const arrived: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => void arrived.push(event), onRetry: heard.retry });
    const body = reader = (await readStream(response, request.name)).getReader();
    limit.signal.throwIfAborted();
    // A body that came without a connection, in this process, is not cut by the signal.
    leave = onAbort(limit.signal, () => void body.cancel().catch(() => {}));
    const decoder = new TextDecoder();
    for (;;) {
      limit.within(SILENCE_MS);
      const { value, done } = await reader.read();
      limit.signal.throwIfAborted();
      limit.rest();
      if (done) return;
      heard.anything();
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { id, event = "message", data } of arrived.splice(0)) {
        if (last.includes(event)) {
          limit.within(CLOSING_MS);
          await closed(reader);
          limit.rest();
        }
        yield { id, event, data };
      }
    }
  } finally {
    leave();
    await reader?.cancel().catch(() => {}); // It fails with the error of the stream, which is known.
    limit.end();
  }
}

/** Reads to the end of a stream after its last event, or gives it up. */
async function closed(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // It was not closed in time, so the connection is closed here.
  }
}

function gaveUp(request: Request, failure: unknown, { failures, elapsedMs }: Backoff): unknown {
  if (failure instanceof ErrandError && !(failure instanceof ConnectionError)) return failure;
  const { message, cause } = failure instanceof ConnectionError
    ? failure
    : connectionError(request.name, failure);
  const seconds = (elapsedMs / 1_000).toFixed(1);
  return new ConnectionError(`${message} (${failures} connections in ${seconds} s brought no event)`, {
    cause,
  });
}
