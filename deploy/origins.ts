// Where the app is reached, as its callers spell it: what one instance has learned from a request, all of them know.

import { type KvPort, serviceKeys } from "../runtime/mod.ts";

export class Origins {
  #known: string | null = null;

  /** @param given said by the operator; then nothing is learned. */
  constructor(private readonly kv: () => Promise<KvPort>, private readonly given: string | undefined) {}

  /** Null if nobody knows so far. */
  async known(): Promise<string | null> {
    if (this.given !== undefined) return this.given;
    this.#known ??= (await (await this.kv()).get<string>(serviceKeys.origin)).value;
    return this.#known;
  }

  /** Only from a request that was let in: what is learned here gets the app's own calls. */
  async learn(request: Request): Promise<void> {
    const { protocol, host } = new URL(request.url);
    const scheme = request.headers.get("x-forwarded-proto") ?? protocol.slice(0, -1);
    const origin = `${scheme === "https" ? "https" : "http"}://${host}`;
    if (this.given !== undefined || origin === await this.known()) return;
    await (await this.kv()).writeBlind([{ key: serviceKeys.origin, value: origin }], 0);
    this.#known = origin;
  }
}
