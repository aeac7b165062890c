// A database handle that is opened when it is needed, and anew after a failure.

export class RenewedHandle<Handle extends { close(): void }> {
  #handle: Promise<Handle> | null = null;

  constructor(private readonly open: () => Promise<Handle>) {}

  /** Several may use it at once. @returns false if it failed: the next one gets a handle of its own. */
  async use(work: (handle: Handle) => Promise<unknown>): Promise<boolean> {
    const mine = this.#handle ??= this.open();
    try {
      await work(await mine);
      return true;
    } catch {
      // The first to fail closes it: a second close would throw.
      if (this.#handle === mine) {
        this.#handle = null;
        mine.then((handle) => handle.close(), () => {});
      }
      return false;
    }
  }
}
