// Writes the reports of an attempt, at most one commit every 100 ms.

import { type Clock, sleep } from "../platform/clock.ts";
import { type Report, ReportBuffer } from "./report_buffer.ts";

const WRITE_EVERY_MS = 100;

/** What the writer needs of its attempt. */
export interface ReportTarget {
  readonly stopSignal: AbortSignal;
  /** Returns false if the lease was lost. */
  write(reports: Report[]): Promise<boolean>;
  lose(): void;
  onReportError(error: unknown): void;
}

export class ReportWriter {
  /** Made on demand: most functions never report. */
  #buffer: ReportBuffer | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  #cancelTimer: (() => void) | null = null;
  #wroteAt = -Infinity;
  #isClosed = false;

  constructor(
    private readonly clock: Clock,
    private readonly attempt: number,
    private readonly target: ReportTarget,
  ) {}

  get buffer(): ReportBuffer {
    return this.#buffer ??= new ReportBuffer(this.attempt, () => this.clock.now(), () => this.#schedule());
  }

  /** Begins no more writes of its own. Returns the last reports, which are to be written with the outcome. */
  async close(): Promise<Report[]> {
    await this.stop();
    if (!this.#buffer) return [];
    let last = this.#buffer.take();
    while (this.#buffer.size > 0) {
      await this.target.write(last);
      last = this.#buffer.take();
    }
    return last;
  }

  /** Begins no more writes; resolves once none is under way. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing;
  }

  #schedule(): void {
    if (this.#cancelTimer || this.#isClosed) return;
    const waitMs = Math.max(0, this.#wroteAt + WRITE_EVERY_MS - this.clock.monotonic());
    this.#cancelTimer = this.clock.timer(() => {
      this.#writing = this.#writing.then(() => this.#write());
    }, waitMs);
  }

  async #write(): Promise<void> {
    this.#cancelTimer = null;
    this.#wroteAt = this.clock.monotonic();
    try {
      while (!this.#isClosed && this.buffer.size > 0) {
        if (!await this.target.write(this.buffer.take())) return this.target.lose();
      }
    } catch (error) {
      // KV is away. The reports of this write are lost, and the attempt goes on.
      this.target.onReportError(error);
      await sleep(this.clock, WRITE_EVERY_MS, this.target.stopSignal);
    }
  }
}
