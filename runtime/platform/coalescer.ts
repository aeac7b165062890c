// Does work in rounds, one at a time. Rings during a round ask for one more round after it.

export class Coalescer {
  #rung = false;
  #running: Promise<void> | null = null;

  constructor(private readonly round: () => Promise<void>) {}

  ring(): void {
    this.#rung = true;
    this.#running ??= this.#run();
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    // Rings of the same moment make one round. And the run must not end before #running is set.
    await Promise.resolve();
    try {
      while (this.#rung) {
        this.#rung = false;
        await this.round();
      }
    } finally {
      this.#running = null;
    }
  }
}
