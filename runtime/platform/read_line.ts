// So many reads at once, the others in line. Whoever asks for a thousand records takes turns with all others
// who wait, and the engine's own reads go before those of its callers: the backend answers one after the
// other, so whatever was sent ahead of a heartbeat is time that the heartbeat waits.

import { type Clock } from "./clock.ts";

/** Whose reads they are. */
export type Reader = "engine" | "caller";

/**
 * The backend always has the next one at hand, and what comes beside this line waits for no more than these.
 */
const MOST_READS = 32;
/** Callers get at least every fourth place. */
const ENGINE_TURNS = 3;

interface Job {
  parts: (() => Promise<unknown>)[];
  started: number;
  answers: unknown[];
  left: number;
  resolve: (answers: unknown[]) => void;
  reject: (error: unknown) => void;
}

export class ReadLine {
  /** Reads under way. */
  #busy = 0;
  #engineTurns = 0;
  /** When the last answer came, or the first read was begun that is under way. */
  #answeredAt = 0;
  readonly #waiting: Record<Reader, Job[]> = { engine: [], caller: [] };

  /**
   * @param silentMs with no answer for so long, the backend is away, and nobody waits for a place any more
   */
  constructor(
    private readonly clock: Clock,
    private readonly silentMs: number,
    private readonly most = MOST_READS,
  ) {}

  /** The answers of all parts, in their order; rejects with the first failure, and starts no more of them. */
  all<T>(parts: (() => Promise<T>)[], reader: Reader): Promise<T[]> {
    if (parts.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const answers = new Array<T>(parts.length);
      this.#waiting[reader].push({
        parts,
        started: 0,
        answers,
        left: parts.length,
        resolve: resolve as Job["resolve"],
        reject,
      });
      this.#start();
    });
  }

  #start(): void {
    while (this.#busy < this.most) {
      const line = this.#nextLine();
      const job = line?.shift();
      if (!job) return;
      const place = job.started++;
      // Behind the others who wait: they take turns.
      if (job.started < job.parts.length) line!.push(job);
      if (this.#busy++ === 0) this.#answeredAt = this.clock.monotonic();
      void this.#read(job, place);
    }
  }

  #nextLine(): Job[] | null {
    const { engine, caller } = this.#waiting;
    if (engine.length > 0 && (caller.length === 0 || this.#engineTurns < ENGINE_TURNS)) {
      this.#engineTurns++;
      return engine;
    }
    this.#engineTurns = 0;
    return caller.length > 0 ? caller : null;
  }

  async #read(job: Job, place: number): Promise<void> {
    try {
      job.answers[place] = await job.parts[place]();
      this.#answeredAt = this.clock.monotonic();
      if (--job.left === 0) job.resolve(job.answers);
    } catch (error) {
      this.#drop(job, error);
      // Those in line would wait for each other's deadlines.
      if (this.clock.monotonic() - this.#answeredAt >= this.silentMs) this.#dropAll(error);
    } finally {
      this.#busy--;
      this.#start();
    }
  }

  #drop(job: Job, error: unknown): void {
    for (const line of Object.values(this.#waiting)) {
      const at = line.indexOf(job);
      if (at >= 0) line.splice(at, 1);
    }
    job.reject(error);
  }

  #dropAll(error: unknown): void {
    for (const line of Object.values(this.#waiting)) {
      for (const job of line.splice(0)) job.reject(error);
    }
  }
}
