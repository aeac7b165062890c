// GET from an address that was checked. `fetch` would look the host's name up once more, and a DNS server may
// answer otherwise the second time (DNS rebinding). So the connection is made here, and TLS is told the
// host's name, which the certificate must have.

import { AbortLink } from "../../runtime/core/abort_link.ts";
import { hostnameOf } from "./address.ts";
import { HttpReader } from "./http_reader.ts";
import { refusal } from "./refusal.ts";

/** Without a body. */
const EMPTY_STATUSES = [204, 205, 304];

export interface GetOptions {
  signal: AbortSignal;
  /** Certificates to trust beside those of the system. */
  caCerts?: string[];
}

/**
 * Asks the host of this URL at the first of these addresses that takes a connection. Follows no redirect, and
 * uses no proxy.
 */
export async function getFrom(
  url: URL,
  addresses: readonly string[],
  options: GetOptions,
): Promise<Response> {
  const { signal } = options;
  signal.throwIfAborted();
  const connection = await connect(url, addresses, options);
  const close = () => closed(connection);
  signal.addEventListener("abort", close);
  const end = () => {
    signal.removeEventListener("abort", close);
    close();
  };
  try {
    await sendAll(connection, headOf(url));
    const reader = new HttpReader(connection);
    const { status, headers } = await reader.head();
    if (EMPTY_STATUSES.includes(status)) {
      end();
      return new Response(null, { status, headers });
    }
    const body = streamOf(reader.body(headers), signal, end);
    return new Response(unpacked(body, headers), { status, headers });
  } catch (error) {
    end();
    signal.throwIfAborted();
    throw error;
  }
}

function headOf({ host, pathname, search }: URL): Uint8Array {
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    "accept: */*",
    "accept-encoding: gzip",
    "user-agent: errand",
    "connection: close",
  ];
  return new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
}

async function connect(url: URL, addresses: readonly string[], options: GetOptions): Promise<Deno.Conn> {
  const isSecure = url.protocol === "https:";
  const name = hostnameOf(url);
  const port = Number(url.port || (isSecure ? 443 : 80));
  let failure: unknown;
  for (const hostname of addresses) {
    try {
      const tcp = await orAborted(Deno.connect({ hostname, port }), options.signal);
      return isSecure ? await secured(tcp, name, options) : tcp;
    } catch (error) {
      options.signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

async function secured(
  tcp: Deno.TcpConn,
  hostname: string,
  { signal, caCerts }: GetOptions,
): Promise<Deno.TlsConn> {
  // After the handover, TLS closes the connection.
  const tls = await Deno.startTls(tcp, { hostname, caCerts });
  try {
    await orAborted(tls.handshake(), signal);
    return tls;
  } catch (error) {
    closed(tls);
    throw error;
  }
}

/** A connection that comes too late is closed. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  using link = new AbortLink(signal);
  const aborted = new Promise<never>((_, reject) => {
    link.signal.addEventListener("abort", () => reject(link.signal.reason));
  });
  aborted.catch(() => {});
  work.then((late) => {
    if (signal.aborted) closed(late as Partial<Deno.Conn>);
  }, () => {});
  return await Promise.race([work, aborted]);
}

function closed(connection: Partial<Pick<Deno.Conn, "close">>): void {
  try {
    connection.close?.();
  } catch { /* It already was. */ }
}

async function sendAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** @param end called once the body is over or cancelled, also before anything was read */
function streamOf(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
  end: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    try {
      const { done, value } = await chunks.next();
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    } catch (error) {
      end();
      throw signal.aborted ? signal.reason : error;
    }
  };
  return new ReadableStream({ pull, cancel: end }, { highWaterMark: 0 });
}

function unpacked(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  headers: Headers,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const packing = (headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (packing === "identity" || packing === "") return body;
  if (packing === "gzip" || packing === "x-gzip") return body.pipeThrough(new DecompressionStream("gzip"));
  throw refusal(`Cannot fetch: the server packs its answer with ${JSON.stringify(packing)}, not with gzip`);
}
