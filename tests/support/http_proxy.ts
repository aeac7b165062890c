// A TCP proxy in front of a service: it counts what goes through, and cuts, refuses or stalls as a test asks for.

/** What a request starts with. It always starts a chunk, as nothing here sends a second one before the answer. */
const REQUEST = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/;
const STREAM = /^\/v1\/(as-completed|tasks\/[^/]+\/events)(\?|$)/;
/** How an answer ends that is sent in chunks, as all streams are. */
const LAST_CHUNK = "\r\n0\r\n\r\n";
const HEAD_BYTES = 500;
const decoder = new TextDecoder();

interface Pair {
  client: Deno.Conn;
  service: Deno.Conn;
  /** A stream was asked for, and has not ended: tells it from a connection that is idle and kept for later. */
  isStream: boolean;
  /** What the stream has brought. */
  bytes: number;
  /** Cut instead of the answer. */
  isLost: boolean;
}

export class Proxy implements AsyncDisposable {
  /** As `POST /v1/wait`, in the order in which they came. */
  readonly requests: string[] = [];
  /** Connections from clients, from the start on; those that were refused too. */
  total = 0;
  refused = 0;
  /** The most streams that were open at once. */
  mostStreams = 0;
  /** Each stream is cut behind this many bytes, wherever that is. */
  streamBytes = Infinity;
  readonly #target: Deno.ConnectOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #pairs = new Set<Pair>();
  readonly #work = new Set<Promise<void>>();
  #isRefusing = false;
  #losing: { pattern: RegExp; count: number } = { pattern: /^$/, count: 0 };
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

  /** Lets the next `count` requests of this kind through, and cuts the connection in place of their answers. */
  loseAnswers(pattern: RegExp, count = 1): void {
    this.#losing = { pattern, count };
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
    const pair = { client, service, isStream: false, bytes: 0, isLost: false };
    this.#pairs.add(pair);
    await Promise.all([
      this.#forward(pair, client, service, (chunk) => this.#onRequest(pair, chunk)),
      this.#forward(pair, service, client, this.#onAnswer(pair)),
    ]);
  }

  #onRequest(pair: Pair, chunk: Uint8Array): Uint8Array {
    const [, method, path] = REQUEST.exec(decoder.decode(chunk.subarray(0, HEAD_BYTES))) ?? [];
    if (method === undefined) return chunk;
    const request = `${method} ${path.split("?")[0]}`;
    this.requests.push(request);
    pair.isStream = STREAM.test(path);
    pair.bytes = 0;
    this.mostStreams = Math.max(this.mostStreams, this.streams);
    if (this.#losing.count > 0 && this.#losing.pattern.test(request)) {
      this.#losing.count--;
      pair.isLost = true;
    }
    return chunk;
  }

  #onAnswer(pair: Pair): (chunk: Uint8Array) => Uint8Array | null {
    let tail = "";
    return (chunk) => {
      if (pair.isLost) return null;
      tail = (tail + decoder.decode(chunk.subarray(-LAST_CHUNK.length))).slice(-LAST_CHUNK.length);
      if (!pair.isStream) return chunk;
      const left = this.streamBytes - pair.bytes;
      pair.bytes += chunk.length;
      if (left <= 0) return null;
      if (tail === LAST_CHUNK && chunk.length <= left) pair.isStream = false;
      return chunk.subarray(0, left);
    };
  }

  /**
   * The end of one direction ends the other one too: nobody half-closes here.
   *
   * @param pass gives what goes on; null cuts the connection
   */
  async #forward(
    pair: Pair,
    from: Deno.Conn,
    to: Deno.Conn,
    pass: (chunk: Uint8Array) => Uint8Array | null,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) break;
        // A stalled connection is still read once: that its other end closes it is seen before that.
        await this.#stalled?.promise;
        let rest = pass(buffer.subarray(0, length));
        if (rest === null) break;
        const isWhole = rest.length === length;
        while (rest.length > 0) rest = rest.subarray(await to.write(rest));
        if (!isWhole) break;
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
