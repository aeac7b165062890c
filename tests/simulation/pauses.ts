// Queues, and those who pause and resume them, definitions and everything.

import { DEFAULT_QUEUE, type ServedQueues } from "../../runtime/core/queue.ts";
import type { Controlled } from "../../runtime/mod.ts";
import { type ControllingWorld, Controls, nameOf, QUEUES } from "./controls.ts";
import type { Change } from "./fake_kv.ts";
import { FAULTY_MS } from "./faults.ts";
import type { Actor } from "./surroundings.ts";

const TARGETS: Controlled[] = [
  { kind: "all", name: "" },
  { kind: "definition", name: "work" },
  { kind: "definition", name: "crunch" },
  ...[DEFAULT_QUEUE, ...QUEUES].map((name): Controlled => ({ kind: "queue", name })),
];

export class Pauses {
  readonly isIn: boolean;
  readonly #controls: Controls<Controlled>;

  constructor(private readonly world: ControllingWorld, seed: number) {
    this.isIn = seed % 5 < 2;
    this.#controls = new Controls(world, seed + 2 ** 40, TARGETS);
  }

  /** Nothing is paused, or about to be. */
  get isOver(): boolean {
    return this.#controls.isIdle && !this.#isLeft();
  }

  /** For a submit; undefined where it says nothing of one. */
  queueOfSubmit(): string | undefined {
    const { random } = this.#controls;
    if (!this.isIn || random.chance(0.4)) return undefined;
    return random.pick([DEFAULT_QUEUE, ...QUEUES]);
  }

  /** One process takes from all of them, so that none is forgotten. */
  served(slot: number): ServedQueues {
    if (!this.isIn || slot === 1) return null;
    return this.#controls.random.pick<ServedQueues>([
      null,
      [{ name: "gpu", slots: 1 }, { name: DEFAULT_QUEUE }],
      [{ name: DEFAULT_QUEUE, slots: 2 }, { name: "gpu" }, { name: "mail" }],
      [{ name: "mail" }],
    ]);
  }

  start(): void {
    if (!this.isIn) return;
    const { random } = this.#controls;
    for (let i = 2 + random.below(5); i > 0; i--) {
      this.#controls.begin(random.float() * FAULTY_MS, (target) => this.#pauseForAWhile(target));
    }
  }

  resumeAll(): void {
    if (this.isIn) this.#controls.endAll(() => this.#isLeft(), (target) => this.#resume(target));
  }

  applied(changes: Change[], sentAt: number, by: Actor): void {
    for (const { record, target, lateMs } of this.#controls.startsBehind(changes, sentAt, by)) {
      const task = this.world.nameOf(record.id);
      const what = `${by.name} started ${task} ${lateMs} ms after ${nameOf(target)} was paused`;
      this.world.checker.violated("pause", what);
    }
  }

  async #pauseForAWhile(target: Controlled): Promise<void> {
    const { random } = this.#controls;
    const lasts = random.between(50, 3_000);
    const endsByItself = random.chance(0.2);
    const done = `paused ${nameOf(target)}`;
    const pause = (untilMs: number | null) => ({ note: "a test", untilMs });
    // Whose clock is right is not known: nothing is promised of these.
    if (endsByItself) {
      await this.#controls.ask(done, (view, { clock }) => view.pause(target, pause(clock.now() + 1_000)));
    } else await this.#controls.promise(target, done, (view) => view.pause(target, pause(null)));
    await this.world.scheduler.sleep(lasts);
    if (!endsByItself || random.chance(0.5)) await this.#resume(target);
  }

  #resume(target: Controlled): Promise<void> {
    return this.#controls.takeBack(target, `resumed ${nameOf(target)}`, (view) => view.resume(target));
  }

  #isLeft(): boolean {
    return this.#controls.rows.length > 0;
  }
}
