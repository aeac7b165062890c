// The one source of chance in tests: the same seed draws the same sequence on every machine (sfc32).

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    // Neighbouring seeds begin alike. A few rounds remove the likeness.
    for (let i = 0; i < 15; i++) this.#next();
  }

  /** In [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }

  /** A source of its own, so that what one user draws does not shift another's chance. */
  fork(): Random {
    return new Random(this.below(2 ** 32));
  }

  /** For what wants bytes: ids. */
  readonly fill = (bytes: Uint8Array<ArrayBuffer>): void => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#next() >>> 24;
  };

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }
}
