// Where Deno does not let connections be served one by one: Deno.serve. Without descriptors it stops to
// listen and does not say so while a connection is open, so the service calls itself, and listens again.

import type { ConnectionPort } from "../routes/http/prefix.ts";
import type { Listening, ListenOptions } from "./listening.ts";

const LOOK_EVERY_MS = 5_000;
/** What listens everywhere is reached here. */
const OWN_ADDRESS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export class PlainListener implements Listening {
  readonly #servers = new Set<Deno.HttpServer>();
  readonly address: Deno.NetAddr;
  #isClosed = false;
  #stopLooking: () => void = () => {};

  constructor(
    private readonly options: Omit<ListenOptions, "most">,
    private readonly lookEveryMs = LOOK_EVERY_MS,
  ) {
    this.address = this.#serve(options.port);
    this.#nextLook();
  }

  async shutdown(): Promise<void> {
    this.#isClosed = true;
    this.#stopLooking();
    await Promise.allSettled([...this.#servers].map((server) => server.shutdown()));
  }

  #serve(port: number): Deno.NetAddr {
    const { hostname, handler, log } = this.options;
    const onError = (error: unknown) => {
      log.error("a request could not be answered", error);
      return new Response(null, { status: 500 });
    };
    const server = Deno.serve(
      { hostname, port, onListen: () => {}, onError },
      (request, { remoteAddr }) => handler(request, uncut(remoteAddr.hostname)),
    );
    this.#servers.add(server);
    const forget = () => this.#servers.delete(server);
    server.finished.then(forget, forget);
    return { ...server.addr, hostname };
  }

  #nextLook(): void {
    this.#stopLooking = this.options.clock.timer(async () => {
      await this.#look();
      if (!this.#isClosed) this.#nextLook();
    }, this.lookEveryMs);
  }

  async #look(): Promise<void> {
    const { hostname, port } = this.address;
    try {
      (await Deno.connect({ hostname: OWN_ADDRESS[hostname] ?? hostname, port })).close();
    } catch (error) {
      // Any other failure is one of calling, as when there is no descriptor for it either.
      if (this.#isClosed || !(error instanceof Deno.errors.ConnectionRefused)) return;
      const { log } = this.options;
      const stopped = "the service had stopped to listen, as for want of descriptors";
      try {
        this.#serve(port);
        log.error(`${stopped}; it listens again`, error);
      } catch (error) {
        log.error(`${stopped}, and cannot listen again; trying`, error);
      }
    }
  }
}

/** Deno.serve cuts no connection. */
function uncut(address: string): ConnectionPort {
  return { address, close: () => {}, closeSoon: () => {} };
}
