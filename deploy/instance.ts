// One instance where instances come and go with their requests (Deno Deploy). The engine is there while somebody asks for
// something or there is work, and the pump keeps the instance alive for as long as that lasts. Otherwise nothing runs: an
// idle app costs one look a minute.

import type { Tickets } from "../auth/tickets.ts";
import type { Clock, Log, Runtime } from "../runtime/mod.ts";
import { Pump, PUMP_PATH, PUMP_PURPOSE } from "./pump.ts";
import { Naps } from "./naps.ts";
import type { Origins } from "./origins.ts";
import { whenDone } from "./when_done.ts";

/** What is due within this time keeps an instance awake: the next look from outside may come as late as that. */
export const AHEAD_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
/** Another instance is asked for at most so often. */
const SPREAD_EVERY_MS = 2_000;
const SPREAD_TRIES = 4;
const TICKET_MS = 30_000;

/** The engine and its HTTP surface, from the first request to the moment when nobody needs them. */
export interface Session {
  runtime: Runtime;
  tickets: Tickets;
  handle: (request: Request) => Response | Promise<Response>;
  /** Hands back what still runs after `graceMs`. */
  close: (graceMs: number) => Promise<void>;
}

export interface InstanceOptions {
  /** Tells this instance from others. */
  id: string;
  open: (pump: Pump) => Promise<Session>;
  /** A look at the database alone: why somebody should be awake, or null. */
  look: () => Promise<string | null>;
  /** Where the app is reached, as far as is known. */
  origins: Origins;
  clock: Clock;
  log: Log;
}

export class Instance {
  readonly pump: Pump;
  readonly #naps: Naps;
  #session: Promise<Session> | null = null;
  /** Requests that are not answered to the end, other than the pump's. */
  #open = 0;
  #spreadAt = -Infinity;
  #stopped = false;

  constructor(private readonly options: InstanceOptions) {
    const { id, origins, clock, log } = options;
    this.#naps = new Naps(clock);
    this.pump = new Pump({
      instance: id,
      origin: () => origins.known(),
      ticket: async (ttlMs) => (await this.#current()).tickets.issue(PUMP_PURPOSE, ttlMs),
      clock,
      log,
    });
  }

  async handle(request: Request): Promise<Response> {
    // A pump's response is there because of the work: it is no reason to stay.
    const { pathname } = new URL(request.url);
    if (pathname === PUMP_PATH) return await (await this.#current()).handle(request);
    this.#open++;
    let over = () => {
      over = () => {};
      this.#open--;
    };
    try {
      const session = await this.#current();
      const response = await session.handle(request);
      // Everything under /v1 takes a key: who has none tells nothing.
      if (response.ok && pathname.startsWith("/v1/")) await this.#learn(request);
      if (session.runtime.isBusy) this.pump.want();
      return whenDone(response, () => over());
    } catch (error) {
      over();
      throw error;
    }
  }

  /** What the minute's cron does: wakes the app if there is work. Resolves when it stays awake by itself, or need not. */
  async sweep(): Promise<void> {
    if (this.#stopped || this.#session) return;
    const reason = await this.options.look();
    if (reason === null) return;
    this.options.log.info(`the app was asleep, and ${reason}`);
    await this.#current();
    this.pump.want();
    const { clock } = this.options;
    for (const until = clock.monotonic() + AHEAD_MS / 4; clock.monotonic() < until;) {
      if (this.pump.isServed || this.#session === null || this.#stopped) return;
      await this.#naps.sleep(100);
    }
  }

  /** The platform wants the instance to end: what runs here is handed back, and somebody else is woken up for it. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#naps.end();
    const session = await this.#session?.catch(() => null);
    if (!session) return;
    const { tickets, close } = session;
    const [ticket] = await Promise.all([
      tickets.issue(PUMP_PURPOSE, TICKET_MS).catch(() => null),
      this.pump.stop(),
    ]);
    await close(graceMs);
    try {
      // What was handed back, and what came in until the last moment.
      if (ticket === null || await this.options.look() === null) return;
      const origin = await this.options.origins.known();
      if (origin !== null) await callSuccessor(origin, ticket);
    } catch (error) {
      this.options.log.error("nobody could be asked to go on with the work here", error);
    }
  }

  /** The answer to the request does not depend on it: a later one tells the same. */
  async #learn(request: Request): Promise<void> {
    try {
      await this.options.origins.learn(request);
    } catch (error) {
      this.options.log.error("the app's own address could not be noted", error);
    }
  }

  #current(): Promise<Session> {
    if (this.#session) return this.#session;
    if (this.#stopped) return Promise.reject(new Error("the instance ends"));
    const session = this.#session = this.options.open(this.pump);
    session.then((opened) => this.#attend(opened), () => this.#session = null);
    return session;
  }

  /** Watches over a session: keeps the instance alive while there is work, and ends the session when nobody needs it. */
  async #attend({ runtime, close }: Session): Promise<void> {
    const { log } = this.options;
    for (let idle = 0; idle < 2 || this.#open > 0;) {
      // Streams may be open for long without any work.
      await this.#naps.sleep(LOOK_EVERY_MS * Math.min(1 + idle, 5));
      if (this.#stopped) return;
      // When the database does not answer, nobody knows.
      const reason = await runtime.need(AHEAD_MS).catch(() => "the database does not answer");
      if (reason === null && !runtime.isBusy) {
        idle++;
        this.pump.letGo();
      } else {
        idle = 0;
        this.pump.want();
        if (runtime.isFull) await this.#spread();
      }
    }
    this.#session = null;
    await close(0).catch((error) => log.error("the engine could not be put to rest", error));
  }

  /** There is more to do than this instance can: another one may come in. */
  async #spread(): Promise<void> {
    const { clock, id } = this.options;
    if (clock.monotonic() - this.#spreadAt < SPREAD_EVERY_MS) return;
    this.#spreadAt = clock.monotonic();
    for (let tries = 0; tries < SPREAD_TRIES; tries++) {
      const instance = await this.pump.wake();
      if (instance !== id) return;
    }
  }
}

/** Whoever takes the request looks for work. */
async function callSuccessor(origin: string, ticket: string): Promise<void> {
  try {
    const response = await fetch(new URL(PUMP_PATH, origin), {
      method: "POST",
      headers: { authorization: `Bearer ${ticket}` },
      signal: AbortSignal.timeout(600),
    });
    await response.body?.cancel();
  } catch { /* The minute's cron finds the work too. */ }
}
