// How many answers are being made: who stops waits for them.

import type { Clock } from "../../runtime/mod.ts";

export class OpenAnswers {
  #open = 0;
  #tell: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  count(answer: Response | Promise<Response>): Response | Promise<Response> {
    if (!(answer instanceof Promise)) return answer;
    this.#open++;
    answer.then(this.#end, this.#end);
    return answer;
  }

  /** Resolves once none is being made, or after `mostMs`. */
  async idle(mostMs = Infinity): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = mostMs === Infinity ? () => {} : this.clock.timer(resolve, mostMs);
      this.#tell.push(() => {
        cancel();
        resolve();
      });
    });
  }

  readonly #end = (): void => {
    this.#open--;
    if (this.#open > 0) return;
    for (const tell of this.#tell.splice(0)) tell();
  };
}
