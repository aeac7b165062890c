// Large values as bytes: gzip files of one member, which older releases read and wrote too. To compress takes
// the loop's thread, as streams of the platform do: so it is done in slices, at zlib's fastest level, and not
// at all to what would hardly become shorter, which then stands in gzip's blocks as it is.

import { builtin } from "../core/builtin.ts";
import type { Turn } from "../platform/turns.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SLICE_BYTES = 128 * 1024;
const LEVEL = 1;
const SAMPLES = 3;
const SAMPLE_BYTES = 8 * 1024;
/** Of what was sampled: above this, compressing is not worth its time. */
const WORTH_UP_TO = 0.7;

const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const TRAILER_BYTES = 8;
const BLOCK_HEADER_BYTES = 5;
const LONGEST_BLOCK = 0xffff;

export async function pack(bytes: Bytes, turn: Turn): Promise<Bytes> {
  const isCompressed = isWorthIt(bytes);
  await turn.over();
  if (!isCompressed) return asItIs(bytes);
  if (bytes.length > SLICE_BYTES) return await compressed(bytes, turn);
  return Uint8Array.from(builtin("node:zlib").gzipSync(bytes, { level: LEVEL }));
}

/**
 * The text that was packed as UTF-8.
 *
 * @throws {Error} if the bytes are damaged
 */
export async function unpack(chunks: Bytes[], turn: Turn): Promise<string> {
  const packed = joined(chunks);
  const plain = inBlocks(packed);
  if (!plain) return await decompressed(packed, turn);
  await turn.over();
  return new TextDecoder().decode(plain);
}

function isWorthIt(bytes: Bytes): boolean {
  const step = Math.max(SAMPLE_BYTES, Math.floor((bytes.length - SAMPLE_BYTES) / (SAMPLES - 1)));
  const parts = Array.from(
    { length: SAMPLES },
    (_, i) => bytes.subarray(i * step, i * step + SAMPLE_BYTES),
  );
  const sample = joined(parts);
  return builtin("node:zlib").deflateRawSync(sample, { level: LEVEL }).length <= WORTH_UP_TO * sample.length;
}

async function compressed(bytes: Bytes, turn: Turn): Promise<Bytes> {
  const gzip = builtin("node:zlib").createGzip({ level: LEVEL, chunkSize: SLICE_BYTES });
  const parts: Bytes[] = [];
  gzip.on("data", (part: Bytes) => parts.push(part));
  const ended = new Promise<void>((resolve, reject) => gzip.on("end", resolve).on("error", reject));
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    const part = bytes.subarray(from, from + SLICE_BYTES);
    await new Promise<void>((resolve, reject) =>
      gzip.write(part, (error?: Error | null) => error ? reject(error) : resolve())
    );
    await turn.over();
  }
  gzip.end();
  await ended;
  return joined(parts);
}

/** In blocks that are not compressed. */
function asItIs(bytes: Bytes): Bytes {
  const blocks = Math.max(1, Math.ceil(bytes.length / LONGEST_BLOCK));
  const packed = new Uint8Array(
    HEADER.length + blocks * BLOCK_HEADER_BYTES + bytes.length + TRAILER_BYTES,
  );
  const view = new DataView(packed.buffer);
  packed.set(HEADER);
  let to = HEADER.length;
  for (let i = 0; i < blocks; i++) {
    const block = bytes.subarray(i * LONGEST_BLOCK, (i + 1) * LONGEST_BLOCK);
    view.setUint8(to, i === blocks - 1 ? 1 : 0);
    view.setUint16(to + 1, block.length, true);
    view.setUint16(to + 3, ~block.length & 0xffff, true);
    packed.set(block, to + BLOCK_HEADER_BYTES);
    to += BLOCK_HEADER_BYTES + block.length;
  }
  view.setUint32(to, builtin("node:zlib").crc32(bytes), true);
  view.setUint32(to + 4, bytes.length, true);
  return packed;
}

/** What {@linkcode asItIs} has packed, moved together within the same bytes; null for what was compressed. */
function inBlocks(packed: Bytes): Bytes | null {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = packed.length - TRAILER_BYTES;
  if (packed[3] !== 0) return null;
  let length = 0;
  for (let from = HEADER.length, isLast = false; !isLast;) {
    if (from + BLOCK_HEADER_BYTES > end || (view.getUint8(from) | 1) !== 1) return null;
    isLast = view.getUint8(from) === 1;
    const bytes = view.getUint16(from + 1, true);
    const start = from + BLOCK_HEADER_BYTES;
    // The first bytes of a compressed block may look so by chance: nothing was moved yet.
    if (bytes !== (~view.getUint16(from + 3, true) & 0xffff) || start + bytes > end) return null;
    from = start + bytes;
    if (isLast && from !== end) return null;
  }
  for (let from = HEADER.length; from < end;) {
    const bytes = view.getUint16(from + 1, true);
    packed.copyWithin(length, from + BLOCK_HEADER_BYTES, from + BLOCK_HEADER_BYTES + bytes);
    length += bytes;
    from += BLOCK_HEADER_BYTES + bytes;
  }
  const plain = packed.subarray(0, length);
  const isWhole = view.getUint32(end, true) === builtin("node:zlib").crc32(plain);
  if (!isWhole) throw new Error("the bytes of a value are damaged: their checksum is another one");
  return plain;
}

async function decompressed(packed: Bytes, turn: Turn): Promise<string> {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const writing = (async () => {
    for (let from = 0; from < packed.length; from += SAMPLE_BYTES) {
      await writer.write(packed.subarray(from, from + SAMPLE_BYTES));
      await turn.over();
    }
    await writer.close();
  })();
  // Both fail together; the reader tells why.
  writing.catch(() => {});
  const decoder = new TextDecoder();
  const parts: string[] = [];
  for await (const part of readable) parts.push(decoder.decode(part, { stream: true }));
  await writing;
  return parts.join("") + decoder.decode();
}

function joined(parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
