// A real `denokv` server: where its program is, how it is installed, and how tests start one.

import { join } from "node:path";

/** The version that compose.yaml runs, too. */
export const VERSION = "0.14.0";
const TOKEN = "a-token-for-tests-only";
const STARTS_WITHIN_MS = 60_000;

/** `DENOKV` names the program; else it is in the folder that `deno task denokv` installs it to. */
export const folder = join(
  Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? ".", ".cache"),
  "errand",
  "denokv",
);
const program = Deno.env.get("DENOKV") ?? join(folder, "bin", "denokv");

export function isInstalled(): boolean {
  try {
    return Deno.statSync(program).isFile;
  } catch {
    return false;
  }
}

/** Builds the program, which takes some minutes. */
export async function install(): Promise<void> {
  const { success } = await new Deno.Command("cargo", {
    args: ["install", "denokv", "--version", VERSION, "--locked", "--root", folder],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("cargo could not install denokv");
}

export function serve(database: string, port: number, token: string): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: ["--sqlite-path", database, "serve", "--access-token", token, "--addr", `127.0.0.1:${port}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** A database server in a process of its own, on a port of its own. */
export class Denokv implements AsyncDisposable {
  readonly token = TOKEN;
  readonly url: string;
  #child: Deno.ChildProcess | null = null;

  private constructor(private readonly directory: string, private readonly port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Denokv> {
    const denokv = Denokv.away(await Deno.makeTempDir({ prefix: "errand-denokv-" }));
    await denokv.begin();
    return denokv;
  }

  /**
   * A server that does not run yet. Its port is free now; give the port of a server that is started again.
   */
  static away(directory: string, port = freePort()): Denokv {
    return new Denokv(directory, port);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The settings that a service needs. */
  get env(): Record<string, string> {
    return { KV_PATH: this.url, DENO_KV_ACCESS_TOKEN: this.token };
  }

  async begin(): Promise<void> {
    const child = this.#child = serve(join(this.directory, "kv.sqlite"), this.port, this.token);
    let isOver = false;
    void child.status.then(() => isOver = true);
    for (const until = performance.now() + STARTS_WITHIN_MS;;) {
      // Whoever else has its port would be taken for it.
      if (isOver) {
        this.#child = null;
        throw new Error(`denokv ended at its start on port ${this.port}`);
      }
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch (error) {
        if (performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Does not wait for the effect. */
  signal(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  async end(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    this.signal(signal);
    await this.#child?.status;
    this.#child = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Below those that the kernel gives to others: a server that is started again gets its port back. */
function freePort(): number {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
