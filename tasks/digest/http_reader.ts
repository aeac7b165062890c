// Reads one answer of HTTP/1.1 from a connection: its head, then its body, which ends by its length, by its
// chunks, or with the connection.

const CHUNK_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

export class HttpReader {
  readonly #connection: Pick<Deno.Conn, "read">;
  #held = new Uint8Array(0);
  #headBytes = 0;

  constructor(connection: Pick<Deno.Conn, "read">) {
    this.#connection = connection;
  }

  /** @throws {Error} if this is no answer of HTTP/1 */
  async head(): Promise<{ status: number; headers: Headers }> {
    for (;;) {
      const [, status] = /^HTTP\/1\.\d ([1-5]\d\d)(?: |$)/.exec(await this.#line()) ?? [];
      if (status === undefined) throw malformed("it does not begin as an answer of HTTP/1");
      const headers = await this.#headers();
      // Answers in between, such as 103 Early Hints.
      if (Number(status) >= 200) return { status: Number(status), headers };
    }
  }

  async *body(headers: Headers): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (/(^|,)\s*chunked\s*$/i.test(headers.get("transfer-encoding") ?? "")) return yield* this.#chunked();
    const length = headers.get("content-length");
    if (length === null) {
      for (let chunk = await this.#some(); chunk !== null; chunk = await this.#some()) yield chunk;
      return;
    }
    if (!/^\d{1,15}$/.test(length)) throw malformed(`its Content-Length is ${JSON.stringify(length)}`);
    yield* this.#exactly(Number(length));
  }

  async *#chunked(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const [, size] = /^([\da-f]{1,8})\s*(?:;.*)?$/i.exec(await this.#line()) ?? [];
      if (size === undefined) throw malformed("a chunk has no length");
      if (Number.parseInt(size, 16) === 0) return void await this.#headers();
      yield* this.#exactly(Number.parseInt(size, 16));
      if (await this.#line() !== "") throw malformed("a chunk is longer than it says");
      this.#headBytes = 0;
    }
  }

  async #headers(): Promise<Headers> {
    const headers = new Headers();
    for (let line = await this.#line(); line !== ""; line = await this.#line()) {
      const colon = line.indexOf(":");
      if (colon <= 0) throw malformed("a line of its head is no header");
      try {
        headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
      } catch {
        throw malformed("a line of its head is no header");
      }
    }
    return headers;
  }

  async *#exactly(bytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let left = bytes; left > 0;) {
      const chunk = await this.#some();
      if (chunk === null) throw malformed("it ends before its end");
      const wanted = chunk.subarray(0, left);
      this.#held = chunk.subarray(wanted.length);
      left -= wanted.length;
      yield wanted;
    }
  }

  async #line(): Promise<string> {
    for (let from = 0;;) {
      const end = this.#held.indexOf(LINE_FEED, from);
      if (end >= 0) {
        const line = new TextDecoder("latin1").decode(this.#held.subarray(0, end)).replace(/\r$/, "");
        this.#held = this.#held.subarray(end + 1);
        this.#headBytes += end + 1;
        if (this.#headBytes > MAX_HEAD_BYTES) throw malformed("its head is too long");
        return line;
      }
      from = this.#held.length;
      if (this.#headBytes + from > MAX_HEAD_BYTES) throw malformed("its head is too long");
      const more = await this.#read();
      if (more === null) throw malformed("it ends before its end");
      this.#held = joined(this.#held, more);
    }
  }

  /** The bytes that have come; null at the end. */
  async #some(): Promise<Uint8Array<ArrayBuffer> | null> {
    const held = this.#held;
    this.#held = new Uint8Array(0);
    return held.length > 0 ? held : await this.#read();
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const length = await this.#connection.read(buffer);
    return length === null ? null : buffer.subarray(0, length);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function malformed(what: string): Error {
  return new Error(`Cannot fetch: the server's answer is malformed: ${what}`);
}
