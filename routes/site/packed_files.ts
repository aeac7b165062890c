// Files that are part of this program, packed: read with the first request for one of them, and shared.

import type { Context } from "hono";
import { once } from "../../runtime/core/once.ts";
import type { Pieces } from "../http/pieces.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";

const TYPES: Record<string, string> = {
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
};

/** By name: gzip in base64. */
type Texts = Readonly<Record<string, string>>;

interface PackedFile {
  packed: Uint8Array<ArrayBuffer>;
  unpacked: () => Promise<Uint8Array<ArrayBuffer>>;
}

export class PackedFiles {
  readonly #files = new Map<string, PackedFile>();

  constructor(private readonly load: () => Promise<Texts>) {}

  /** The answer with a file; null if there is none of this name. */
  async answer(
    c: Context,
    pieces: Pieces,
    name: string,
  ): Promise<Response | null> {
    const file = await this.#file(name);
    if (file === null) return null;
    const headers = headersOf(name);
    if (/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) {
      return pieces.shared(c, file.packed, {
        ...headers,
        "content-encoding": "gzip",
      });
    }
    return pieces.shared(c, await file.unpacked(), headers);
  }

  async #file(name: string): Promise<PackedFile | null> {
    const known = this.#files.get(name);
    if (known) return known;
    const texts = await this.load();
    if (!Object.hasOwn(texts, name)) return null;
    const packed = Uint8Array.from(
      atob(texts[name]),
      (byte) => byte.charCodeAt(0),
    );
    const unpack = () => new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const file = {
      packed,
      unpacked: once(() => new Response(unpack()).bytes()),
    };
    // Another request may have been faster.
    if (!this.#files.has(name)) this.#files.set(name, file);
    return this.#files.get(name)!;
  }
}

export function headersOf(name: string): Record<string, string> {
  return {
    ...PAGE_HEADERS,
    "content-type": `${TYPES[name.split(".").at(-1)!] ?? "text/plain"}; charset=utf-8`,
    "cache-control": "public, max-age=86400",
    vary: "accept-encoding",
  };
}
