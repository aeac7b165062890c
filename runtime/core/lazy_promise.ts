// A promise whose work begins when somebody waits for it: a function may ask for a value long before it
// awaits it.

export class LazyPromise<T> extends Promise<T> {
  readonly #begin: () => void;

  /** Also `await` then calls `then`, and what is derived is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(work: () => Promise<T>) {
    let begin!: () => void;
    super((resolve) => {
      let hasBegun = false;
      begin = () => {
        if (hasBegun) return;
        hasBegun = true;
        resolve(work());
      };
    });
    this.#begin = begin;
  }

  override then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#begin();
    return super.then(onValue, onError);
  }
}
