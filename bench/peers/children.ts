// The processes and the folder of one run: all of them end with it, also when it is broken off.

import { join } from "node:path";

const STARTS_WITHIN_MS = 90_000;
const ENDS_WITHIN_MS = 15_000;

export interface Spawned {
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
}

export class Children implements AsyncDisposable {
  readonly #running = new Map<Deno.ChildProcess, string>();
  #folders = 0;
  #ended = false;

  private constructor(readonly root: string) {}

  static async begin(): Promise<Children> {
    const root = await Deno.makeTempDir({ prefix: "errand-peers-" });
    return new Children(root);
  }

  /** An empty folder of its own. */
  async folder(): Promise<string> {
    const path = join(this.root, String(this.#folders++));
    await Deno.mkdir(path);
    return path;
  }

  /** Starts a process; what it writes goes to a file that {@linkcode end} and failures quote. */
  async spawn(program: string, { args, env, cwd }: Spawned): Promise<Child> {
    if (this.#ended) throw new Error("this run has ended");
    const log = join(this.root, `${this.#folders++}.log`);
    await Deno.writeTextFile(log, "");
    // A shell hands its place on with exec: the process is the program.
    const child = new Deno.Command("sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, program, ...args],
      env: { NO_COLOR: "1", ...env },
      cwd: cwd ?? this.root,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#running.set(child, log);
    child.status.then(() => this.#running.delete(child));
    return new Child(child, log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await Promise.all(Array.from(this.#running, ([child, log]) => new Child(child, log).end()));
    await Deno.remove(this.root, { recursive: true });
  }
}

export class Child {
  constructor(private readonly process: Deno.ChildProcess, private readonly log: string) {}

  get pid(): number {
    return this.process.pid;
  }

  /** Waits for a look to succeed; undefined or an error means not yet. */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    let ended = false;
    this.process.status.then(() => ended = true);
    for (const limit = performance.now() + STARTS_WITHIN_MS; !ended && performance.now() < limit;) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${what} ${ended ? "ended" : "hung"} at its start:\n${await this.output()}`);
  }

  /** All that it has written. */
  output(): Promise<string> {
    return Deno.readTextFile(this.log);
  }

  /** Waits for its end. */
  async succeeded(what: string): Promise<void> {
    const { success } = await this.process.status;
    if (!success) throw new Error(`${what} failed:\n${await this.output()}`);
  }

  /** The address behind "listening on" in its output. */
  listening(what: string): Promise<URL> {
    return this.until(what, async () => {
      const found = /listening on (http:\S+)\n/.exec(await this.output());
      return found ? new URL(found[1]) : undefined;
    });
  }

  /** Asks it to end, and kills it if it does not. Its own children end with it. */
  async end(): Promise<void> {
    const kill = (signal: Deno.Signal) => {
      try {
        this.process.kill(signal);
      } catch (error) {
        // It has ended already.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    };
    kill("SIGTERM");
    const late = setTimeout(() => kill("SIGKILL"), ENDS_WITHIN_MS);
    await this.process.status;
    clearTimeout(late);
  }
}

export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
