// One place for a service process: it is killed, stopped and started again, always on the same port.

import { fileURLToPath } from "node:url";
import { type Journal, now } from "./journal.ts";
import type { FaultLine } from "./lines.ts";
import { isWriting } from "./lock.ts";
import { pause } from "./pause.ts";

const SERVICE = fileURLToPath(new URL("./service.ts", import.meta.url));
const FIRST_LINE = /^errand listening on http:\/\/\S+\n/;
/** Also one that waits for its database meanwhile. */
const START_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;

export type Role = "all" | "web" | "worker";

export type State = "down" | "starting" | "up" | "stopped" | "terminating";

export interface SlotOptions {
  slot: number;
  port: number;
  role: Role;
  env: Record<string, string>;
  faults: Journal;
  /** Standard error of all its processes, for whoever looks for the cause of a failure. */
  errorLog: Journal;
}

export class Slot implements AsyncDisposable {
  state: State = "down";
  readonly url: string;
  readonly role: Role;
  #child: Deno.ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  /** How the newest process is meant to end. */
  #expected = false;

  constructor(private readonly options: SlotOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.role = options.role;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves once it listens, or once it has ended before that: `state` tells. */
  async start(): Promise<void> {
    const { env, slot, port } = this.options;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SERVICE],
      env: { NO_COLOR: "1", ...env, PORT: String(port) },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#expected = false;
    this.state = "starting";
    this.#note("start");
    const up = Promise.withResolvers<void>();
    const late = setTimeout(() => this.#signal(child, "SIGKILL"), START_WITHIN_MS);
    const read = async () => {
      let said = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        if (!FIRST_LINE.test(said) || this.state !== "starting") continue;
        this.state = "up";
        clearTimeout(late);
        up.resolve();
      }
    };
    const copy = async () => {
      for await (const said of child.stderr.pipeThrough(new TextDecoderStream())) {
        this.options.errorLog.write({ slot, pid: child.pid, at: now(), said });
      }
    };
    this.#ended = Promise.all([read(), copy(), child.status]).then(async ([, , { code }]) => {
      clearTimeout(late);
      // The pipe is closed with the process.
      await child.stdin.close().catch(() => {});
      if (!this.#expected) this.#note("died", { code });
      this.state = "down";
      up.resolve();
    });
    await up.promise;
  }

  /** kill -9, whatever it is doing. Resolves once it is gone. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#signal(this.#child!, "SIGKILL");
    await this.#ended;
    // Written when it is gone: from here on nothing of it runs.
    this.#note("kill");
  }

  /** Without waiting: for the end of the process that started it. */
  killNow(): void {
    if (this.state !== "down") this.#signal(this.#child!, "SIGKILL");
  }

  /** Stops it in the midst of whatever it is doing. */
  stop(): void {
    this.state = "stopped";
    this.#note("stop");
    this.#signal(this.#child!, "SIGSTOP");
  }

  /** Stops it in the midst of a commit, or between two. @returns false if it is not to be had that way. */
  async stopWhile(writing: boolean, database: string): Promise<boolean> {
    const child = this.#child!;
    for (let tries = 0; tries < 100 && this.state === "up"; tries++) {
      this.#signal(child, "SIGSTOP");
      // Its threads stop one after the other.
      await pause(2);
      if (this.state !== "up" || this.#child !== child) return false;
      if (await isWriting(child.pid, database) === writing) {
        this.state = "stopped";
        this.#note("stop");
        return true;
      }
      this.#signal(child, "SIGCONT");
      await pause(3 * Math.random());
    }
    return false;
  }

  continue(): void {
    if (this.state !== "stopped") return;
    this.state = "up";
    this.#note("continue");
    this.#signal(this.#child!, "SIGCONT");
  }

  /** A graceful stop. @returns the exit code and how long it took. */
  async terminate(): Promise<{ code: number; tookMs: number }> {
    const child = this.#child!;
    this.#expected = true;
    this.state = "terminating";
    this.#note("terminate");
    const since = performance.now();
    this.#signal(child, "SIGTERM");
    const late = setTimeout(() => this.#signal(child, "SIGKILL"), STOP_WITHIN_MS);
    const { code } = await child.status;
    const tookMs = performance.now() - since;
    clearTimeout(late);
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

  #signal(child: Deno.ChildProcess, signal: Deno.Signal): void {
    try {
      child.kill(signal);
    } catch { /* It has ended. */ }
  }
}
