// Several service processes on one database file, with the logs of what they do in a folder that goes with
// them.

import { type Journal, openJournal } from "./journal.ts";
import { Slot } from "./process.ts";

export interface ClusterOptions {
  processes: number;
  leaseMs: number;
  env?: Record<string, string>;
}

export class Cluster implements AsyncDisposable {
  #keepFolder = false;
  readonly #killAll = () => {
    for (const slot of this.slots) slot.killNow();
  };

  private constructor(
    readonly folder: string,
    readonly slots: Slot[],
    readonly leaseMs: number,
    private readonly journals: Journal[],
  ) {
    // A stopped process would not even see that its standard input is closed.
    addEventListener("unload", this.#killAll);
  }

  /** Nothing runs yet. */
  static async make({ processes, leaseMs, env = {} }: ClusterOptions): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "errand-chaos-" });
    const journals = [openJournal(`${folder}/faults.jsonl`), openJournal(`${folder}/errors.jsonl`)];
    const [faults, errorLog] = journals;
    const shared = { KV_PATH: `${folder}/kv/errand.kv`, LEASE_MS: String(leaseMs), LOGS: folder, ...env };
    const slots = freePorts(processes).map((port, slot) => {
      return new Slot({ slot, port, env: shared, faults, errorLog });
    });
    return new Cluster(folder, slots, leaseMs, journals);
  }

  /** Nothing runs yet; then all of them do. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.make(options);
    await Promise.all(cluster.slots.map((slot) => slot.start()));
    return cluster;
  }

  path(name: string): string {
    return `${this.folder}/${name}.jsonl`;
  }

  get database(): string {
    return `${this.folder}/kv/errand.kv`;
  }

  /** For whoever looks for the cause of a failure. */
  keepFolder(): void {
    this.#keepFolder = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot[Symbol.asyncDispose]()));
    for (const journal of this.journals) journal[Symbol.dispose]();
    removeEventListener("unload", this.#killAll);
    if (!this.#keepFolder) await Deno.remove(this.folder, { recursive: true });
  }
}

/**
 * Below those that the kernel gives to connections: a process that is down gets its port back. A process that
 * is started by hand elsewhere may still come first; then the start fails and says so.
 */
function freePorts(count: number): number[] {
  const listeners: Deno.Listener[] = [];
  while (listeners.length < count) {
    try {
      listeners.push(
        Deno.listen({ hostname: "127.0.0.1", port: 12_000 + Math.floor(Math.random() * 20_000) }),
      );
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}
