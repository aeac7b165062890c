// One instance of the app as a real process: main.ts with the environment that Deno Deploy gives it, and the
// socket over which the platform fires its crons.

import { fileURLToPath } from "node:url";
import { ServiceProcess } from "../support/program.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const KILLED_AFTER_MS = 5_000;

export interface InstanceOptions {
  name: string;
  folder: string;
  env: Record<string, string>;
  /** Lines that it writes to its operator. */
  onLine: (line: string) => void;
}

export class InstanceProcess {
  readonly name: string;
  state: "starting" | "up" | "ending" | "gone" = "starting";
  port = 0;
  /** Requests that are not answered to the end. */
  open = 0;
  /** When a request or a byte of a response last came by. */
  activeAt = performance.now();
  /** Resolves when it takes requests, or has ended before that. */
  readonly up: Promise<void>;
  readonly gone: Promise<void>;
  readonly #process: ServiceProcess;
  readonly #sockets: Deno.Listener;
  #cron: Deno.Conn | null = null;
  /** Resolves when the platform knows its crons. */
  readonly #registered = Promise.withResolvers<void>();
  #cronDone: (() => void) | null = null;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    const path = `${options.folder}/${options.name}.sock`;
    this.#sockets = Deno.listen({ transport: "unix", path });
    this.#serveCron();
    const lines = linesTo(options.onLine);
    this.#process = new ServiceProcess({
      args: ["run", "-A", MAIN],
      env: { DEMO_TASKS: "true", ...options.env, DENO_UNSTABLE_CRON_SOCK: `unix:${path}`, PORT: "0" },
      onError: lines,
    });
    this.up = this.#process.listening.then((url) => {
      if (this.state !== "starting") return;
      this.port = Number(new URL(url).port);
      this.state = "up";
      this.activeAt = performance.now();
    }, () => {});
    this.gone = this.#process.ended.then(({ code, signal }) => {
      if (this.takes) options.onLine(`it ended by itself, with code ${code} and signal ${signal}`);
      this.state = "gone";
      this.#cronDone?.();
      try {
        this.#cron?.close();
      } catch { /* It is closed. */ }
      this.#sockets.close();
    });
  }

  /** True if requests may go there. */
  get takes(): boolean {
    return this.state === "starting" || this.state === "up";
  }

  /** Fires its cron. Resolves when that is over, or the instance is. */
  async sweep(): Promise<void> {
    await Promise.race([Promise.all([this.#registered.promise, this.up]), this.gone]);
    if (this.state !== "up" || this.#cron === null) return;
    const done = Promise.withResolvers<void>();
    this.#cronDone = done.resolve;
    this.open++;
    this.activeAt = performance.now();
    await this.#cron.write(
      new TextEncoder().encode(JSON.stringify({ kind: "invoke", name: "sweep" }) + "\n"),
    );
    await done.promise;
    this.open--;
    this.activeAt = performance.now();
  }

  /** SIGINT, and SIGKILL if it is still there after 5 s. */
  async end(): Promise<void> {
    if (!this.takes) return await this.gone;
    this.state = "ending";
    this.#process.signal("SIGINT");
    const late = setTimeout(() => this.kill(), KILLED_AFTER_MS);
    await this.gone;
    clearTimeout(late);
  }

  kill(): void {
    if (this.state !== "gone") this.state = "ending";
    this.#process.signal("SIGKILL");
  }

  async #serveCron(): Promise<void> {
    try {
      this.#cron = await this.#sockets.accept();
      const lines = linesTo((line) => {
        const { kind } = JSON.parse(line);
        if (kind === "register") this.#registered.resolve();
        if (kind === "result") this.#cronDone?.();
      });
      for await (const text of this.#cron.readable.pipeThrough(new TextDecoderStream())) lines(text);
    } catch { /* It ended. */ }
  }
}

/** Cuts a text that comes in parts into lines. */
function linesTo(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line !== "") onLine(line);
  };
}
