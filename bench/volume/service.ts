// The service as users start it, in a process of its own, with what can be seen of it from outside.

import { TextLineStream } from "./lines.ts";

export interface ServiceOptions {
  path: string;
  env?: Record<string, string>;
  /** What it says of failures, among others, is not shown. */
  isQuiet?: boolean;
}

const main = new URL("../../main.ts", import.meta.url).pathname;
const probe = new URL("./probe.ts", import.meta.url).pathname;

export class Service implements AsyncDisposable {
  readonly #held: ((longestMs: number) => void)[] = [];

  private constructor(
    private readonly child: Deno.ChildProcess,
    readonly url: URL,
    /** From the start of the process until it listened. */
    readonly startMs: number,
    private readonly output: ReadableStreamDefaultReader<string>,
    isQuiet: boolean,
  ) {
    this.#hear(isQuiet);
  }

  static async start({ path, env, isQuiet = false }: ServiceOptions): Promise<Service> {
    const startedAt = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--preload", probe, main],
      env: { PORT: "0", KV_PATH: path, DEMO_TASKS: "true", NO_COLOR: "1", ...env },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextLineStream()).getReader();
    const { value, done } = await output.read();
    if (done) throw new Error("the service ended before it listened");
    const startMs = performance.now() - startedAt;
    return new Service(child, new URL(value.trim().split(" ").at(-1)!), startMs, output, isQuiet);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** How long its event loop was held up at most, since this was asked last. */
  heldMs(): Promise<number> {
    return new Promise((resolve) => {
      this.#held.push(resolve);
      this.child.kill("SIGUSR2");
    });
  }

  /** Resident memory. */
  get memoryMiB(): number {
    return this.#status("VmRSS");
  }

  /** The most that was resident since the last {@linkcode forgetPeak}. */
  get peakMiB(): number {
    return this.#status("VmHWM");
  }

  forgetPeak(): void {
    Deno.writeTextFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.status;
    await this.output.cancel();
  }

  #status(name: string): number {
    const text = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)![1]) / 1_024;
  }

  async #hear(isQuiet: boolean): Promise<void> {
    for await (const line of this.child.stderr.pipeThrough(new TextLineStream())) {
      const held = /^\{"longestMs":([\d.]+)\}$/.exec(line);
      if (held) this.#held.shift()?.(Number(held[1]));
      else if (!isQuiet) Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
    }
  }
}
