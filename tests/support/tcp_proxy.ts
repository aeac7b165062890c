// A proxy between clients and a service that does what a network may: it cuts, refuses and stalls. Callers
// that know the protocol can read and change the bytes.

export interface Pair {
  client: Deno.Conn;
  service: Deno.Conn;
}

/** What becomes of bytes: these go on, and then the connection may be cut. */
export interface Passed {
  bytes: Uint8Array;
  isCut?: boolean;
}

/** Sees the bytes of one direction of one connection, as they come. */
export type Filter = (chunk: Uint8Array) => Passed;

export abstract class TcpProxy<P extends Pair> implements AsyncDisposable {
  /** Connections from clients, from the start on; those that were refused too. */
  total = 0;
  refused = 0;
  protected readonly pairs = new Set<P>();
  readonly #target: { hostname: string; port: number };
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #work = new Set<Promise<void>>();
  #isRefusing = false;
  #stalled: PromiseWithResolvers<void> | null = null;

  /** @param url of the service */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#target = { hostname, port: Number(port) };
    this.#track(this.#accept());
  }

  protected abstract pairOf(pair: Pair): P;
  protected abstract toService(pair: P): Filter;
  protected abstract toClient(pair: P): Filter;

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Connections that are open now, the idle ones too. */
  get open(): number {
    return this.pairs.size;
  }

  cutAll(): void {
    for (const pair of this.pairs) this.#close(pair);
  }

  /** From now on a new connection is closed as soon as it is there. Those that are open stay. */
  refuse(): void {
    this.#isRefusing = true;
  }

  accept(): void {
    this.#isRefusing = false;
  }

  /** Connections stay open, but nothing goes through, in either direction. */
  stall(): void {
    this.#stalled ??= Promise.withResolvers();
  }

  resume(): void {
    this.#stalled?.resolve();
    this.#stalled = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.resume();
    this.cutAll();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.total++;
      if (this.#isRefusing) {
        this.refused++;
        client.close();
      } else this.#track(this.#serve(client));
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    let service: Deno.TcpConn;
    try {
      service = await Deno.connect(this.#target);
    } catch {
      return client.close();
    }
    for (const connection of [client, service]) connection.setNoDelay(true);
    const pair = this.pairOf({ client, service });
    this.pairs.add(pair);
    await Promise.all([
      this.#forward(pair, client, service, this.toService(pair)),
      this.#forward(pair, service, client, this.toClient(pair)),
    ]);
  }

  /** The end of one direction ends the other one too: nobody half-closes here. */
  async #forward(pair: P, from: Deno.Conn, to: Deno.Conn, filter: Filter): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let isCut = false; !isCut;) {
        const length = await from.read(buffer);
        if (length === null) break;
        // A stalled connection is still read once: that its other end closes it is seen before that.
        await this.#stalled?.promise;
        const passed = filter(buffer.subarray(0, length));
        isCut = passed.isCut ?? false;
        for (let rest = passed.bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
      }
    } catch {
      // Closed from here, or by the one it is read from or written to.
    }
    this.#close(pair);
  }

  #close(pair: P): void {
    if (!this.pairs.delete(pair)) return;
    pair.client.close();
    pair.service.close();
  }
}
