// Which functions run in a process: no more at once than there are slots for them. One that waits for its
// children takes none, and one that was told to stop may go on beside the others.

import type { Checker } from "./checker.ts";
import type { Actor } from "./surroundings.ts";

/** What one caller may have of the slots of a process. */
export const CALLER_SHARE = 0.5;

export class RunningFunctions {
  readonly #running = new Set<RunningFunction>();

  /** @param most how many may run at once */
  constructor(
    private readonly kind: string,
    private readonly most: number,
    private readonly process: Actor,
    private readonly checker: Checker,
  ) {}

  /** @param caller whose task it is, where callers are counted and the task is not one of the suspects */
  begin(signal: AbortSignal, caller?: string): RunningFunction {
    const one = new RunningFunction(signal, caller, () => this.#require());
    this.#running.add(one);
    this.#require();
    if (caller !== undefined) this.#requireShare(caller);
    return one;
  }

  end(one: RunningFunction): void {
    this.#running.delete(one);
  }

  /**
   * One that goes on behind its children may be beyond it, and a new one may not; but a new one may have been
   * claimed while the other was away, and begin after it.
   */
  #requireShare(caller: string): void {
    const own = [...this.#running].filter((one) => one.isAtWork && one.caller === caller);
    const atWork = own.filter(({ wasAway }) => !wasAway).length;
    const most = Math.max(1, Math.floor(this.most * CALLER_SHARE));
    if (atWork <= most) return;
    const { name } = this.process;
    this.checker.violated(
      "18",
      `${atWork} ${this.kind} functions of ${caller} run in ${name}, and not ${most}`,
    );
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
  /** It has waited for children. */
  wasAway = false;

  constructor(
    private readonly signal: AbortSignal,
    readonly caller: string | undefined,
    private readonly goesOn: () => void,
  ) {}

  get isAtWork(): boolean {
    return this.#awaited === 0 && !this.signal.aborted;
  }

  async whileAway<T>(work: () => Promise<T>): Promise<T> {
    this.#awaited++;
    this.wasAway = true;
    try {
      return await work();
    } finally {
      if (--this.#awaited === 0) this.goesOn();
    }
  }
}
