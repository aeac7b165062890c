// A caller at the other end of a socket, who sees what is said on it and when it is cut.

import type { Listening } from "../../serving/mod.ts";
import { eventually } from "./waiting.ts";

export class Caller {
  #text = "";
  #isClosed = false;
  readonly #reading: Promise<void>;

  private constructor(private readonly connection: Deno.TcpConn) {
    this.#reading = this.#read();
  }

  static async to({ address }: Listening): Promise<Caller> {
    return new Caller(await Deno.connect({ hostname: address.hostname, port: address.port }));
  }

  send(text: string): Promise<number> {
    return this.connection.write(new TextEncoder().encode(text));
  }

  get(path: string): Promise<number> {
    return this.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  }

  async says(what: RegExp): Promise<void> {
    await eventually(() => what.test(this.#text), () => `it said only ${this.#text}`);
    this.#text = "";
  }

  async isCut(): Promise<void> {
    await eventually(() => this.#isClosed, "it was not cut");
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  async close(): Promise<void> {
    try {
      this.connection.close();
    } catch { /* It was cut. */ }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(4_096);
    for (;;) {
      const read = await this.connection.read(bytes).catch(() => null);
      if (read === null) break;
      this.#text += decoder.decode(bytes.subarray(0, read), { stream: true });
    }
    this.#isClosed = true;
  }
}
