// Listens, and keeps every connection in hand: so many and no more, none that says nothing, none that is idle
// for ever. When descriptors run out it waits for some to come free, and goes on.

import { Connection, type Rounds, SharedCall } from "./connection.ts";
import type { ServeConnection } from "./deno_internals.ts";
import type { Listening, ListenOptions } from "./listening.ts";

export interface ListenerOptions extends ListenOptions {
  serveConnection: ServeConnection;
  /** From a connection to the head of its first request. */
  silentMs?: number;
  /** From the end of an answer to the head of the next request. */
  idleMs?: number;
  bind?: (address: { hostname: string; port: number }) => Deno.TcpListener;
}

const SILENT_MS = 20_000;
/** Proxies keep connections for a minute or two, and had better be the ones that close them. */
const IDLE_MS = 300_000;
const ROUND_MS = 1_000;
/** Where no descriptor is left. */
const ACCEPT_AGAIN_MS = 100;
const SAID_EVERY_MS = 60_000;

const REFUSAL = JSON.stringify({
  type: "/problems/unavailable",
  title: "Unavailable",
  status: 503,
  detail: "as many connections are open as the service takes (MAX_CONNECTIONS)",
});
const REFUSED = new TextEncoder().encode(
  "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 2\r\n" +
    `content-type: application/problem+json\r\ncontent-length: ${REFUSAL.length}\r\n\r\n${REFUSAL}`,
);

type Server = ReturnType<ServeConnection>;

export class Listener implements Listening {
  readonly #listener: Deno.TcpListener;
  readonly #servers = new Map<Connection, Server>();
  readonly #rounds: Rounds = { now: 0 };
  readonly #silentRounds: number;
  readonly #idleRounds: number;
  #saidAt = -Infinity;
  #isClosed = false;
  #stopRounds: () => void = () => {};
  readonly #ended: Promise<void>;

  constructor(private readonly options: ListenerOptions) {
    const { hostname, port, silentMs = SILENT_MS, idleMs = IDLE_MS, bind = Deno.listen } = options;
    this.#silentRounds = Math.ceil(silentMs / ROUND_MS);
    this.#idleRounds = Math.ceil(idleMs / ROUND_MS);
    this.#listener = bind({ hostname, port });
    this.#nextRound();
    this.#ended = this.#accept();
  }

  get address(): Deno.NetAddr {
    return this.#listener.addr;
  }

  get connections(): number {
    return this.#servers.size;
  }

  async shutdown(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    this.#stopRounds();
    const ends = [...this.#servers].map(([connection, server]) => {
      if (connection.isSilent) connection.close();
      return server.shutdown();
    });
    await Promise.allSettled([this.#ended, ...ends]);
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (this.#isClosed) return;
        this.#say("no connection can be taken; the longest idle ones are closed", error);
        this.#makeRoom();
        await new Promise<void>((resolve) => this.options.clock.timer(resolve, ACCEPT_AGAIN_MS));
      }
    }
  }

  #take(tcp: Deno.TcpConn): void {
    const { most, serveConnection, handler, log } = this.options;
    if (this.#servers.size >= most && !this.#makeRoom()) return this.#refuse(tcp);
    const connection = new Connection(tcp.remoteAddr.hostname, this.#rounds);
    const server = serveConnection(
      tcp,
      connection.signal,
      (request, info) => {
        connection.begin();
        const taken = info.completed.then(connection.end, connection.end);
        return handler(request, connection.isShared ? new SharedCall(connection, taken) : connection);
      },
      (error) => {
        // What is cut off by a cut connection is no fault: a line for each would be the caller's to make.
        if (!connection.signal.aborted) log.error("a request could not be answered", error);
        return new Response(null, { status: 500 });
      },
      () => {},
    );
    this.#servers.set(connection, server);
    const forget = () => void this.#servers.delete(connection);
    server.finished.then(forget, forget);
  }

  /**
   * Closes some that are idle: whoever has said nothing yet goes first, then whoever has for longest.
   *
   * @returns false if all are in use
   */
  #makeRoom(): boolean {
    const idle = [...this.#servers.keys()].filter(({ isIdle }) => isIdle);
    // Several at once: the next ones to come need not look.
    const count = Math.ceil(idle.length / 100);
    idle.sort((a, b) => Number(b.isSilent) - Number(a.isSilent) || a.idleSince - b.idleSince);
    for (const connection of idle.slice(0, count)) this.#cut(connection);
    return count > 0;
  }

  #cut(connection: Connection): void {
    this.#servers.delete(connection);
    connection.close();
  }

  #refuse(tcp: Deno.TcpConn): void {
    this.#say(`${this.options.most} connections are open, and more are refused (MAX_CONNECTIONS)`);
    tcp.write(REFUSED).catch(() => {}).finally(() => tcp.close());
  }

  #nextRound(): void {
    this.#stopRounds = this.options.clock.timer(() => {
      this.#rounds.now++;
      for (const connection of this.#servers.keys()) {
        if (this.#isOver(connection)) this.#cut(connection);
      }
      this.#nextRound();
    }, ROUND_MS);
  }

  #isOver({ isIdle, isSilent, idleSince, endsAt }: Connection): boolean {
    const { now } = this.#rounds;
    if (now > endsAt) return true;
    return isIdle && now - idleSince > (isSilent ? this.#silentRounds : this.#idleRounds);
  }

  #say(what: string, error?: unknown): void {
    const now = this.options.clock.monotonic();
    if (now - this.#saidAt < SAID_EVERY_MS) return;
    this.#saidAt = now;
    this.options.log.error(what, error ?? new Error("too many connections"));
  }
}
