// Holds what a function reports until it is written. A report is checked at once, so that a mistake throws
// where the function made it, and is held back for a moment, so that many reports share a commit.

import { LONGEST_EVENT, type StoredEvent } from "../store/event_log.ts";
import { NotJsonError, toJsonText } from "../core/json.ts";
import type { Mask } from "../core/redaction.ts";
import type { Progress } from "../core/task.ts";

/** A report without its sequence number, which it gets when it is written. */
export type Report = DistributiveOmit<Extract<StoredEvent, { kind: "progress" | "log" | "chunk" }>, "seq">;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Log lines and chunks of one attempt. Later ones are dropped, and a last log line says so. */
export const MOST_REPORTS = 10_000;
/** Bytes of reports in one commit. */
const COMMIT_BYTES = 400_000;
const COMMIT_REPORTS = 100;

export class ReportBuffer {
  #waiting: Report[] = [];
  #taken = 0;

  /** Keeps the secrets of the input out of what is said of it. */
  mask: Mask | null = null;

  /** @param onReport called when there is something to write */
  constructor(
    private readonly attempt: number,
    private readonly now: () => number,
    private readonly onReport: () => void,
  ) {}

  get size(): number {
    return this.#waiting.length;
  }

  /** Replaces a progress report that was not written yet. */
  progress(current: number, total?: number, message?: string): void {
    const progress: Progress = {
      current: finite("current", current),
      total: total === undefined ? null : finite("total", total),
      message: message === undefined ? null : this.#shown(String(message)).slice(0, 200),
    };
    if (this.#waiting.at(-1)?.kind === "progress") this.#waiting.pop();
    this.#push({ kind: "progress", at: this.now(), attempt: this.attempt, progress });
  }

  log(message: string, data?: unknown): void {
    const known = data === undefined ? null : jsonOf("log(): data", data);
    const text = known !== null && this.mask ? JSON.stringify(this.mask.value(JSON.parse(known))) : known;
    const line = this.#shown(String(message));
    fits("a log line", line.length + (text?.length ?? 0));
    if (!this.#room()) return;
    this.#push({ kind: "log", at: this.now(), attempt: this.attempt, message: line, data: text });
  }

  emit(chunk: unknown): void {
    const text = jsonOf("emit(): the chunk", chunk);
    fits("a chunk", text.length);
    if (!this.#room()) return;
    this.#push({ kind: "chunk", at: this.now(), attempt: this.attempt, chunk: text });
  }

  /** Takes out the oldest reports, as many as one commit holds. */
  take(): Report[] {
    let bytes = 0, count = 0;
    for (const report of this.#waiting) {
      bytes += 2 * size(report) + 200;
      if (count === COMMIT_REPORTS || (bytes > COMMIT_BYTES && count > 0)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #shown(text: string): string {
    return this.mask?.text(text) ?? text;
  }

  #push(report: Report): void {
    this.#waiting.push(report);
    this.onReport();
  }

  #room(): boolean {
    this.#taken++;
    if (this.#taken === MOST_REPORTS) {
      const message = `only the first ${MOST_REPORTS - 1} log lines and chunks of an attempt are kept`;
      this.#push({ kind: "log", at: this.now(), attempt: this.attempt, message, data: null });
    }
    return this.#taken < MOST_REPORTS;
  }
}

function size(report: Report): number {
  switch (report.kind) {
    case "progress":
      return 100 + (report.progress.message?.length ?? 0);
    case "log":
      return report.message.length + (report.data?.length ?? 0);
    case "chunk":
      return report.chunk.length;
  }
}

function jsonOf(what: string, value: unknown): string {
  try {
    return toJsonText(value);
  } catch (error) {
    if (error instanceof NotJsonError) throw new TypeError(`${what} must be JSON: ${error.message}`);
    throw error;
  }
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new TypeError(`progress(): ${name} must be a finite number; it is ${value}`);
}

function fits(what: string, length: number): void {
  if (length <= LONGEST_EVENT) return;
  throw new RangeError(`${what} has ${length} characters of JSON; the limit is ${LONGEST_EVENT}: split it`);
}
