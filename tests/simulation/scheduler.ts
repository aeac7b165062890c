// Virtual time: a heap of events, run one after the other in the order of their instants. Between two events
// everything that can go on goes on (a whole turn of the event loop), so what the engine does depends on the
// events alone.

import { setImmediate } from "node:timers";
import { foreignWork } from "./foreign.ts";

/** Whom an event happens to. */
export interface Owner {
  /** Nothing happens to it any more. */
  dead: boolean;
  /** Stopped (SIGSTOP): what would happen before then happens then. */
  pausedUntil: number;
}

interface Event {
  at: number;
  order: number;
  /** False: it woke nobody, so no turn is needed. */
  fn: () => void | false;
  owner: Owner | null;
  cancelled: boolean;
}

export class Scheduler {
  /** Milliseconds since the world began. */
  now = 0;
  events = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  /** Calls `fn` after `ms`; the returned function takes that back. */
  after(ms: number, fn: () => void | false, owner: Owner | null = null): () => void {
    const event = { at: this.now + Math.max(0, ms), order: this.#order++, fn, owner, cancelled: false };
    this.#push(event);
    return () => void (event.cancelled = true);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs events until it holds; false if it does not hold by then. */
  async run(until: () => boolean, at: number): Promise<boolean> {
    await turn();
    while (!until()) {
      const event = this.#pop();
      if (!event) return until();
      if (event.cancelled || event.owner?.dead) continue;
      if (event.at > at) {
        this.#push(event);
        this.now = at;
        return false;
      }
      this.now = Math.max(this.now, event.at);
      if (event.owner && event.owner.pausedUntil > this.now) {
        event.at = event.owner.pausedUntil;
        this.#push(event);
        continue;
      }
      this.events++;
      if (event.fn() !== false) await turn();
    }
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || a.at === b.at && a.order < b.order;
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(() => resolve()));
  while (foreignWork.pending) {
    await foreignWork.release();
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }
}
