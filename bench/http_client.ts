// A small HTTP/1.1 client for load: one request at a time on each connection. `fetch` costs about as much
// CPU as the server's whole answer, and would measure itself on a machine of two cores.

export interface Answer {
  status: number;
  body: string;
}

export class Connection {
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(64 * 1024);

  private constructor(private readonly connection: Deno.TcpConn, private readonly host: string) {}

  static async open(url: URL): Promise<Connection> {
    const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    connection.setNoDelay(true);
    return new Connection(connection, url.host);
  }

  /** Sends one request and reads its answer, which must carry a content-length. */
  async send(method: string, path: string, body = ""): Promise<Answer> {
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\ncontent-type: application/json\r\n`;
    const bytes = this.#encoder.encode(body);
    const request = this.#encoder.encode(`${head}content-length: ${bytes.length}\r\n\r\n${body}`);
    for (let sent = 0; sent < request.length;) sent += await this.connection.write(request.subarray(sent));
    let text = "";
    for (;;) {
      const read = await this.connection.read(this.#buffer);
      if (read === null) throw new Error("the server closed the connection");
      // Answers here are ASCII, so characters are bytes.
      text += this.#decoder.decode(this.#buffer.subarray(0, read));
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) continue;
      return { status: Number(text.slice(9, 12)), body: text.slice(end + 4, end + 4 + length) };
    }
  }

  close(): void {
    this.connection.close();
  }
}
