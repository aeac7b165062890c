// Keeps an instance alive while it has work. Where an instance lives only as long as requests come in or response bytes go
// out (Deno Deploy), the app asks itself for a response that goes on for as long as there is work. It cannot choose which
// instance gets the request, so it asks again until it is this one; and it asks once more to wake another one up.

import type { Clock, Log } from "../runtime/mod.ts";
import { Naps } from "./naps.ts";

export const PUMP_PATH = "/internal/pump";
/** What a ticket for it is good for. */
export const PUMP_PURPOSE = "pump";

const TICKET_MS = 30_000;
/** Well below the shortest time without bytes that an instance survives. */
const BYTE_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
/** Requests that went to another instance, before it waits a little. */
const TRIES_AT_ONCE = 8;
const PAUSE_MS = 1_000;
const encoder = new TextEncoder();

export interface PumpOptions {
  /** Tells this instance from others. */
  instance: string;
  /** Where the app is reached; null if nobody knows so far. */
  origin: () => Promise<string | null>;
  /** Proves to another instance that the request comes from the app. */
  ticket: (ttlMs: number) => Promise<string>;
  clock: Clock;
  log: Log;
  fetch?: typeof fetch;
}

export class Pump {
  /** Responses that go out here now. */
  readonly #served = new Set<() => void>();
  readonly #naps: Naps;
  #isWanted = false;
  #running: Promise<void> | null = null;
  /** Requests that this instance holds open. */
  readonly #held = new Set<AbortController>();
  #stopped = false;

  constructor(private readonly options: PumpOptions) {
    this.#naps = new Naps(options.clock);
  }

  /** True while a response keeps this instance alive. */
  get isServed(): boolean {
    return this.#served.size > 0;
  }

  /** From now on this instance is to live. */
  want(): void {
    this.#isWanted = true;
    if (!this.#stopped) this.#running ??= this.#run().finally(() => this.#running = null);
  }

  /** It need not live any longer: all responses end. */
  letGo(): void {
    this.#isWanted = false;
    for (const end of [...this.#served]) end();
    for (const abort of this.#held) abort.abort();
  }

  /** The response to a request of {@linkcode want} or {@linkcode wake}: says whose it is, then a byte now and then. */
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
    return new Response(body, { headers: { "content-type": "text/plain", "cache-control": "no-store" } });
  }

  /**
   * Has an instance start that is not this one, or look for work.
   *
   * @returns the one that answered, or null if there was no answer.
   */
  async wake(): Promise<string | null> {
    const opened = await this.#open();
    opened?.close();
    return opened?.instance ?? null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#naps.end();
    this.letGo();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { instance } = this.options;
    let tries = 0;
    while (this.#isWanted && !this.#stopped) {
      if (this.isServed) {
        // Somebody asks for it here: for as long as that goes on, nothing has to be done.
        tries = 0;
        await this.#naps.sleep(BYTE_EVERY_MS / 2);
        continue;
      }
      const opened = await this.#open();
      if (opened?.instance === instance) await opened.untilEnd;
      else {
        opened?.close();
        if (++tries % TRIES_AT_ONCE === 0 || opened === null) await this.#naps.sleep(PAUSE_MS);
      }
    }
  }

  async #open(): Promise<{ instance: string; untilEnd: Promise<void>; close: () => void } | null> {
    const { origin, ticket, clock, log } = this.options;
    const url = await origin();
    if (url === null) return null;
    const abort = new AbortController();
    this.#held.add(abort);
    const close = () => {
      this.#held.delete(abort);
      abort.abort();
    };
    const cancelLate = clock.timer(close, ANSWER_WITHIN_MS);
    try {
      const response = await (this.options.fetch ?? fetch)(new URL(PUMP_PATH, url), {
        method: "POST",
        headers: { authorization: `Bearer ${await ticket(TICKET_MS)}` },
        signal: abort.signal,
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`${url}${PUMP_PATH} answered ${response.status}`);
      }
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const instance = await firstLine(reader);
      return { instance, untilEnd: readAll(reader).finally(close), close };
    } catch (error) {
      close();
      if (!this.#stopped && this.#isWanted) log.error("the app could not reach itself to stay awake", error);
      return null;
    } finally {
      cancelLate();
    }
  }
}

async function firstLine(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the response ended before it said whose it is");
    text += value;
  }
  return text.slice(0, text.indexOf("\n"));
}

/** Resolves at the end of the response, whatever ends it. */
async function readAll(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch { /* It was cut: whoever holds it looks whether it is still wanted. */ }
}
