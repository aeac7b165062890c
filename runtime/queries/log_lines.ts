// The log lines of a task, page by page.

import { type Entry } from "../core/task.ts";
import { eventsAfter, type TaskEvent } from "../store/event_log.ts";
import type { Store } from "../store/store.ts";

export type LogLine = Extract<TaskEvent, { kind: "log" }>;

export interface LogPage {
  lines: LogLine[];
  /** Where to go on; null: these are all that there are now. */
  nextAfter: number | null;
}

/** Events of other kinds may stand between the lines: a page looks through so many reads of them. */
const MOST_READS = 20;
/** Characters of one page, about. */
const LONGEST_PAGE = 1_000_000;

/** @param after a place in the task's event sequence */
export async function logLines(
  { kv }: Store,
  entry: Entry,
  after: number,
  limit: number,
): Promise<LogPage> {
  const lines: LogLine[] = [];
  let length = 0;
  for (let reads = 0; reads < MOST_READS; reads++) {
    const events = await eventsAfter(kv, entry, after);
    for (const event of events) {
      after = event.seq;
      if (event.kind !== "log") continue;
      lines.push(event);
      length += event.message.length + (event.data?.length ?? 0);
      if (lines.length === limit || length > LONGEST_PAGE) return { lines, nextAfter: after };
    }
    if (events.length === 0 || events[events.length - 1].kind === "end") return { lines, nextAfter: null };
  }
  return { lines, nextAfter: after };
}
