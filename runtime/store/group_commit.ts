// Group commit: while one commit is under way, the next one fills with the units that arrive. A commit costs
// nearly the same for one task as for fifty, and an idle system still commits at once
// (docs/decisions/0004-group-commit.md). Where commits go to a server, several are under way at once; each
// beside the first one leaves when it is full, or where there is a hurry.

import type { KvLimits } from "../platform/kv.ts";
import { type Cost, Load, loadOf, namesOf, surelyFits } from "./commit_load.ts";

interface Waiting<Item, Outcome> {
  item: Item;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

interface Taken<Each> {
  batch: Each[];
  /** What stays in each line. */
  left: Each[][];
  isFull: boolean;
}

export class GroupCommit<Item extends { cost: Cost }, Outcome> {
  /** Several lines take turns: a burst in one does not hold up the others. */
  #lines: Waiting<Item, Outcome>[][];
  /** In all lines. */
  #waiting = 0;
  /** What the commits under way own or share: no other commit may have it at the same time. */
  readonly #held = new Set<string>();
  readonly #flights = new Set<Promise<void>>();
  #starting = false;
  /** There was no full commit at the last look: the next look comes when so many wait. */
  #lookAgainAt = 0;
  #isHurried = false;

  /** @param run returns one outcome for each item, in order */
  constructor(
    private readonly run: (items: Item[]) => Promise<Outcome[]>,
    private readonly limits: KvLimits,
    lines = 1,
  ) {
    this.#lines = Array.from({ length: lines }, () => []);
  }

  /** Rejects with a RangeError if one commit cannot take the item. */
  add(item: Item, line = 0): Promise<Outcome> {
    if (!surelyFits(item.cost, this.limits) && loadOf(item.cost).exceeds(this.limits)) {
      return Promise.reject(new RangeError("this is more than one commit takes"));
    }
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#lines[line].push({ item, resolve, reject });
      this.#waiting++;
    });
    if (!this.#starting) {
      this.#starting = true;
      // One turn of the microtask queue: items that a caller adds one after the other share the first commit.
      Promise.resolve().then(() => {
        this.#starting = false;
        this.#start();
      });
    }
    return outcome;
  }

  /** Resolves once the commits that are under way now are over. */
  async underWay(): Promise<void> {
    await Promise.all(this.#flights);
  }

  /** From now on a commit leaves though it is not full, if one more may be under way. */
  hurry(): void {
    this.#isHurried = true;
    this.#start();
  }

  async idle(): Promise<void> {
    while (this.#starting || this.#flights.size > 0) {
      await (this.#flights.size > 0 ? Promise.race(this.#flights) : Promise.resolve());
    }
  }

  #start(): void {
    while (this.#waiting > 0 && this.#flights.size < this.limits.flights) {
      const leaves = this.#isHurried || this.#flights.size === 0;
      if (!leaves && this.#waiting < this.#lookAgainAt) return;
      const { batch, left, isFull } = this.#take();
      if (batch.length === 0 || !leaves && !isFull) {
        this.#lookAgainAt = this.#waiting + this.limits.checks;
        return;
      }
      this.#lines = left;
      this.#waiting -= batch.length;
      this.#fly(batch);
    }
  }

  #fly(batch: Waiting<Item, Outcome>[]): void {
    const names = this.limits.flights > 1 ? batch.flatMap(({ item }) => namesOf(item.cost)) : [];
    for (const name of names) this.#held.add(name);
    const flight = this.#commit(batch).then(() => {
      for (const name of names) this.#held.delete(name);
      this.#flights.delete(flight);
      this.#lookAgainAt = 0;
      this.#start();
    });
    this.#flights.add(flight);
  }

  async #commit(batch: Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => resolve(outcomes[i]));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Changes of one record stay in their order. */
  #take(): Taken<Waiting<Item, Outcome>> {
    const load = new Load();
    const batch: Waiting<Item, Outcome>[] = [];
    const passed = this.#lines.map((): Waiting<Item, Outcome>[] => []);
    const passedOwns = new Set<string>();
    const longest = Math.max(...this.#lines.map(({ length }) => length));
    for (let place = 0; place < longest; place++) {
      for (let n = 0; n < this.#lines.length; n++) {
        const line = this.#lines[n];
        if (place >= line.length) continue;
        const waiting = line[place];
        const { cost } = waiting.item;
        const isHeld = this.#held.size > 0 && namesOf(cost).some((name) => this.#held.has(name));
        if (isHeld || load.owns(cost) || cost.owns.some((id) => passedOwns.has(id))) {
          passed[n].push(waiting);
          for (const id of cost.owns) passedOwns.add(id);
          continue;
        }
        load.add(cost);
        if (batch.length > 0 && load.exceeds(this.limits)) {
          const left = this.#lines.map((line, m) => [...passed[m], ...line.slice(m < n ? place + 1 : place)]);
          return { batch, left, isFull: true };
        }
        batch.push(waiting);
      }
    }
    return { batch, left: passed, isFull: false };
  }
}
