// Those who say how many of a queue or a definition run at once.

import { imposedKey, lacks } from "../../runtime/core/imposed_limits.ts";
import { DEFAULT_QUEUE } from "../../runtime/core/queue.ts";
import type { Limited } from "../../runtime/mod.ts";
import { type ControllingWorld, Controls, nameOf, QUEUES } from "./controls.ts";
import type { Change } from "./fake_kv.ts";
import { FAULTY_MS } from "./faults.ts";
import type { Actor } from "./surroundings.ts";

const TARGETS: Limited[] = [
  { kind: "definition", name: "work" },
  { kind: "definition", name: "crunch" },
  ...[DEFAULT_QUEUE, ...QUEUES].map((name): Limited => ({ kind: "queue", name })),
];

export class Concurrency {
  readonly isIn: boolean;
  readonly #controls: Controls<Limited>;

  constructor(private readonly world: ControllingWorld, seed: number) {
    this.isIn = seed % 5 === 1 || seed % 5 === 3;
    this.#controls = new Controls(world, seed + 2 ** 41, TARGETS);
  }

  /** Nothing is limited, or about to be. */
  get isOver(): boolean {
    return this.#controls.isIdle && !this.#isLeft();
  }

  start(): void {
    if (!this.isIn) return;
    const { random } = this.#controls;
    for (let i = 2 + random.below(4); i > 0; i--) {
      this.#controls.begin(random.float() * FAULTY_MS, (target) => this.#limitForAWhile(target));
    }
  }

  liftAll(): void {
    if (this.isIn) this.#controls.endAll(() => this.#isLeft(), (target) => this.#lift(target));
  }

  /** A start behind a promised limit has its slot: the counters say whether there was one. */
  applied(changes: Change[], sentAt: number, by: Actor): void {
    for (const { record, target, lateMs } of this.#controls.startsBehind(changes, sentAt, by)) {
      if (record.held && !lacks(record, [imposedKey(target.kind, target.name)])) continue;
      const what = `${by.name} started ${this.world.nameOf(record.id)} without a slot, ${lateMs} ms after`;
      this.world.checker.violated("concurrency", `${what} ${nameOf(target)} got its limit`);
    }
  }

  async #limitForAWhile(target: Limited): Promise<void> {
    const { random } = this.#controls;
    for (let times = 1 + random.below(3); times > 0; times--) {
      const most = random.below(4);
      const done = `limited ${nameOf(target)} to ${most}`;
      await this.#controls.promise(target, done, (view) => view.limitConcurrency(target, most));
      await this.world.scheduler.sleep(random.between(50, 2_000));
    }
    await this.#lift(target);
  }

  #lift(target: Limited): Promise<void> {
    const done = `lifted the limit of ${nameOf(target)}`;
    return this.#controls.takeBack(target, done, (view) => view.limitConcurrency(target, null));
  }

  #isLeft(): boolean {
    return this.#controls.rows.some(({ value }) => {
      return Boolean((value as { concurrency?: unknown }).concurrency);
    });
  }
}
