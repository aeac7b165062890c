// Beats for a worker whose event loop is held up, mostly by a function that computes: the loop of its process
// stands still, and other processes would take the worker, with all that it runs, for dead. It is a thread of
// its own, so that it lives exactly as long as the process.

import type { Worker } from "node:worker_threads";
import { builtin } from "../core/builtin.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Log } from "../platform/log.ts";
import { takeThreadRoom } from "./runners/thread_room.ts";
import type { StandInSetup } from "./stand_in_main.ts";

/** In the npm package both files are JavaScript. */
const THREAD_MAIN = new URL(`./stand_in_main${import.meta.url.slice(-3)}`, import.meta.url);

export interface StandInOptions extends Omit<StandInSetup, "signs"> {
  log: Log;
}

/** Null where a thread cannot open the database. */
export function standInOn(
  { address }: KvPort,
  key: Deno.KvKey,
  { leaseMs, log }: Pick<StandInOptions, "leaseMs" | "log">,
): StandIn | null {
  return address === null ? null : new StandIn({ address, key, leaseMs, log });
}

export class StandIn {
  readonly #signs = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | null = null;
  #isOver = false;

  constructor(private readonly options: StandInOptions) {}

  /** The thread runs, or never will. */
  get isStarted(): boolean {
    return this.#thread !== null || this.#isOver;
  }

  /** @throws {Error} if the process has no descriptors for it: later it may */
  start(): void {
    if (this.isStarted) return;
    const { log, ...setup } = this.options;
    const giveRoomBack = takeThreadRoom();
    const thread = this.#thread = new (builtin("node:worker_threads").Worker)(THREAD_MAIN, {
      workerData: { ...setup, signs: this.#signs } satisfies StandInSetup,
    });
    thread.unref();
    thread.on("online", giveRoomBack);
    thread.on("exit", giveRoomBack);
    thread.on("error", (error) => {
      this.#isOver = true;
      log.error("where a function holds up the event loop, others may take this worker for dead", error);
    });
  }

  /** The event loop goes round. */
  signOfLife(): void {
    Atomics.add(this.#signs, 0, 1);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#thread?.terminate();
  }
}
