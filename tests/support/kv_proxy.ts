// Stands between a service and its `denokv` server, to take away what the service does not notice. Deno's client
// has one HTTP/2 connection for each handle, with its reads, commits and watches as streams of it.

/** `/v2/watch` as HTTP/2 writes it in a request's head (RFC 7541, appendix B). */
const WATCH_PATH = [0x63, 0xb8, 0x98, 0xf0, 0x34, 0x92, 0x7f];
/** What a client says first, ahead of all frames. */
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;

export class Proxy implements Disposable {
  readonly url: string;
  /** Watches are asked for, and nothing of what the server says to them arrives. */
  isMute = false;
  /** How many were. */
  muted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();

  private constructor(private readonly target: URL) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#serve();
  }

  static to(url: string): Proxy {
    return new Proxy(new URL(url));
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
  }

  async #serve(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#connect(client).catch(() => {});
    } catch { /* It is closed. */ }
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    const server = await Deno.connect({ hostname: this.target.hostname, port: Number(this.target.port) });
    for (const connection of [client, server]) {
      connection.setNoDelay(true);
      this.#open.add(connection);
    }
    const watches = new Set<number>();
    const asked = frames(PREFACE_BYTES, (frame) => {
      if (this.isMute && typeOf(frame) === HEADERS && includes(frame, WATCH_PATH)) {
        watches.add(streamOf(frame));
        this.muted++;
      }
      return true;
    });
    // Heads go through: both sides keep a table of them for the whole connection.
    const answered = frames(0, (frame) => typeOf(frame) !== DATA || !watches.has(streamOf(frame)));
    await Promise.allSettled([
      client.readable.pipeThrough(asked).pipeTo(server.writable),
      server.readable.pipeThrough(answered).pipeTo(client.writable),
    ]);
    for (const connection of [client, server]) this.#open.delete(connection);
  }
}

/** Lets HTTP/2 frames through one by one, but those that `passes` says no to. */
function frames(
  preface: number,
  passes: (frame: Uint8Array) => boolean,
): TransformStream<Uint8Array, Uint8Array> {
  let held = new Uint8Array();
  return new TransformStream({
    transform(bytes, controller) {
      const all = new Uint8Array([...held, ...bytes]);
      let at = 0;
      for (;;) {
        const length = preface > 0 ? preface : lengthOf(all.subarray(at));
        if (length === null || all.length - at < length) break;
        const frame = all.slice(at, at += length);
        if (preface > 0 || passes(frame)) controller.enqueue(frame);
        preface = 0;
      }
      held = all.slice(at);
    },
  });
}

/** With its head; null if not even that has come. */
function lengthOf(bytes: Uint8Array): number | null {
  if (bytes.length < HEAD_BYTES) return null;
  return HEAD_BYTES + (bytes[0] << 16 | bytes[1] << 8 | bytes[2]);
}

function typeOf(frame: Uint8Array): number {
  return frame[3];
}

function streamOf(frame: Uint8Array): number {
  return new DataView(frame.buffer).getUint32(5) & 0x7fffffff;
}

function includes(bytes: Uint8Array, part: number[]): boolean {
  return bytes.some((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}

/** It may have been closed by either side. */
function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
