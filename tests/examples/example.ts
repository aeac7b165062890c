// A copy of a folder of examples/ somewhere else on the disk, with the checkout as the place of its package.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Folder } from "../support/folder.ts";
import { freePort } from "../support/ports.ts";
import { type ProgramOptions, run } from "../support/program.ts";
import { eventually } from "../support/waiting.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// deno-lint-ignore no-control-regex
export const ANSI = /\x1b\[[0-9;]*m/g;

export function hasProgram(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export class Example implements AsyncDisposable {
  #service: { child: Deno.ChildProcess; status: Promise<Deno.CommandStatus> } | null = null;

  private constructor(private readonly folder: Folder) {}

  static async of(name: string): Promise<Example> {
    const files: Record<string, string> = {};
    const from = join(ROOT, "examples", name);
    for await (const { name: file, isFile } of Deno.readDir(from)) {
      if (isFile) files[file] = await Deno.readTextFile(join(from, file));
    }
    files["deno.json"] = JSON.stringify({ ...JSON.parse(files["deno.json"]), links: [ROOT] });
    return new Example(await Folder.with(files));
  }

  run(options: ProgramOptions): ReturnType<typeof run> {
    return run({ ...options, cwd: this.folder.path });
  }

  /** The lines that it prints. */
  async runToEnd(): Promise<string[]> {
    const { code, stdout, stderr } = await this.run({ args: ["task", "start"] });
    if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}`);
    return stdout.replaceAll(ANSI, "").trim().split("\n");
  }

  /** Starts it as a service, and gives its URL once it answers. */
  async serve(): Promise<string> {
    const at = freePort();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "main.ts"],
      cwd: this.folder.path,
      env: { NO_COLOR: "1", PORT: String(at), KV_PATH: join(this.folder.path, "errand.kv"), API_KEYS: "" },
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    this.#service = { child, status: child.status.finally(() => ended = true) };
    const url = `http://127.0.0.1:${at}`;
    await eventually(async () => {
      if (ended) throw new Error("it ended at its start");
      try {
        await (await fetch(url)).body?.cancel();
        return true;
      } catch {
        return false;
      }
    }, "it does not answer");
    return url;
  }

  /** By SIGTERM. */
  async stop(): Promise<Deno.CommandStatus> {
    const { child, status } = this.#service!;
    child.kill("SIGTERM");
    return await status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#service) {
      try {
        this.#service.child.kill("SIGKILL");
      } catch { /* It has ended. */ }
      await this.#service.status;
    }
    await this.folder[Symbol.asyncDispose]();
  }
}
