// One place for a service process: it is killed, stopped and started again, always on the same port.

import { fileURLToPath } from "node:url";
import { type Journal, now } from "./journal.ts";
import type { FaultLine } from "./lines.ts";
import { isWriting } from "./lock.ts";
import { ServiceProcess } from "../support/program.ts";
import { pause } from "../support/waiting.ts";

const SERVICE = fileURLToPath(new URL("./service.ts", import.meta.url));

export type Role = "all" | "web" | "worker";

export type State = "down" | "starting" | "up" | "stopped" | "terminating";

export interface SlotOptions {
  slot: number;
  port: number;
  role: Role;
  env: Record<string, string>;
  faults: Journal;
  /** Standard error of all its processes, to find the cause of a failure. */
  errorLog: Journal;
}

export class Slot implements AsyncDisposable {
  state: State = "down";
  readonly url: string;
  readonly role: Role;
  #process: ServiceProcess | null = null;
  /** The process is gone, and what was written of it is complete. */
  #ended: Promise<void> = Promise.resolve();
  /** How the newest process is meant to end. */
  #expected = false;

  constructor(private readonly options: SlotOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.role = options.role;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves once it listens, or once it has ended before that: `state` tells. */
  async start(): Promise<void> {
    const { env, slot, port } = this.options;
    const process = this.#process = new ServiceProcess({
      args: ["run", "-A", SERVICE],
      env: { ...env, PORT: String(port) },
      stdin: "piped",
      onError: (said) => this.options.errorLog.write({ slot, pid: process.pid, at: now(), said }),
    });
    this.#expected = false;
    this.state = "starting";
    this.#note("start");
    const up = process.listening.then(() => {
      if (this.state === "starting") this.state = "up";
    }, () => {});
    this.#ended = process.ended.then(({ code }) => {
      if (!this.#expected) this.#note("died", { code });
      this.state = "down";
    });
    await Promise.race([up, this.#ended]);
  }

  /** kill -9, whatever it is doing. Resolves once it is gone. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#process!.signal("SIGKILL");
    await this.#ended;
    // Written when it is gone: from here on nothing of it runs.
    this.#note("kill");
  }

  /** Without waiting: for the end of the process that started it. */
  killNow(): void {
    if (this.state !== "down") this.#process!.signal("SIGKILL");
  }

  /** Stops it in the midst of whatever it is doing. */
  stop(): void {
    this.state = "stopped";
    this.#note("stop");
    this.#process!.signal("SIGSTOP");
  }

  /** Stops it in the midst of a commit, or between two. @returns false if that moment did not come. */
  async stopWhile(writing: boolean, database: string): Promise<boolean> {
    const process = this.#process!;
    for (let tries = 0; tries < 100 && this.state === "up"; tries++) {
      process.signal("SIGSTOP");
      // Its threads stop one after the other.
      await pause(2);
      if (this.state !== "up" || this.#process !== process) return false;
      if (await isWriting(process.pid, database) === writing) {
        this.state = "stopped";
        this.#note("stop");
        return true;
      }
      process.signal("SIGCONT");
      await pause(3 * Math.random());
    }
    return false;
  }

  continue(): void {
    if (this.state !== "stopped") return;
    this.state = "up";
    this.#note("continue");
    this.#process!.signal("SIGCONT");
  }

  /** A graceful stop. @returns the exit code and how long it took. */
  async terminate(): Promise<{ code: number; tookMs: number }> {
    this.#expected = true;
    this.state = "terminating";
    this.#note("terminate");
    const { code, tookMs } = await this.#process!.end("SIGTERM");
    await this.#ended;
    this.#note("ended", { code, tookMs });
    return { code, tookMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state !== "down") await this.kill();
    await this.#ended;
  }

  #note(is: FaultLine["is"], more: Partial<FaultLine> = {}): void {
    const { slot, faults } = this.options;
    faults.write({ is, slot, pid: this.pid, at: now(), ...more });
  }
}
