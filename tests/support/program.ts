// Programs as processes of their own: one that is run to its end, and one that serves until it is told to
// end.

import { HANGS_MS } from "./waiting.ts";

export type Env = Record<string, string>;

export interface ProgramOptions {
  /** Deno, unless it says otherwise. */
  program?: string;
  args: string[];
  cwd?: string;
  /** Added to the environment of the tests. */
  env?: Env;
  /** A program that runs longer hangs, and is killed. */
  hangsMs?: number;
  /** "null" for one that outlives a test: to read what it writes would be a leak of that test. */
  stderr?: "piped" | "null";
}

export interface ServiceProcessOptions extends ProgramOptions {
  /** "piped" for a program that ends when its standard input does. */
  stdin?: "null" | "piped";
  /** Gets what it writes to standard error, as it comes. */
  onError?: (text: string) => void;
}

const FIRST_LINE = /^errand listening on (http:\/\/\S+)\n/;

/** Runs a program to its end. One that hangs is killed, and its code is that of the signal. */
export async function run(
  options: ProgramOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = commandOf(options, "null").spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), options.hangsMs ?? HANGS_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(late);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function commandOf(
  { program = Deno.execPath(), args, cwd, env, stderr = "piped" }: ProgramOptions,
  stdin: "null" | "piped",
) {
  return new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin,
    stdout: "piped",
    stderr,
  });
}

/** A service, from its start on. */
export class ServiceProcess implements AsyncDisposable {
  readonly output = { stdout: "", stderr: "" };
  /** The URL that its first line tells. Rejects if it ends ahead of that. */
  readonly listening: Promise<string>;
  /** Resolves once it is gone and all that it wrote has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;

  constructor({ stdin = "null", onError = () => {}, ...options }: ServiceProcessOptions) {
    const child = this.#child = commandOf(options, stdin).spawn();
    const listening = Promise.withResolvers<string>();
    const late = setTimeout(() => this.signal("SIGKILL"), HANGS_MS);
    const read = async (name: "stdout" | "stderr", onText: (text: string) => void) => {
      for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
        this.output[name] += text;
        onText(text);
      }
    };
    const onOutput = () => {
      const match = FIRST_LINE.exec(this.output.stdout);
      if (!match) return;
      clearTimeout(late);
      listening.resolve(match[1]);
    };
    const errors = options.stderr === "null" ? null : read("stderr", onError);
    const all = [child.status, read("stdout", onOutput), errors] as const;
    this.ended = Promise.all(all).then(async ([status]) => {
      clearTimeout(late);
      // The pipe is closed with the process.
      if (stdin === "piped") await child.stdin.close().catch(() => {});
      listening.reject(new Error(`it did not start: ${this.output.stderr}`));
      return status;
    });
    this.listening = listening.promise;
    this.listening.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch { /* It has ended. */ }
  }

  /** Sends a signal and waits for the end, which comes by SIGKILL where it hangs. */
  async end(signal: Deno.Signal): Promise<Deno.CommandStatus & { tookMs: number }> {
    const since = performance.now();
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), HANGS_MS);
    const status = await this.#child.status;
    const tookMs = performance.now() - since;
    clearTimeout(late);
    await this.ended;
    return { ...status, tookMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
