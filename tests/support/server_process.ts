// The service as a process of its own, for signals, crashes and exit codes.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Folder } from "./folder.ts";
import { type Env, type ProgramOptions, run, ServiceProcess, type ServiceProcessOptions } from "./program.ts";
import type { Body } from "./service.ts";
import { eventually } from "./waiting.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export type { Env };

function options(env: Env, main = MAIN, flags: string[] = []): ProgramOptions {
  return {
    args: ["run", "-A", ...flags, main],
    env: { PORT: "0", API_KEYS: "", DEMO_TASKS: "true", ...env },
  };
}

/** Starts and waits for the end: for starts that fail. */
export function startAndFail(env: Env): Promise<{ code: number; stdout: string; stderr: string }> {
  return run(options(env));
}

export class Server implements AsyncDisposable {
  #isOver = false;

  private constructor(
    readonly url: string,
    private readonly process: ServiceProcess,
    private readonly headers: Record<string, string>,
  ) {
    process.ended.then(() => this.#isOver = true);
  }

  /**
   * @param main another program than main.ts, with definitions of its own
   * @param flags of `deno run`
   */
  static start(
    env: Env,
    main?: string,
    flags?: string[],
    more: Pick<ServiceProcessOptions, "stderr" | "onError"> = {},
  ): Promise<Server> {
    return Server.run({ ...options(env, main, flags), ...more });
  }

  /** @param headers are sent with every call */
  static async run(options: ServiceProcessOptions, headers: Record<string, string> = {}): Promise<Server> {
    const process = new ServiceProcess(options);
    return new Server(await process.listening, process, headers);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get output(): { stdout: string; stderr: string } {
    return this.process.output;
  }

  async fetch(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: Body }> {
    const headers = { ...this.headers, ...Object.fromEntries(new Headers(init?.headers)) };
    const response = await fetch(this.url + path, { ...init, headers });
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

  /** The task once it has ended. */
  ended(id: string): Promise<Body> {
    return eventually(async () => {
      const task = await this.task(id, 20);
      return task.finishedAt !== null && task;
    }, `task ${id} has not ended`);
  }

  /** The task once it is in a state of this type. */
  until(id: string, type: string): Promise<Body> {
    return eventually(async () => {
      const task = await this.task(id);
      return task.state.type === type && task;
    }, `task ${id} is not ${type}`);
  }

  /** Sends a signal, and does not wait. */
  signal(signal: Deno.Signal): void {
    this.process.signal(signal);
  }

  /** Sends a signal and waits for the end. */
  end(signal: Deno.Signal): Promise<Deno.CommandStatus & { tookMs: number }> {
    return this.process.end(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** A database file that goes when the test does. */
export async function aDatabase(): Promise<AsyncDisposable & { path: string }> {
  const folder = await Folder.with();
  return { path: folder.at("kv", "errand.kv"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
