// Keeps an instance alive while it has work. On Deno Deploy an instance lives only while requests come in or
// response bytes go out, so the app sends itself a request whose response lasts while there is work. The
// platform chooses the instance that gets the request: the pump repeats it until it is this one. A single
// request wakes another instance. A platform may refuse requests of an app to itself with 508 LOOP_DETECTED:
// then this instance sends no more of them, and the cron is what goes on with the work (instance.ts).

import { type Clock, type Log, sleep } from "../runtime/mod.ts";

export const PUMP_PATH = "/internal/pump";

/** @param origin where the app is reached; it may have a path. */
export function pumpUrl(origin: string): string {
  return origin.replace(/\/+$/, "") + PUMP_PATH;
}

const TICKET_MS = 30_000;
/** The platform ends an instance after 5 s without response bytes. */
const BYTE_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
/** Requests in a row that may reach other instances before there is a pause. */
const TRIES_AT_ONCE = 8;
const PAUSE_MS = 1_000;
/** An instance that ends has little time left for waking another one. */
const WAKES_WITHIN_MS = 600;
const LOOP_DETECTED = 508;
const encoder = new TextEncoder();

export interface PumpOptions {
  /** The id of this instance. */
  instance: string;
  /** Where the app reaches itself; null if nobody has said so: then it sends no request. */
  origin: string | null;
  /** Proves to another instance that the request comes from the app. */
  ticket: (ttlMs: number) => Promise<string>;
  clock: Clock;
  log: Log;
  fetch?: typeof fetch;
}

export class Pump {
  /** Ends each response that this instance sends. */
  readonly #served = new Set<() => void>();
  #isWanted = false;
  #running: Promise<void> | null = null;
  /** Requests that this instance has open. */
  readonly #held = new Set<AbortController>();
  #isRefused: boolean;
  readonly #stopped = new AbortController();

  constructor(private readonly options: PumpOptions) {
    this.#isRefused = options.origin === null;
  }

  /** True while a response keeps this instance alive. */
  get isServed(): boolean {
    return this.#served.size > 0;
  }

  /**
   * True where the app cannot ask itself: its address is not known, or the platform has refused such a
   * request. This instance sends no more of them.
   */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Keeps this instance alive until `release`. */
  keepAlive(): void {
    this.#isWanted = true;
    if (this.#stopped.signal.aborted || this.#isRefused) return;
    this.#running ??= this.#run().finally(() => this.#running = null);
  }

  /** Ends all responses, so that the platform may end this instance. */
  release(): void {
    this.#isWanted = false;
    for (const end of [...this.#served]) end();
    for (const abort of this.#held) abort.abort();
  }

  /** The response to a request of a pump: the id of this instance, then some bytes every two seconds. */
  serve(): Response {
    const { clock, instance } = this.options;
    let cancelNext = () => {};
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const beat = () => {
          controller.enqueue(encoder.encode(".\n"));
          cancelNext = clock.timer(beat, BYTE_EVERY_MS);
        };
        end = () => {
          cancelNext();
          if (this.#served.delete(end)) controller.close();
        };
        this.#served.add(end);
        controller.enqueue(encoder.encode(`${instance}\n`));
        cancelNext = clock.timer(beat, BYTE_EVERY_MS);
      },
      cancel: () => {
        cancelNext();
        this.#served.delete(end);
      },
    });
    // Compressed on the way, bytes would wait until there is a block of them.
    const headers = { "content-type": "text/plain", "cache-control": "no-store, no-transform" };
    return new Response(body, { headers });
  }

  /**
   * Sends one request, so that another instance starts or looks for work.
   *
   * @returns the id of the instance that answered; null if there was no answer
   */
  async wake(): Promise<string | null> {
    const opened = await this.#open();
    opened?.close();
    return opened?.instance ?? null;
  }

  /**
   * Sends one request at the end of this instance: the one that gets it opens a session and finds the work.
   *
   * @param ticket issued while the database was still open
   */
  async wakeSuccessor(ticket: string): Promise<void> {
    const limit = new AbortController();
    const cancelLate = this.options.clock.timer(() => limit.abort(), WAKES_WITHIN_MS);
    try {
      const response = await this.#ask(() => Promise.resolve(ticket), limit.signal);
      await response?.body?.cancel();
    } catch {
      /* The cron finds the work too. */
    } finally {
      cancelLate();
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.release();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { instance, clock } = this.options;
    let tries = 0;
    const pause = (ms: number) => sleep(clock, ms, this.#stopped.signal);
    while (this.#isWanted && !this.#isRefused && !this.#stopped.signal.aborted) {
      if (this.isServed) {
        // A response is already open, whoever asked for it.
        tries = 0;
        await pause(BYTE_EVERY_MS / 2);
        continue;
      }
      const opened = await this.#open();
      if (opened?.instance === instance) await opened.untilEnd;
      else {
        opened?.close();
        if (++tries % TRIES_AT_ONCE === 0 || opened === null) await pause(PAUSE_MS);
      }
    }
  }

  async #open(): Promise<{ instance: string; untilEnd: Promise<void>; close: () => void } | null> {
    const { ticket, clock, log } = this.options;
    const abort = new AbortController();
    this.#held.add(abort);
    const close = () => {
      this.#held.delete(abort);
      abort.abort();
    };
    const cancelLate = clock.timer(close, ANSWER_WITHIN_MS);
    try {
      const response = await this.#ask(() => ticket(TICKET_MS), abort.signal);
      if (response === null) {
        close();
        return null;
      }
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const instance = await firstLine(reader);
      return { instance, untilEnd: readAll(reader).finally(close), close };
    } catch (error) {
      close();
      if (!this.#stopped.signal.aborted && this.#isWanted) {
        log.error("the app could not reach itself to stay awake", error);
      }
      return null;
    } finally {
      cancelLate();
    }
  }

  /**
   * One request of the app to itself.
   *
   * @returns null if the app cannot ask itself
   */
  async #ask(ticket: () => Promise<string>, signal: AbortSignal): Promise<Response | null> {
    const { origin, log } = this.options;
    if (this.#isRefused || origin === null) return null;
    const url = pumpUrl(origin);
    const response = await (this.options.fetch ?? fetch)(url, {
      method: "POST",
      redirect: "manual",
      headers: { authorization: `Bearer ${await ticket()}` },
      signal,
    });
    if (response.status === 200) return response;
    await response.body?.cancel();
    if (response.status !== LOOP_DETECTED) throw new Error(`${url} answered ${response.status}`);
    if (!this.#isRefused) {
      log.info(
        "the platform refuses requests of the app to itself (508 LOOP_DETECTED), so this instance sends no more of " +
          "them: it stays awake by the requests of callers, and the cron of each minute goes on with the work",
      );
    }
    this.#isRefused = true;
    return null;
  }
}

async function firstLine(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the response ended before the id of its instance");
    text += value;
  }
  return text.slice(0, text.indexOf("\n"));
}

/** Resolves at the end of the response. */
async function readAll(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch { /* It was cut: the loop of the pump sends another request if it must. */ }
}
