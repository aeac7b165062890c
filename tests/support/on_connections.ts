// The service of tests/support/service.ts behind the listener of the real one, so that its connections are in
// hand; and a caller that sends and reads as slowly as a test wants.

import assert from "node:assert/strict";
import type { Arrival } from "../../routes/http/arrival.ts";
import { systemClock } from "../../runtime/mod.ts";
import { connectionServer } from "../../serving/deno_internals.ts";
import { Listener } from "../../serving/listener.ts";
import type { Service } from "./service.ts";
import { eventually } from "./waiting.ts";

/** To be shut down by the test. */
export function onConnections(service: Service, arrival: Arrival = {}): Listener {
  return new Listener({
    hostname: "127.0.0.1",
    port: 0,
    most: 1_000,
    serveConnection: connectionServer()!,
    clock: systemClock,
    log: { info: () => {}, error: () => {} },
    handler: (request, connection) => service.app.fetch(request, { ...arrival, connection }),
  });
}

export class SlowCaller {
  #said = "";

  private constructor(private readonly connection: Deno.TcpConn) {}

  static async to({ address: { hostname, port } }: Listener): Promise<SlowCaller> {
    return new SlowCaller(await Deno.connect({ hostname, port }));
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) sent += await this.connection.write(bytes.subarray(sent));
  }

  /** The head of a submit, and of its body all but the last byte. */
  async hold(bytes: number, headers = ""): Promise<void> {
    const body = JSON.stringify({ task: "echo", input: { value: "x".repeat(bytes) } });
    await this.send(
      `POST /v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}` +
        `content-length: ${body.length}\r\n\r\n${body.slice(0, -1)}`,
    );
  }

  /** All that it is told, until that matches. */
  async hears(what: RegExp): Promise<string> {
    await eventually(async () => {
      if (what.test(this.#said)) return true;
      const bytes = new Uint8Array(4_096);
      const read = await this.connection.read(bytes).catch(() => null);
      assert.notEqual(read, null, `it was cut, and told only ${this.#said}`);
      this.#said += new TextDecoder().decode(bytes.subarray(0, read!));
      return what.test(this.#said);
    });
    return this.#said;
  }

  close(): void {
    this.connection.close();
  }
}
