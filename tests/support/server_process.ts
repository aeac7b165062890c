// The service as a process of its own: for what only a process can show, as signals, crashes and exit codes.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Body } from "./service.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const FIRST_LINE = /^errand listening on (http:\/\/\S+)\n/;

export type Env = Record<string, string>;

function command(env: Env, main = MAIN, flags: string[] = []) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...flags, main],
    env: { PORT: "0", NO_COLOR: "1", API_KEYS: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Starts and waits for the end: for starts that fail. */
export async function startAndFail(env: Env): Promise<{ code: number; said: string; stdout: string }> {
  const child = command(env).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  return { code, said: new TextDecoder().decode(stderr), stdout: new TextDecoder().decode(stdout) };
}

export class Server implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly child: Deno.ChildProcess,
    private readonly rest: Promise<unknown>[],
    readonly output: { stdout: string; stderr: string },
  ) {}

  /**
   * @param main another program than main.ts, with definitions of its own
   * @param flags of `deno run`
   */
  static async start(env: Env, main?: string, flags?: string[]): Promise<Server> {
    const child = command(env, main, flags).spawn();
    const output = { stdout: "", stderr: "" };
    const listening = Promise.withResolvers<string>();
    const read = async (name: "stdout" | "stderr") => {
      for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
        output[name] += text;
        const match = FIRST_LINE.exec(output.stdout);
        if (match) listening.resolve(match[1]);
      }
    };
    const rest = [read("stdout"), read("stderr")];
    Promise.all(rest).then(() => listening.reject(new Error(`it did not start: ${output.stderr}`)));
    return new Server(await listening.promise, child, rest, output);
  }

  async fetch(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: Body }> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async submit(task: string, input: unknown, options?: unknown): Promise<Body> {
    const { status, body } = await this.fetch("/v1/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ task, input, options }),
    });
    assert.equal(status, 202, JSON.stringify(body));
    return body;
  }

  async task(id: string, waitSeconds = 0): Promise<Body> {
    const { status, body } = await this.fetch(`/v1/tasks/${id}?wait=${waitSeconds}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  async until(id: string, type: string): Promise<Body> {
    for (let tries = 0; tries < 400; tries++) {
      const task = await this.task(id);
      if (task.state.type === type) return task;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`task ${id} is not ${type}`);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: Deno.Signal): Promise<{ code: number; signal: Deno.Signal | null; tookMs: number }> {
    const since = performance.now();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    const { code, signal: by } = await this.child.status;
    clearTimeout(timer);
    await Promise.all(this.rest);
    return { code, signal: by, tookMs: performance.now() - since };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch { /* It has ended. */ }
    await this.child.status;
    await Promise.allSettled(this.rest);
  }
}

/** A database file that goes when the test does. */
export async function aDatabase(): Promise<AsyncDisposable & { path: string }> {
  const directory = await Deno.makeTempDir({ prefix: "errand-" });
  return {
    path: `${directory}/kv/errand.kv`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}
