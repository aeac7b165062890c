// One instance of the app as a real process: main.ts with the environment that Deno Deploy gives it, and the socket over
// which the platform fires its crons.

import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const FIRST_LINE = /^errand listening on http:\/\/[^:]+:(\d+)$/m;
const STARTS_WITHIN_MS = 20_000;
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
  readonly #child: Deno.ChildProcess;
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
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN],
      env: { ...options.env, DENO_UNSTABLE_CRON_SOCK: `unix:${path}`, PORT: "0", NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const up = Promise.withResolvers<void>();
    const late = setTimeout(() => this.kill(), STARTS_WITHIN_MS);
    this.up = up.promise.finally(() => clearTimeout(late));
    const said = this.#read(up.resolve);
    const errors = copyLines(this.#child.stderr, options.onLine);
    this.gone = Promise.all([this.#child.status, said, errors]).then(([{ code, signal }]) => {
      if (this.takes) options.onLine(`it ended by itself, with code ${code} and signal ${signal}`);
      this.state = "gone";
      this.#cronDone?.();
      try {
        this.#cron?.close();
      } catch { /* It is closed. */ }
      this.#sockets.close();
      up.resolve();
    });
  }

  /** True if requests may go there. */
  get takes(): boolean {
    return this.state === "starting" || this.state === "up";
  }

  /** Fires its cron. Resolves when that is over, or the instance is. */
  async sweep(): Promise<void> {
    await Promise.race([this.#registered.promise, this.gone]);
    if (this.state !== "up" || this.#cron === null) return;
    const done = Promise.withResolvers<void>();
    this.#cronDone = done.resolve;
    this.open++;
    await this.#cron.write(
      new TextEncoder().encode(JSON.stringify({ kind: "invoke", name: "sweep" }) + "\n"),
    );
    await done.promise;
    this.open--;
    this.activeAt = performance.now();
  }

  /** SIGINT, and SIGKILL to whoever is still there after 5 s. */
  async end(): Promise<void> {
    if (!this.takes) return await this.gone;
    this.state = "ending";
    this.#signal("SIGINT");
    const late = setTimeout(() => this.kill(), KILLED_AFTER_MS);
    await this.gone;
    clearTimeout(late);
  }

  kill(): void {
    if (this.state !== "gone") this.state = "ending";
    this.#signal("SIGKILL");
  }

  async #read(up: () => void): Promise<void> {
    let text = "";
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      const [, port] = FIRST_LINE.exec(text) ?? [];
      if (port === undefined || this.state !== "starting") continue;
      this.port = Number(port);
      this.state = "up";
      this.activeAt = performance.now();
      up();
    }
  }

  async #serveCron(): Promise<void> {
    try {
      this.#cron = await this.#sockets.accept();
      await copyLines(this.#cron.readable, (line) => {
        const { kind } = JSON.parse(line);
        if (kind === "register") this.#registered.resolve();
        if (kind === "result") this.#cronDone?.();
      });
    } catch { /* It ended. */ }
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch { /* It has ended. */ }
  }
}

async function copyLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line !== "") onLine(line);
  }
}
