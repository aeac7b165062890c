// A view that takes the whole terminal, and gives it back.

import type { Io } from "./io.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

export interface View {
  /** Aborts at Ctrl-C, SIGTERM, or the key q. */
  readonly over: AbortSignal;
  show(frame: string): void;
  /** The terminal is as it was. */
  close(): void;
}

/** Without a terminal, frames are written one below the other. */
export function openView(io: Io): View {
  const over = new AbortController();
  const end = () => over.abort();
  const isTerminal = io.columns() !== null;
  const stops = [io.onInterrupt(end)];
  if (isTerminal) {
    stops.push(io.onKey((key) => key === "q" && end()));
    io.out(ENTER);
  }
  return {
    over: over.signal,
    show(frame) {
      if (!isTerminal) return io.out(`${frame}\n`);
      const lines = frame.trimEnd().split("\n").slice(0, (io.rows() ?? 24) - 1);
      io.out(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    },
    close() {
      for (const stop of stops) stop();
      if (isTerminal) io.out(LEAVE);
    },
  };
}
