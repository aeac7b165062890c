// The public origin of the app. One instance learns it from a request, and all instances read it from the
// database.

import { type KvPort, serviceKeys } from "../runtime/mod.ts";

export class Origins {
  #known: string | null = null;

  /** @param given set by the operator: then nothing is learned */
  constructor(private readonly kv: () => Promise<KvPort>, private readonly given: string | undefined) {}

  /** Null if it is not known yet. */
  async known(): Promise<string | null> {
    if (this.given !== undefined) return this.given;
    this.#known ??= (await (await this.kv()).get<string>(serviceKeys.origin)).value;
    return this.#known;
  }

  /** Only from an authorized request: the app sends its own requests to this origin. */
  async learn(request: Request): Promise<void> {
    const { protocol, host } = new URL(request.url);
    const scheme = request.headers.get("x-forwarded-proto") ?? protocol.slice(0, -1);
    const origin = `${scheme === "https" ? "https" : "http"}://${host}`;
    if (this.given !== undefined || origin === await this.known()) return;
    await (await this.kv()).writeBlind([{ key: serviceKeys.origin, value: origin }], 0);
    this.#known = origin;
  }
}
