// The service as a program that is not `deno run main.ts` in this checkout: started, tried out, stopped.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Env } from "./folder.ts";

const FIRST_LINE = /^errand listening on (http:\/\/\S+)\n/;
const SECRET = "a-secret-for-tests-only";
const API_KEYS = `tests:admin:${createHash("sha256").update(SECRET).digest("hex")}`;

export interface Start {
  program: string;
  args: string[];
  /** Where it is started. */
  cwd: string;
  env: Env;
}

export class Program implements AsyncDisposable {
  private constructor(readonly url: string, private readonly child: Deno.ChildProcess) {}

  static async start({ program, args, cwd, env }: Start): Promise<Program> {
    const child = new Deno.Command(program, {
      args,
      cwd,
      env: { NO_COLOR: "1", API_KEYS, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const decoder = new TextDecoder();
    let said = "";
    for await (const bytes of child.stdout) {
      said += decoder.decode(bytes, { stream: true });
      const match = FIRST_LINE.exec(said);
      if (match) return new Program(match[1], child);
    }
    throw new Error(`it did not start: ${said}`);
  }

  /** The body of an answer that must be 2xx. */
  async fetch(path: string, init?: RequestInit): Promise<string> {
    const headers = { authorization: `Bearer ${SECRET}`, "content-type": "application/json" };
    const response = await fetch(this.url + path, { headers, ...init });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${response.status} ${text}`);
    return text;
  }

  async run(task: string, input: unknown): Promise<unknown> {
    const body = JSON.stringify({ task, input });
    const { id } = JSON.parse(await this.fetch("/v1/tasks", { method: "POST", body }));
    const { state, result, error } = JSON.parse(await this.fetch(`/v1/tasks/${id}?wait=20`));
    assert.equal(state.type, "COMPLETED", JSON.stringify(error));
    return result;
  }

  async terminate(): Promise<{ code: number; tookMs: number }> {
    const since = performance.now();
    this.child.kill("SIGTERM");
    const { code } = await this.child.status;
    return { code, tookMs: performance.now() - since };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch { /* It has ended. */ }
    await this.child.status;
  }
}

/** All that needs more than main.ts and its imports: worker threads, files that are read at run time, KV and cron. */
export async function worksAndStops(service: Program): Promise<void> {
  assert.equal(await service.run("add", { a: 1, b: 2 }), 3);
  assert.equal(await service.run("primes", { limit: 1_000 }), 168);
  assert.match(await service.fetch("/docs"), /swagger-ui-bundle\.js/);
  assert.ok((await service.fetch("/docs/swagger-ui-bundle.js")).length > 1_000_000);
  assert.match(await service.fetch("/client/errand.js"), /from "\.\/eventsource-parser\/index\.js"/);
  assert.match(await service.fetch("/client/eventsource-parser/index.js"), /createParser/);
  assert.match(JSON.parse(await service.fetch("/openapi.json")).openapi, /^3\.1/);
  const { code, tookMs } = await service.terminate();
  assert.equal(code, 0);
  assert.ok(tookMs < 5_500, `${tookMs} ms`);
}

/** A folder that goes when the test does. */
export async function aFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "errand-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
