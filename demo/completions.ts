// Reads /v1/as-completed to its `end` event. A cut stream is not an end: it is opened again from the last event that
// arrived, and the service goes on exactly there.

import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Task } from "./task.ts";

/** Connections in a row that bring no event, before it is given up. */
const MOST_FAILURES = 5;

export interface CompletionsOptions {
  signal?: AbortSignal;
  /** Before the next connection, until the stream itself says how long. */
  pauseMs?: number;
}

/**
 * The tasks, each once, in the order in which they ended.
 *
 * @throws {Error} if the request is refused, or if connection after connection brings nothing.
 */
export async function* completions(url: string, options: CompletionsOptions = {}): AsyncGenerator<Task> {
  const { signal } = options;
  let { pauseMs = 1_000 } = options;
  let lastEventId: string | undefined;
  for (let failures = 0; failures < MOST_FAILURES; failures++) {
    const body = await open(url, lastEventId, signal);
    if (body === null) return;
    try {
      for await (const { id, event, data } of parsed(body, (ms) => pauseMs = ms)) {
        lastEventId = id ?? lastEventId;
        failures = -1;
        if (event === "end") return;
        if (event === "task") yield JSON.parse(data);
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
    await delay(pauseMs, undefined, { signal });
  }
  throw new Error(`${url} brought nothing on ${MOST_FAILURES} connections in a row`);
}

/** Empty if nobody answers; null if all was delivered before. */
async function open(
  url: string,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null> {
  const headers = { accept: "text/event-stream", ...(lastEventId ? { "last-event-id": lastEventId } : {}) };
  try {
    const response = await fetch(url, { headers, signal });
    if (response.ok) return response.body;
    throw new Error(`${url} was answered with ${response.status}: ${await response.text()}`);
  } catch (error) {
    if (isCut(error)) return ReadableStream.from([]);
    throw error;
  }
}

function parsed(body: ReadableStream<Uint8Array<ArrayBuffer>>, onRetry: (ms: number) => void) {
  const parser: TransformStream<string, EventSourceMessage> = new EventSourceParserStream({ onRetry });
  return body.pipeThrough(new TextDecoderStream()).pipeThrough(parser);
}

/** How `fetch` says that there is no connection, or no longer one. */
function isCut(error: unknown): boolean {
  return error instanceof TypeError;
}
