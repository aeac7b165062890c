// Queues, and those who pause and resume them, definitions and everything. Only some worlds have them, and
// what they draw is drawn apart, so that the other worlds stay what they are.

import { ANYBODY } from "../../runtime/core/caller.ts";
import { DEFAULT_QUEUE, type ServedQueues } from "../../runtime/core/queue.ts";
import { isForgotten, queueOf, type TaskRecord } from "../../runtime/core/task.ts";
import type { Controlled } from "../../runtime/mod.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import { decode } from "../../runtime/store/record_codec.ts";
import { Random } from "../support/random.ts";
import type { CheckedWorld } from "./checker.ts";
import type { Change, Row } from "./fake_kv.ts";
import { FAULTY_MS } from "./faults.ts";
import type { SimProcess } from "./process.ts";
import type { Actor } from "./surroundings.ts";

/** A pause that was promised. */
interface Promised {
  by: Actor;
  /** By KV's clock. */
  at: number;
}

export interface PausingWorld extends CheckedWorld {
  someProcess(): SimProcess | null;
}

const QUEUES = ["gpu", "mail"];
/** What other processes may need to learn of it. */
export const ELSEWHERE_MS = 1_000;
const RESUME_EVERY_MS = 500;
const TARGETS: Controlled[] = [
  { kind: "all", name: "" },
  { kind: "definition", name: "work" },
  { kind: "definition", name: "crunch" },
  ...[DEFAULT_QUEUE, ...QUEUES].map((name): Controlled => ({ kind: "queue", name })),
];

export class Pauses {
  readonly isIn: boolean;
  readonly #random: Random;
  readonly #promised = new Map<string, Promised>();
  readonly #busy = new Set<string>();
  /** By target. One that is asked for while a pause is under way may come behind it. */
  readonly #resumes = new Map<string, number>();
  #working = 0;

  constructor(private readonly world: PausingWorld, seed: number) {
    this.isIn = seed % 5 < 2;
    this.#random = new Random(seed + 2 ** 40);
  }

  /** How many callers are not done. */
  get working(): number {
    return this.#working;
  }

  /** Nothing is paused, or about to be. */
  get isOver(): boolean {
    return this.#working === 0 && this.#rows().length === 0;
  }

  /** For a submit; undefined where it says nothing of one. */
  queueOfSubmit(): string | undefined {
    if (!this.isIn || this.#random.chance(0.4)) return undefined;
    return this.#random.pick([DEFAULT_QUEUE, ...QUEUES]);
  }

  /** One process takes from all of them, so that none is forgotten. */
  served(slot: number): ServedQueues {
    if (!this.isIn || slot === 1) return null;
    return this.#random.pick<ServedQueues>([
      null,
      [{ name: "gpu", slots: 1 }, { name: DEFAULT_QUEUE }],
      [{ name: DEFAULT_QUEUE, slots: 2 }, { name: "gpu" }, { name: "mail" }],
      [{ name: "mail" }],
    ]);
  }

  start(): void {
    if (!this.isIn) return;
    for (let i = 2 + this.#random.below(5); i > 0; i--) {
      this.#begin(this.#random.float() * FAULTY_MS, () => this.#pauseForAWhile());
    }
  }

  /** From now on. A pause that got no answer may come to pass when all others are over. */
  resumeAll(): void {
    if (!this.isIn) return;
    this.#begin(0, async () => {
      if (this.#rows().length > 0) { for (const target of TARGETS) await this.#resume(target); }
      this.world.scheduler.after(RESUME_EVERY_MS, () => this.resumeAll());
    });
  }

  applied(changes: Change[], sentAt: number, by: Actor): void {
    if (this.#promised.size === 0) return;
    for (const { key, before, after } of changes) {
      if (key[0] !== "task" || after === null) continue;
      const record = leased(after);
      if (record === null || before !== null && leased(before) !== null) continue;
      for (const target of TARGETS.filter((target) => concerns(target, record))) {
        const promised = this.#promised.get(nameOf(target));
        if (!promised || sentAt <= promised.at + (promised.by === by ? 0 : ELSEWHERE_MS)) continue;
        const late = Math.round(sentAt - promised.at);
        this.world.checker.violated(
          "pause",
          `${by.name} started ${this.world.nameOf(record.id)} ${late} ms after ${nameOf(target)} was paused`,
        );
      }
    }
  }

  #begin(at: number, story: () => Promise<void>): void {
    this.#working++;
    this.world.scheduler.after(at, () => {
      story().catch((error) => {
        this.world.checker.violated("caller", `a pause got ${error instanceof Error ? error.stack : error}`);
      }).finally(() => this.#working--);
    });
  }

  async #pauseForAWhile(): Promise<void> {
    const target = this.#random.pick(TARGETS);
    const name = nameOf(target);
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    const { scheduler } = this.world;
    const process = this.world.someProcess();
    const lasts = this.#random.between(50, 3_000);
    // Whose clock is right is not known: nothing is promised of these.
    const endsByItself = this.#random.chance(0.2);
    const resumes = this.#resumes.get(name);
    if (process) {
      const untilMs = endsByItself ? process.clock.now() + 1_000 : null;
      await process.call((runtime) => runtime.for(ANYBODY).pause(target, { note: "a test", untilMs })).then(
        () => {
          process.note(`has paused ${name}`);
          if (!endsByItself && this.#resumes.get(name) === resumes) {
            this.#promised.set(name, { by: process, at: this.world.kvNow });
          }
        },
        (error) => process.note(`answers a pause of ${name} with ${error}`),
      );
    }
    await scheduler.sleep(lasts);
    if (!endsByItself || this.#random.chance(0.5)) await this.#resume(target);
    this.#busy.delete(name);
  }

  async #resume(target: Controlled): Promise<void> {
    const name = nameOf(target);
    this.#promised.delete(name);
    this.#resumes.set(name, (this.#resumes.get(name) ?? 0) + 1);
    for (;;) {
      const process = this.world.someProcess();
      const isDone = process && await process.call((runtime) => runtime.for(ANYBODY).resume(target)).then(
        () => true,
        (error) => {
          if (error instanceof TypeError) throw error;
          return false;
        },
      );
      if (isDone) return process.note(`has resumed ${name}`);
      await this.world.scheduler.sleep(this.#random.between(50, 300));
    }
  }

  #rows(): Row[] {
    return this.world.database.all().filter(({ key }) => key[0] === prefixes.controls[0]);
  }
}

export function leased({ value }: Row): TaskRecord | null {
  const stored = decode(value as Uint8Array);
  return isForgotten(stored) || stored.lease === null ? null : stored;
}

function concerns({ kind, name }: Controlled, record: TaskRecord): boolean {
  return kind === "all" || name === (kind === "queue" ? queueOf(record) : record.task);
}

function nameOf({ kind, name }: Controlled): string {
  return `${kind} ${name}`.trim();
}
