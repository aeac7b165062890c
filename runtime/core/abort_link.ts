// A signal that follows others, or a time limit. What `AbortSignal.any` and `AbortSignal.timeout` make may be
// taken away by a garbage collection before it is aborted, with all that waits for it: a limit that is now
// and then none. The listeners here, and the timer of whoever calls `abort`, keep theirs alive.

export class AbortLink implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: readonly AbortSignal[];

  /** @param outer the first of these to be aborted says why */
  constructor(...outer: readonly AbortSignal[]) {
    this.#outer = outer;
    const aborted = outer.find((signal) => signal.aborted);
    if (aborted) this.abort(aborted.reason);
    else for (const signal of outer) signal.addEventListener("abort", this.#onAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Lets go of the outer signals. */
  [Symbol.dispose](): void {
    for (const signal of this.#outer) signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = ({ target }: Event) => this.abort((target as AbortSignal).reason);
}
