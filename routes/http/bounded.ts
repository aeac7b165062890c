// Bytes of a stream up to a limit, also of what is packed: a few bytes can stand for very many.

/** The platform unpacks one piece of a packed body into one piece, up to 1,032 times as long. */
const SLICE_BYTES = 1_024;

/** There are more bytes than allowed. */
export class TooManyBytesError extends Error {}

export interface UnpackOptions extends ReadOptions {
  /** Told of each packed piece that is no longer kept. */
  onDone?: (count: number) => void;
}

export interface ReadOptions {
  /** Told of each piece; what it throws ends the reading. */
  onBytes?: (count: number) => void;
  /** Ends the reading: then it gives what has come. */
  signal?: AbortSignal;
}

/** As they came: to put them together copies them. */
export type Chunks = Uint8Array<ArrayBuffer>[];

export function lengthOf(chunks: Chunks): number {
  return chunks.reduce((length, { byteLength }) => length + byteLength, 0);
}

/**
 * Whatever ends it cancels the stream, so that nobody keeps the rest.
 *
 * @throws {TooManyBytesError} as soon as there are more than `limitBytes`
 */
export async function readBounded(
  stream: ReadableStream<Uint8Array>,
  limitBytes: number,
  { onBytes, signal }: ReadOptions = {},
): Promise<Chunks> {
  const reader = stream.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  const chunks: Chunks = [];
  let size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return chunks;
      size += value.byteLength;
      if (size > limitBytes) throw new TooManyBytesError();
      onBytes?.(value.byteLength);
      chunks.push(value as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    await cancel();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/**
 * @param packed is used up
 * @throws {TooManyBytesError} as soon as more than `limitBytes` have come out
 * @throws {TypeError} if it is no gzip, or not all of it
 */
export async function gunzipBounded(
  packed: Chunks,
  limitBytes: number,
  { onDone, ...options }: UnpackOptions = {},
): Promise<Chunks> {
  let at = 0;
  const slices = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at >= packed[0]?.byteLength) {
        onDone?.(packed.shift()!.byteLength);
        at = 0;
      }
      if (packed.length === 0) return controller.close();
      controller.enqueue(packed[0].subarray(at, at += SLICE_BYTES));
    },
  }, { highWaterMark: 0 });
  return await readBounded(slices.pipeThrough(new DecompressionStream("gzip")), limitBytes, options);
}
