// The database server of a run: it too is killed, stopped and started again, and what was done to it is
// written down.

import type { Denokv } from "../../tools/denokv_server.ts";
import { type Journal, now } from "./journal.ts";
import type { FaultLine } from "./lines.ts";

/** In the place of a slot's number. */
const SERVER = -1;

export class DatabaseServer {
  isThere = false;
  #stopped = false;

  constructor(private readonly denokv: Denokv, private readonly faults: Journal) {}

  /** What a service on it is told. */
  get env(): Record<string, string> {
    return this.denokv.env;
  }

  /** Resolves once it takes connections. */
  async begin(): Promise<void> {
    await this.denokv.begin();
    this.isThere = true;
    this.#note("start");
  }

  /** kill -9, whatever it is doing. Resolves once it is gone. */
  async end(): Promise<void> {
    this.isThere = false;
    this.#stopped = false;
    await this.denokv.end("SIGKILL");
    this.#note("kill");
  }

  /** It takes connections and answers nothing. */
  stop(): void {
    this.#stopped = true;
    this.#note("stop");
    this.denokv.signal("SIGSTOP");
  }

  continue(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#note("continue");
    this.denokv.signal("SIGCONT");
  }

  /** Without waiting: for the end of the process that started it. */
  killNow(): void {
    if (this.isThere) this.denokv.signal("SIGKILL");
  }

  #note(is: FaultLine["is"]): void {
    this.faults.write({ is, slot: SERVER, pid: 0, at: now() } satisfies FaultLine);
  }
}
