// The events of one task, as they come: its states, progress, log and partial output.

import { useEffect, useRef, useState } from "preact/hooks";
import { BASE } from "./api.ts";
import type { HistoryEntry, Progress } from "./answers.ts";

export interface LogLine {
  seq: number;
  at: string;
  attempt: number;
  message: string;
  data: unknown;
  kind: "log" | "chunk";
}

export interface TaskStream {
  history: HistoryEntry[];
  lines: LogLine[];
  progress: Progress | null;
  isEnded: boolean;
}

/** Many lines a second are shown together. */
const GATHER_MS = 120;
/** Older ones are read by GET /v1/tasks/{id}/logs. */
const MOST_LINES = 50_000;
const AGAIN_MS = 3_000;

/** @param onState told when the task has changed its state, or ended */
export function useTaskStream(id: string, onState: () => void): TaskStream {
  const [shown, setShown] = useState<TaskStream>({
    history: [],
    lines: [],
    progress: null,
    isEnded: false,
  });
  const told = useRef(onState);
  told.current = onState;
  useEffect(() => {
    const all: TaskStream = {
      history: [],
      lines: [],
      progress: null,
      isEnded: false,
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let source: EventSource | null = null;
    let [after, isChanged] = [0, false];
    const show = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setShown({ ...all });
        if (isChanged) told.current();
        isChanged = false;
      }, GATHER_MS);
    };
    const on = (kind: string, take: (value: never) => void) => {
      source!.addEventListener(kind, (event) => {
        const { data, lastEventId } = event as MessageEvent;
        // The connection's own `error` has no data.
        if (typeof data !== "string") return;
        after = Number(lastEventId);
        take(JSON.parse(data) as never);
        show();
      });
    };
    const take = (kind: "log" | "chunk") => (line: { chunk?: unknown } & LogLine) => {
      // The list that is shown keeps its lines until it is drawn anew.
      if (all.lines.length >= MOST_LINES) all.lines = all.lines.slice(MOST_LINES / 2);
      // One list, which only grows: a copy for each line would take longer the more there are.
      all.lines.push(
        kind === "log" ? { ...line, kind } : { ...line, kind, message: "", data: line.chunk },
      );
    };
    const open = () => {
      source?.close();
      source = new EventSource(
        `${BASE}/v1/tasks/${id}/events${after > 0 ? `?after=${after}` : ""}`,
      );
      on("state", (entry: HistoryEntry) => {
        all.history = [...all.history, entry];
        isChanged = true;
      });
      on("progress", (progress: Progress) => all.progress = progress);
      on("log", take("log"));
      on("chunk", take("chunk"));
      on("error", () => isChanged = true);
      on("result", () => isChanged = true);
      on("end", () => {
        [all.isEnded, isChanged] = [true, true];
        source!.close();
      });
      source.onerror = () => {
        // The browser tries again by itself, unless it was told not to.
        if (source!.readyState !== EventSource.CLOSED || all.isEnded) return;
        clearTimeout(again);
        again = setTimeout(open, AGAIN_MS);
      };
    };
    const onVisible = () => {
      clearTimeout(again);
      if (document.hidden) source?.close();
      else if (!all.isEnded) open();
    };
    document.addEventListener("visibilitychange", onVisible);
    onVisible();
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      clearTimeout(timer);
      clearTimeout(again);
      source?.close();
    };
  }, [id]);
  return shown;
}
