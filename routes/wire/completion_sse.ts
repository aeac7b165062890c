// Completions as events of a stream.

import { bare } from "../../runtime/core/tenant.ts";
import type { CompletionEvent, Runtime } from "../../runtime/mod.ts";
import type { SseEvent } from "../http/sse.ts";
import { taskText } from "./task_json.ts";

export async function* sseEvents(
  runtime: Runtime,
  events: AsyncGenerator<CompletionEvent>,
  prefix: string,
): AsyncGenerator<SseEvent[]> {
  for await (const event of events) yield [await sseOf(runtime, event, prefix)];
}

async function sseOf(runtime: Runtime, event: CompletionEvent, prefix: string): Promise<SseEvent> {
  const id = event.cursor;
  switch (event.kind) {
    case "task": {
      const forgotten = JSON.stringify({ id: bare(event.id), state: null, forgotten: true });
      const data = event.entry ? await taskText(runtime, event.entry, prefix) : forgotten;
      return { id, event: "task", data };
    }
    case "end": {
      const { total, yielded, outcome } = event;
      return { id, event: "end", data: JSON.stringify({ total, yielded, outcome }) };
    }
    case "timeout": {
      const message = `${event.unfinished} (of ${event.total}) futures unfinished`;
      return { id, event: "timeout", data: JSON.stringify({ message, pending: event.pending.map(bare) }) };
    }
  }
}
