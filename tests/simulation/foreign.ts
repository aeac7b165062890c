// Work that Deno itself does in its own time: the engine packs large values with `CompressionStream`, read
// through `Response`. Virtual time stands still until all of it is done, and its results come back in the
// order in which it was begun: how long it really took decides nothing.

interface Piece {
  done: Promise<unknown>;
  release: () => void;
}

class ForeignWork {
  #pieces: Piece[] = [];

  get pending(): boolean {
    return this.#pieces.length > 0;
  }

  gate<T>(done: Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pieces.push({ done, release: resolve });
    return promise.then(() => done);
  }

  /** Waits for all that is under way, then lets the first of it through. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#pieces.map(({ done }) => done));
    this.#pieces.shift()?.release();
  }
}

export const foreignWork = new ForeignWork();

/** Until the returned function is called, reading a `Response` is foreign work. */
export function gateResponses(): () => void {
  const { arrayBuffer, text } = Response.prototype;
  Response.prototype.arrayBuffer = function () {
    return foreignWork.gate(arrayBuffer.call(this));
  };
  Response.prototype.text = function () {
    return foreignWork.gate(text.call(this));
  };
  return () => Object.assign(Response.prototype, { arrayBuffer, text });
}
