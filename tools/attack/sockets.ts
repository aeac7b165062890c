// Callers that say what no client would, at their own pace.

import type { Target } from "./attack.ts";

const encoder = new TextEncoder();
const LOOK_EVERY_MS = 20;

export class Socket {
  #isCut = false;
  #heard = "";
  #writing: Promise<void> = Promise.resolve();

  private constructor(private readonly connection: Deno.TcpConn) {}

  static async to({ url }: Target): Promise<Socket> {
    const { hostname, port } = new URL(url);
    return new Socket(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** It was cut, as far as it has noticed: by `read`, or as it sends. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The beginning of all that it was told. */
  get heard(): string {
    return this.#heard;
  }

  /** Sends it behind all else, and does not wait: what the other side does not take stays here. */
  send(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? encoder.encode(text) : text;
    this.#writing = this.#writing.then(() => this.#write(bytes));
  }

  /** Reads on until it is cut. */
  async read(): Promise<void> {
    const bytes = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    for (;;) {
      const count = await this.connection.read(bytes).catch(() => null);
      if (count === null) break;
      if (this.#heard.length < bytes.length) this.#heard += decoder.decode(bytes.subarray(0, count));
    }
    this.#isCut = true;
  }

  close(): void {
    try {
      this.connection.close();
    } catch { /* It was cut. */ }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length && !this.#isCut;) {
        at += await this.connection.write(bytes.subarray(at));
      }
    } catch {
      this.#isCut = true;
    }
  }
}

/** Runs an attack with so many sockets, which are closed at its end. Those that are refused are not there. */
export async function withSockets<T>(
  target: Target,
  count: number,
  work: (sockets: Socket[]) => Promise<T>,
): Promise<T> {
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const socket = await Socket.to(target).catch(() => null);
      if (socket) sockets.push(socket);
    }
    return await work(sockets);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** Waits until it is so. @returns how many milliseconds that took; null where it took too long */
export async function until(isSo: () => boolean, withinMs: number): Promise<number | null> {
  const since = performance.now();
  while (!isSo()) {
    if (performance.now() - since > withinMs) return null;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return performance.now() - since;
}
