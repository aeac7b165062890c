// One instance of an app on Deno Deploy, where instances start with a request and end when they are idle. The
// engine runs while there are requests or work, and the pump keeps the instance alive meanwhile. An idle app
// costs one read a minute. Where the pump cannot keep the instance alive, the handler of the cron works until
// all is done.

import { type Clock, type Log, type Runtime, sleep } from "../runtime/mod.ts";
import { Pump, PUMP_PATH } from "./pump.ts";
import type { PumpTickets } from "./pump_tickets.ts";
import { whenDone } from "./when_done.ts";

/** Timers that are due within this time keep an instance awake: the cron may look only once a minute. */
export const AHEAD_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
/** Another instance is started at most so often. */
const SCALE_EVERY_MS = 2_000;
const SCALE_TRIES = 4;
const TICKET_MS = 30_000;
/**
 * The cron's handler ends by then if no function runs here, shortly before a tick that another instance may
 * get. To see that a call was cut off, one process must look for more than a minute.
 */
const HANDLER_MS = 175_000;
const HANDLER_LOOK_MS = 100;

/** The engine and its routes, from the first request until the instance is idle. */
export interface Session {
  runtime: Runtime;
  tickets: PumpTickets;
  handle: (request: Request) => Response | Promise<Response>;
  /** Hands tasks that still run after `graceMs` back to the queue. */
  close: (graceMs: number) => Promise<void>;
}

export interface InstanceOptions {
  id: string;
  open: (pump: Pump) => Promise<Session>;
  /** Reads the database: the reason to be awake, or null. */
  findWork: () => Promise<string | null>;
  /** Where the app reaches itself; null if that is not known. */
  origin: string | null;
  clock: Clock;
  log: Log;
  /** How the app reaches itself. */
  fetch?: typeof fetch;
}

export class Instance {
  readonly pump: Pump;
  #session: Promise<Session> | null = null;
  /** Requests whose response is not over, other than those of the pump. */
  #open = 0;
  /** There was work at the last look. */
  #isNeeded = false;
  #scaledAt = -Infinity;
  readonly #stopped = new AbortController();
  #stopping: Promise<void> | null = null;

  constructor(private readonly options: InstanceOptions) {
    const { id, origin, clock, log, fetch } = options;
    this.pump = new Pump({
      instance: id,
      origin,
      ticket: async (ttlMs) => (await this.#current()).tickets.issue(ttlMs),
      clock,
      log,
      fetch,
    });
  }

  async handle(request: Request): Promise<Response> {
    // A response of the pump follows from work. It must not itself keep the session open.
    const { pathname } = new URL(request.url);
    if (pathname.endsWith(PUMP_PATH)) return await (await this.#current()).handle(request);
    this.#open++;
    let done = () => {
      done = () => {};
      this.#open--;
    };
    try {
      const session = await this.#current();
      const response = await session.handle(request);
      if (session.runtime.isBusy) this.pump.keepAlive();
      return whenDone(response, () => done());
    } catch (error) {
      done();
      throw error;
    }
  }

  /**
   * Called each minute by the cron: wakes the app if there is work. Where the pump does not keep the instance
   * alive, it goes on until all is done. The platform skips the ticks of a handler that still runs.
   */
  async sweep(): Promise<void> {
    if (this.#isStopped) return;
    const isAsleep = this.#session === null;
    if (isAsleep) {
      const reason = await this.options.findWork();
      if (reason === null) return;
      this.options.log.info(`the app was asleep, and ${reason}`);
    }
    const { runtime } = await this.#current();
    if (isAsleep) this.pump.keepAlive();
    const { clock } = this.options;
    const until = clock.monotonic() + HANDLER_MS;
    while (this.#isNeeded && !this.pump.isServed && !this.#isStopped) {
      if (clock.monotonic() >= until && runtime.running === 0) return;
      await this.#sleep(HANDLER_LOOK_MS);
    }
  }

  /**
   * At the end of an instance: tasks go back to the queue, and another instance is woken. Called again it can
   * only shorten the grace.
   */
  stop(graceMs: number): Promise<void> {
    this.#stopped.abort();
    const session = this.#session?.catch(() => null) ?? Promise.resolve(null);
    // At once: nothing else may hold up the way of tasks back into the queue.
    const closed = session.then((opened) => opened?.close(graceMs));
    // Its failure is told by the first call.
    if (this.#stopping) closed.catch(() => {});
    return this.#stopping ??= this.#stop(session, closed);
  }

  async #stop(opening: Promise<Session | null>, closed: Promise<void>): Promise<void> {
    const session = await opening;
    if (!session) return;
    const [ticket] = await Promise.all([
      session.tickets.issue(TICKET_MS).catch(() => null),
      this.pump.stop(),
      closed,
    ]);
    try {
      // Tasks that were handed back, and requests of the last moment.
      if (ticket === null || this.pump.isRefused || await this.options.findWork() === null) return;
      await this.pump.wakeSuccessor(ticket);
    } catch (error) {
      this.options.log.error("no other instance could be woken to go on with the work", error);
    }
  }

  #current(): Promise<Session> {
    if (this.#session) return this.#session;
    if (this.#isStopped) return Promise.reject(new Error("the instance ends"));
    this.#isNeeded = true;
    const session = this.#session = this.options.open(this.pump);
    session.then((opened) => this.#keepAlive(opened), () => this.#session = null);
    return session;
  }

  /** Keeps the instance alive while there is work, and closes the session once it is idle. */
  async #keepAlive({ runtime, close }: Session): Promise<void> {
    const { log } = this.options;
    for (let idle = 0; idle < 2 || this.#open > 0;) {
      await this.#sleep(LOOK_EVERY_MS * Math.min(1 + idle, 5));
      if (this.#isStopped) return;
      const reason = await runtime.need(AHEAD_MS).catch(() => "the database does not answer");
      this.#isNeeded = reason !== null;
      if (!this.#isNeeded) {
        idle++;
        this.pump.release();
      } else {
        idle = 0;
        this.pump.keepAlive();
        if (runtime.isFull) await this.#scaleOut();
      }
    }
    this.#session = null;
    await close(0).catch((error) => log.error("the engine could not be stopped", error));
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Ends early when the instance stops. */
  #sleep(ms: number): Promise<void> {
    return sleep(this.options.clock, ms, this.#stopped.signal);
  }

  /** There is more work than this instance has slots for: starts another instance. */
  async #scaleOut(): Promise<void> {
    const { clock, id } = this.options;
    if (clock.monotonic() - this.#scaledAt < SCALE_EVERY_MS) return;
    this.#scaledAt = clock.monotonic();
    for (let tries = 0; tries < SCALE_TRIES; tries++) {
      const instance = await this.pump.wake();
      if (instance !== id) return;
    }
  }
}
