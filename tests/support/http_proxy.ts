// A proxy in front of a service that knows its HTTP/1.1: it counts requests and streams, and loses answers.

import { type Filter, type Pair, TcpProxy } from "./tcp_proxy.ts";

/**
 * What a request starts with. It always starts a chunk, as nothing here sends a second one before the
 * answer.
 */
const REQUEST = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/;
const STREAM = /^\/v1\/(as-completed|tasks\/[^/]+\/events)(\?|$)/;
/** How an answer ends that is sent in chunks, as all streams are. */
const LAST_CHUNK = "\r\n0\r\n\r\n";
const HEAD_BYTES = 500;
const NOTHING = new Uint8Array();
const decoder = new TextDecoder();

interface HttpPair extends Pair {
  /**
   * A stream was asked for, and has not ended: tells it from a connection that is idle and kept for
   * later.
   */
  isStream: boolean;
  /** What the stream has brought. */
  bytes: number;
  /** Cut instead of the answer. */
  isLost: boolean;
}

export class HttpProxy extends TcpProxy<HttpPair> {
  /** As `POST /v1/wait`, in the order in which they came. */
  readonly requests: string[] = [];
  /** The most streams that were open at once. */
  mostStreams = 0;
  /** Each stream is cut behind this many bytes, wherever that is. */
  streamBytes = Infinity;
  #losing: { pattern: RegExp; count: number } = { pattern: /^$/, count: 0 };

  /** Streams that are open now. */
  get streams(): number {
    return [...this.pairs].filter(({ isStream }) => isStream).length;
  }

  /** Cuts every connection. Returns how many of them carried a stream. */
  cut(): number {
    const { streams } = this;
    this.cutAll();
    return streams;
  }

  /**
   * Lets the next `count` requests of this kind through, and cuts the connection in place of their
   * answers.
   */
  loseAnswers(pattern: RegExp, count = 1): void {
    this.#losing = { pattern, count };
  }

  protected pairOf(pair: Pair): HttpPair {
    return { ...pair, isStream: false, bytes: 0, isLost: false };
  }

  protected toService(pair: HttpPair): Filter {
    return (chunk) => {
      const [, method, path] = REQUEST.exec(decoder.decode(chunk.subarray(0, HEAD_BYTES))) ?? [];
      if (method !== undefined) this.#onRequest(pair, method, path);
      return { bytes: chunk };
    };
  }

  #onRequest(pair: HttpPair, method: string, path: string): void {
    const request = `${method} ${path.split("?")[0]}`;
    this.requests.push(request);
    pair.isStream = STREAM.test(path);
    pair.bytes = 0;
    this.mostStreams = Math.max(this.mostStreams, this.streams);
    if (this.#losing.count > 0 && this.#losing.pattern.test(request)) {
      this.#losing.count--;
      pair.isLost = true;
    }
  }

  protected toClient(pair: HttpPair): Filter {
    let tail = "";
    return (chunk) => {
      if (pair.isLost) return { bytes: NOTHING, isCut: true };
      tail = (tail + decoder.decode(chunk.subarray(-LAST_CHUNK.length))).slice(-LAST_CHUNK.length);
      if (!pair.isStream) return { bytes: chunk };
      const left = Math.max(0, this.streamBytes - pair.bytes);
      pair.bytes += chunk.length;
      const isCut = chunk.length > left || left === 0;
      if (tail === LAST_CHUNK && !isCut) pair.isStream = false;
      return { bytes: chunk.subarray(0, left), isCut };
    };
  }
}
