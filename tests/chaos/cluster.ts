// Several service processes on one database, a file or a denokv server, with the logs of what they do in a
// folder that goes with them.

import { Denokv } from "../../tools/denokv_server.ts";
import { type Journal, openJournal } from "./journal.ts";
import { type Role, Slot } from "./slot.ts";
import { DatabaseServer } from "./database_server.ts";
import { lastingPorts } from "../support/ports.ts";

export interface ClusterOptions {
  processes: number;
  leaseMs: number;
  /** True: a denokv server in place of a file, and all roles in turn in place of `all`. */
  denokv?: boolean;
  roles?: Role[];
  env?: Record<string, string>;
}

const ROLES: Role[] = ["web", "worker", "all", "all"];

export class Cluster implements AsyncDisposable {
  #keepFolder = false;
  readonly #killAll = () => {
    for (const slot of this.slots) slot.killNow();
    this.server?.killNow();
  };

  private constructor(
    readonly folder: string,
    readonly slots: Slot[],
    /** Null where the database is a file. */
    readonly server: DatabaseServer | null,
    readonly leaseMs: number,
    private readonly journals: Journal[],
  ) {
    // A stopped process would not even see that its standard input is closed.
    addEventListener("unload", this.#killAll);
  }

  /** No service runs yet. */
  static async make({ processes, leaseMs, denokv, roles, env = {} }: ClusterOptions): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "errand-chaos-" });
    const journals = [openJournal(`${folder}/faults.jsonl`), openJournal(`${folder}/errors.jsonl`)];
    const [faults, errorLog] = journals;
    const [serverPort, ...ports] = lastingPorts(1 + processes);
    const server = denokv ? new DatabaseServer(Denokv.away(folder, serverPort), faults) : null;
    await server?.begin();
    const database: Record<string, string> = server?.env ?? { KV_PATH: fileIn(folder) };
    const turns = roles ?? (denokv ? ROLES : ["all"]);
    const slots = ports.map((port, slot) => {
      const role = turns[slot % turns.length];
      // A process that stops in good order hands many tasks back.
      const own = {
        ...database,
        STOP_GRACE_MS: "4000",
        LEASE_MS: String(leaseMs),
        LOGS: folder,
        ROLE: role,
        ...env,
      };
      return new Slot({ slot, port, role, env: own, faults, errorLog });
    });
    return new Cluster(folder, slots, server, leaseMs, journals);
  }

  /** Nothing runs yet; then all of them do. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.make(options);
    await Promise.all(cluster.slots.map((slot) => slot.start()));
    return cluster;
  }

  /** Where tasks can be submitted: a worker answers health checks only. */
  get urls(): string[] {
    return this.slots.filter(({ role }) => role !== "worker").map(({ url }) => url);
  }

  path(name: string): string {
    return `${this.folder}/${name}.jsonl`;
  }

  /** The database, where it is a file. */
  get database(): string {
    return fileIn(this.folder);
  }

  /** The folder, to look at what the processes have left behind. */
  async openDatabase(): Promise<Deno.Kv> {
    if (!this.server) return await Deno.openKv(this.database);
    const { KV_PATH, DENO_KV_ACCESS_TOKEN } = this.server.env;
    Deno.env.set("DENO_KV_ACCESS_TOKEN", DENO_KV_ACCESS_TOKEN);
    return await Deno.openKv(KV_PATH);
  }

  /** To find the cause of a failure. */
  keepFolder(): void {
    this.#keepFolder = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot[Symbol.asyncDispose]()));
    await this.server?.end();
    for (const journal of this.journals) journal[Symbol.dispose]();
    removeEventListener("unload", this.#killAll);
    if (!this.#keepFolder) await Deno.remove(this.folder, { recursive: true });
  }
}

function fileIn(folder: string): string {
  return `${folder}/kv/errand.kv`;
}
