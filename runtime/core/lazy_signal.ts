// A signal that is made when somebody asks for it: most functions never use theirs.

export class LazySignal {
  #controller: AbortController | null = null;
  #reason: unknown;

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  /** The first reason stays. */
  abort(reason: Error): void {
    if (this.aborted) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
