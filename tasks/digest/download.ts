// Fetches a document from the public web in bounded time and size. Redirects are followed by hand, because
// each hop has to pass the guard again.

import { AbortLink } from "../../runtime/core/abort_link.ts";
import { requirePublic, type Resolve, resolveByDns } from "./address.ts";
import { getFrom } from "./http_get.ts";
import { refusal } from "./refusal.ts";

const MAX_REDIRECTS = 3;
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];

export interface DownloadOptions {
  signal: AbortSignal;
  /** For all of it: names, hops and body. */
  timeoutMs?: number;
  maxBytes?: number;
  resolve?: Resolve;
  get?: typeof getFrom;
}

/**
 * The body's bytes, in chunks.
 *
 * @throws {Error} with `retryable` false if the guard refuses a hop, the server does (4xx) or the body is too
 * large.
 */
export async function* download(url: string, options: DownloadOptions): AsyncGenerator<Uint8Array> {
  const { timeoutMs = 30_000, maxBytes = 16 * 1024 * 1024 } = options;
  using limit = new AbortLink(options.signal);
  const late = new DOMException(`it took longer than ${timeoutMs} ms`, "TimeoutError");
  const timer = setTimeout(() => limit.abort(late), timeoutMs);
  try {
    const response = await follow(new URL(url), { ...options, signal: limit.signal });
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw refusal(`Cannot digest ${url}: it is larger than ${maxBytes} bytes`);
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function follow(start: URL, options: DownloadOptions): Promise<Response> {
  const { signal, resolve = resolveByDns, get = getFrom } = options;
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await get(url, await requirePublic(url, signal, resolve), { signal });
    if (response.ok) return response;
    await response.body?.cancel();
    const next = REDIRECT_STATUSES.includes(response.status) ? target(response, url) : null;
    if (next === null) throw answered(url, response.status);
    url = next;
  }
  throw refusal(`Cannot fetch ${start}: more than ${MAX_REDIRECTS} redirects`);
}

function target(response: Response, base: URL): URL | null {
  const location = response.headers.get("location");
  return location === null ? null : URL.parse(location, base);
}

function answered(url: URL, status: number): Error {
  const message = `Cannot fetch ${url}: the server answered ${status}`;
  const mayPass = status >= 500 || status === 408 || status === 429;
  return mayPass ? new Error(message) : refusal(message);
}
