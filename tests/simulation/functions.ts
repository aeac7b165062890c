// Which functions run in a process: no more at once than there are slots for them. One that waits for its
// children takes none, and one that was told to stop may go on beside the others.

import type { Checker } from "./checker.ts";
import type { Actor } from "./surroundings.ts";

export class RunningFunctions {
  readonly #running = new Set<RunningFunction>();

  /** @param most how many may run at once */
  constructor(
    private readonly kind: string,
    private readonly most: number,
    private readonly process: Actor,
    private readonly checker: Checker,
  ) {}

  begin(signal: AbortSignal): RunningFunction {
    const one = new RunningFunction(signal, () => this.#require());
    this.#running.add(one);
    this.#require();
    return one;
  }

  end(one: RunningFunction): void {
    this.#running.delete(one);
  }

  #require(): void {
    const atWork = [...this.#running].filter(({ isAtWork }) => isAtWork).length;
    if (atWork <= this.most) return;
    const { name } = this.process;
    this.checker.violated(
      "17",
      `${atWork} ${this.kind} functions run at once in ${name}, and not ${this.most}`,
    );
  }
}

export class RunningFunction {
  #awaited = 0;

  constructor(private readonly signal: AbortSignal, private readonly goesOn: () => void) {}

  get isAtWork(): boolean {
    return this.#awaited === 0 && !this.signal.aborted;
  }

  async whileAway<T>(work: () => Promise<T>): Promise<T> {
    this.#awaited++;
    try {
      return await work();
    } finally {
      if (--this.#awaited === 0) this.goesOn();
    }
  }
}
