// Does harm at random: kill -9, a stop for longer than the lease, and now and then a graceful stop. What is
// down comes up again on the same port. A database server is stopped and killed too.

import { now } from "./journal.ts";
import type { Cluster } from "./cluster.ts";
import { pause } from "../support/waiting.ts";
import type { Slot } from "./slot.ts";
import type { Random } from "../support/random.ts";

export interface Harm {
  kills: number;
  stops: number;
  /**
   * Stops in the midst of a commit, or stops and kills of the database server: meanwhile nobody can
   * write.
   */
  outages: number;
  terminations: number;
}

const KILLS = 0.62;
const STOPS = 0.27;
const OUTAGES = 0.03;
const OUTAGES_OF_A_SERVER = 0.06;
/** Most faults must hit processes that are at work. */
const WHILE_STARTING = 0.15;
/** Between two faults, once the time is over. */
const AFTERWARDS_MS = 500;
/** Their grace is 4 s, and 0.7 s later they end themselves. The rest is for a slow machine. */
export const STOPS_WITHIN_MS = 40_000;

export class Killer {
  readonly done: Harm = { kills: 0, stops: 0, outages: 0, terminations: 0 };
  /** Exit codes and times of graceful stops that broke their promise. */
  readonly badStops: string[] = [];
  readonly #healed = new AbortController();
  readonly #healing = new Set<Promise<void>>();

  constructor(private readonly cluster: Cluster, private readonly random: Random) {}

  get count(): number {
    return Object.values(this.done).reduce((sum, count) => sum + count);
  }

  /**
   * Spreads `faults` over `seconds`. Ends when the time is over, but not before there were `least` kills and
   * stops: a slow machine takes longer for as much harm.
   */
  async run(seconds: number, faults: number, least: number): Promise<void> {
    const until = now() + seconds * 1_000;
    for (let left = faults; left > 0 && (now() < until || this.done.kills + this.done.stops < least);) {
      const leftMs = Math.max(until - now(), AFTERWARDS_MS * left);
      await pause(Math.min(leftMs, leftMs / left * 2 * this.random.float()));
      if (this.#strike()) left--;
      else await pause(20);
    }
  }

  /** The database server is killed, and away for so long. */
  async takeServerAway(afterMs: number, ms: number): Promise<void> {
    await pause(afterMs);
    const server = this.cluster.server!;
    while (!server.isThere) await pause(20);
    await server.end();
    await pause(ms);
    await server.begin();
  }

  /** No more harm: everything runs again when it resolves. */
  async heal(): Promise<void> {
    this.#healed.abort();
    while (this.#healing.size > 0) await Promise.all(this.#healing);
    await Promise.all(this.cluster.slots.map(async (slot) => {
      slot.continue();
      for (let tries = 0; slot.state === "down" && tries < 5; tries++) await slot.start();
    }));
  }

  /** @returns false if there is no process to strike. */
  #strike(): boolean {
    const { server } = this.cluster;
    const outages = server ? OUTAGES_OF_A_SERVER : OUTAGES;
    const slot = this.random.pick(this.cluster.slots);
    const dice = this.random.float();
    if (slot.state === "down" || slot.state === "terminating") return false;
    if (slot.state === "starting" && !this.random.chance(WHILE_STARTING)) return false;
    if (dice < KILLS) this.#do("kills", () => this.#kill(slot));
    else if (slot.state !== "up") return false;
    else if (dice < KILLS + STOPS) this.#do("stops", () => this.#stop(slot));
    else if (dice < KILLS + STOPS + outages && server?.isThere === false) return false;
    else if (dice < KILLS + STOPS + outages) this.#do("outages", () => this.#outage(slot));
    else this.#do("terminations", () => this.#terminate(slot));
    return true;
  }

  #do(kind: keyof Harm, harm: () => Promise<void>): void {
    this.done[kind]++;
    const healed = harm().finally(() => this.#healing.delete(healed));
    this.#healing.add(healed);
  }

  async #kill(slot: Slot): Promise<void> {
    // Down before it is gone, so that it is not killed twice.
    slot.state = "terminating";
    await slot.kill();
    await this.#restart(slot);
  }

  async #stop(slot: Slot): Promise<void> {
    slot.stop();
    await this.#goOn(slot, this.cluster.leaseMs * (1.2 + 1.5 * this.random.float()));
  }

  async #outage(slot: Slot): Promise<void> {
    const ms = this.random.int(2_000, 13_000);
    const { server } = this.cluster;
    if (server && this.random.chance(0.5)) {
      server.stop();
      await pause(ms, this.#healed.signal);
      server.continue();
    } else if (server) {
      // What it has just applied is not answered.
      await server.end();
      await pause(this.random.int(0, 1_000));
      await server.begin();
    } else if (await slot.stopWhile(true, this.cluster.database)) await this.#goOn(slot, ms);
  }

  async #goOn(slot: Slot, afterMs: number): Promise<void> {
    const { pid } = slot;
    await pause(afterMs, this.#healed.signal);
    // It may have been killed and started again meanwhile.
    if (slot.pid === pid) slot.continue();
  }

  async #terminate(slot: Slot): Promise<void> {
    const { code, tookMs } = await slot.terminate();
    if (code !== 0 || tookMs > STOPS_WITHIN_MS) {
      this.badStops.push(`exit code ${code} after ${Math.round(tookMs)} ms`);
    }
    await this.#restart(slot);
  }

  async #restart(slot: Slot): Promise<void> {
    await pause(this.random.int(0, 300));
    await slot.start();
  }
}
