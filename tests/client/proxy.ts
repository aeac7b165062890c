// A TCP proxy in front of a service: it counts what goes through, and cuts, refuses or stalls as a test asks for.

/** A request for a stream of events starts like this; one request's head always starts a chunk, as nothing pipelines. */
const REQUEST = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/;
const STREAM = /^\/v1\/(as-completed|tasks\/[^/]+\/events)(\?|$)/;
/** The last chunk of an answer that was sent in chunks, as all streams are. */
const LAST_CHUNK = "\r\n0\r\n\r\n";

interface Pair {
  client: Deno.Conn;
  service: Deno.Conn;
  /** A stream was asked for, and has not ended: tells it from a connection that is idle and kept for later. */
  isStream: boolean;
}

export class Proxy implements AsyncDisposable {
  /** As `POST /v1/wait`, in the order in which they came. */
  readonly requests: string[] = [];
  /** Connections from clients, from the start on; those that were refused too. */
  total = 0;
  refused = 0;
  /** The most streams that were open at once. */
  mostStreams = 0;
  readonly #target: Deno.ConnectOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #pairs = new Set<Pair>();
  readonly #work = new Set<Promise<void>>();
  #isRefusing = false;
  #stalled: PromiseWithResolvers<void> | null = null;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#target = { hostname, port: Number(port) };
    this.#track(this.#accept());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Connections that are open now, the idle ones too. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Streams that are open now. */
  get streams(): number {
    return [...this.#pairs].filter(({ isStream }) => isStream).length;
  }

  /** Cuts every connection; gives how many of them carried a stream. */
  cut(): number {
    const { streams } = this;
    for (const pair of this.#pairs) this.#close(pair);
    return streams;
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
    this.cut();
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

  async #serve(client: Deno.Conn): Promise<void> {
    let service: Deno.Conn;
    try {
      service = await Deno.connect(this.#target);
    } catch {
      return client.close();
    }
    const pair = { client, service, isStream: false };
    this.#pairs.add(pair);
    let tail = "";
    await Promise.all([
      this.#forward(pair, client, service, (chunk) => this.#onRequest(pair, chunk)),
      this.#forward(pair, service, client, (chunk) => {
        tail = (tail + chunk.slice(-LAST_CHUNK.length)).slice(-LAST_CHUNK.length);
        if (tail === LAST_CHUNK) pair.isStream = false;
      }),
    ]);
  }

  #onRequest(pair: Pair, chunk: string): void {
    const [, method, path] = REQUEST.exec(chunk) ?? [];
    if (method === undefined) return;
    this.requests.push(`${method} ${path.split("?")[0]}`);
    pair.isStream = STREAM.test(path);
    this.mostStreams = Math.max(this.mostStreams, this.streams);
  }

  /** The end of one direction ends the other one too: nobody half-closes here. */
  async #forward(pair: Pair, from: Deno.Conn, to: Deno.Conn, see: (chunk: string) => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) break;
        // A stalled connection is still read once: that its other end closes it is seen after that.
        await this.#stalled?.promise;
        let rest = buffer.subarray(0, length);
        see(String.fromCharCode(...rest.subarray(0, 200)) + latin1(rest.subarray(200)));
        while (rest.length > 0) rest = rest.subarray(await to.write(rest));
      }
    } catch {
      // Closed from here, or by the one it is read from or written to.
    }
    this.#close(pair);
  }

  #close(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client.close();
    pair.service.close();
  }
}
