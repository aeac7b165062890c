// A proxy between a service and its `denokv` server: it drops messages without the service's notice. Deno's
// client has one HTTP/2 connection for each handle, with its reads, commits and watches as streams of it.

import { type Filter, type Pair, TcpProxy } from "./tcp_proxy.ts";

/** `/v2/watch` as HTTP/2 writes it in a request's head (RFC 7541, appendix B). */
const WATCH_PATH = [0x63, 0xb8, 0x98, 0xf0, 0x34, 0x92, 0x7f];
/** What a client says first, ahead of all frames. */
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;

interface KvPair extends Pair {
  /** Streams of watches that are kept from telling anything. */
  mute: Set<number>;
  /** Of the others, those that have told nothing yet. */
  silent: Set<number>;
}

export class KvProxy extends TcpProxy<KvPair> {
  /** Watches are asked for, and nothing of what the server says to them arrives. */
  isMute = false;
  /** How many were. */
  muted = 0;
  /** How many other watches have told something. */
  telling = 0;

  protected pairOf(pair: Pair): KvPair {
    return { ...pair, mute: new Set(), silent: new Set() };
  }

  protected toService({ mute, silent }: KvPair): Filter {
    return framesThat((frame) => {
      if (typeOf(frame) === HEADERS && includes(frame, WATCH_PATH)) {
        (this.isMute ? mute : silent).add(streamOf(frame));
        if (this.isMute) this.muted++;
      }
      return true;
    }, PREFACE_BYTES);
  }

  protected toClient({ mute, silent }: KvPair): Filter {
    // Heads go through: both sides keep a table of them for the whole connection.
    return framesThat((frame) => {
      if (typeOf(frame) !== DATA) return true;
      if (silent.delete(streamOf(frame))) this.telling++;
      return !mute.has(streamOf(frame));
    });
  }
}

/** Passes HTTP/2 frames on one by one, but not those for which `passes` is false. */
function framesThat(passes: (frame: Uint8Array) => boolean, preface = 0): Filter {
  let held = new Uint8Array();
  return (chunk) => {
    const all = new Uint8Array([...held, ...chunk]);
    const passed: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const length = preface > 0 ? preface : lengthOf(all.subarray(at));
      if (length === null || all.length - at < length) break;
      const frame = all.slice(at, at += length);
      if (preface > 0 || passes(frame)) passed.push(frame);
      preface = 0;
    }
    held = all.slice(at);
    return { bytes: new Uint8Array(passed.flatMap((frame) => [...frame])) };
  };
}

/** With its head; null if not even that has come. */
function lengthOf(bytes: Uint8Array): number | null {
  if (bytes.length < HEAD_BYTES) return null;
  return HEAD_BYTES + (bytes[0] << 16 | bytes[1] << 8 | bytes[2]);
}

function typeOf(frame: Uint8Array): number {
  return frame[3];
}

function streamOf(frame: Uint8Array): number {
  return new DataView(frame.buffer).getUint32(5) & 0x7fffffff;
}

function includes(bytes: Uint8Array, part: number[]): boolean {
  return bytes.some((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}
