// The progress of the demo: a bar on a terminal, a line for every tenth elsewhere.

const BAR_WIDTH = 40;
const REDRAW_MS = 100;

export interface ProgressOutput {
  isTerminal: boolean;
  write(text: string): void;
  /** Milliseconds, from any start. */
  now(): number;
}

export class Progress {
  #done = 0;
  #drawnAt = -Infinity;
  #toldTenths = 0;

  constructor(private readonly total: number, private readonly output: ProgressOutput) {}

  /** One more is done. */
  step(): void {
    this.#done++;
    if (this.output.isTerminal) this.#draw();
    else this.#tell();
  }

  /** Must be called when no more steps come, whether all are done or not. */
  end(): void {
    if (this.output.isTerminal && this.#drawnAt !== -Infinity) this.output.write("\n");
  }

  #draw(): void {
    const isLast = this.#done >= this.total;
    if (!isLast && this.output.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = this.output.now();
    this.output.write(`\r${barText(this.#done, this.total)}`);
  }

  #tell(): void {
    const tenths = Math.floor(10 * this.#done / this.total);
    if (tenths === this.#toldTenths) return;
    this.#toldTenths = tenths;
    this.output.write(`digested ${countText(this.#done, this.total)}\n`);
  }
}

export function barText(done: number, total: number): string {
  const full = Math.floor(BAR_WIDTH * done / total);
  return `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ${countText(done, total)}`;
}

/** Of the same length for every `done`, so that it overwrites the line before. */
function countText(done: number, total: number): string {
  const percent = String(Math.floor(100 * done / total)).padStart(3);
  return `${String(done).padStart(String(total).length)} of ${total} ${percent} %`;
}
