// Those who say how many of a queue or a definition run at once. Only some worlds have them, and what they
// draw is drawn apart, so that the other worlds stay what they are.

import { ANYBODY } from "../../runtime/core/caller.ts";
import { imposedKey, lacks } from "../../runtime/core/imposed_limits.ts";
import { DEFAULT_QUEUE } from "../../runtime/core/queue.ts";
import { queueOf, type TaskRecord } from "../../runtime/core/task.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import type { Limited } from "../../runtime/mod.ts";
import { Random } from "../support/random.ts";
import type { Change } from "./fake_kv.ts";
import { FAULTY_MS } from "./faults.ts";
import { ELSEWHERE_MS, leased, type PausingWorld } from "./pauses.ts";
import type { SimProcess } from "./process.ts";
import type { Actor } from "./surroundings.ts";

const LIFT_EVERY_MS = 500;

/** A limit that was promised. */
interface Promised {
  by: Actor;
  /** By KV's clock. */
  at: number;
}

const TARGETS: Limited[] = [
  { kind: "definition", name: "work" },
  { kind: "definition", name: "crunch" },
  ...[DEFAULT_QUEUE, "gpu", "mail"].map((name): Limited => ({ kind: "queue", name })),
];

export class Concurrency {
  readonly isIn: boolean;
  readonly #random: Random;
  readonly #promised = new Map<string, Promised>();
  readonly #busy = new Set<string>();
  #working = 0;

  constructor(private readonly world: PausingWorld, seed: number) {
    this.isIn = seed % 5 === 1 || seed % 5 === 3;
    this.#random = new Random(seed + 2 ** 41);
  }

  /** Nothing is limited, or about to be. */
  get isOver(): boolean {
    return this.#working === 0 && !this.#isLimited();
  }

  start(): void {
    if (!this.isIn) return;
    for (let i = 2 + this.#random.below(4); i > 0; i--) {
      this.#begin(this.#random.float() * FAULTY_MS, () => this.#limitForAWhile());
    }
  }

  /** From now on. A limit that got no answer may come to pass when all others are over. */
  liftAll(): void {
    if (!this.isIn) return;
    this.#begin(0, async () => {
      const idle = TARGETS.filter((target) => !this.#busy.has(nameOf(target)));
      if (this.#isLimited()) { for (const target of idle) await this.#lift(target); }
      this.world.scheduler.after(LIFT_EVERY_MS, () => this.liftAll());
    });
  }

  #begin(at: number, story: () => Promise<void>): void {
    this.#working++;
    this.world.scheduler.after(at, () => {
      story().catch((error) => {
        const what = error instanceof Error ? error.stack : error;
        this.world.checker.violated("caller", `a limit of a queue got ${what}`);
      }).finally(() => this.#working--);
    });
  }

  /** A start behind a promised limit has its slot: the counters say whether there was one. */
  applied(changes: Change[], sentAt: number, by: Actor): void {
    if (this.#promised.size === 0) return;
    for (const { key, before, after } of changes) {
      if (key[0] !== "task" || after === null) continue;
      const record = leased(after);
      if (record === null || before !== null && leased(before) !== null) continue;
      for (const target of TARGETS.filter((target) => concerns(target, record))) {
        const promised = this.#promised.get(nameOf(target));
        if (!promised || sentAt <= promised.at + (promised.by === by ? 0 : ELSEWHERE_MS)) continue;
        if (record.held && !lacks(record, [imposedKey(target.kind, target.name)])) continue;
        const late = Math.round(sentAt - promised.at);
        const what = `${by.name} started ${this.world.nameOf(record.id)} without a slot, ${late} ms after`;
        this.world.checker.violated("concurrency", `${what} ${nameOf(target)} got its limit`);
      }
    }
  }

  async #limitForAWhile(): Promise<void> {
    const target = this.#random.pick(TARGETS);
    const name = nameOf(target);
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    const { scheduler } = this.world;
    for (let times = 1 + this.#random.below(3); times > 0; times--) {
      const most = this.#random.below(4);
      const process = this.world.someProcess();
      if (process && await this.#say(process, target, most)) {
        this.#promised.set(name, { by: process, at: this.world.kvNow });
      }
      await scheduler.sleep(this.#random.between(50, 2_000));
    }
    await this.#lift(target);
  }

  async #lift(target: Limited): Promise<void> {
    const name = nameOf(target);
    this.#busy.add(name);
    this.#promised.delete(name);
    for (;;) {
      const process = this.world.someProcess();
      if (process && await this.#say(process, target, null)) break;
      await this.world.scheduler.sleep(this.#random.between(50, 300));
    }
    this.#busy.delete(name);
  }

  #isLimited(): boolean {
    const rows = this.world.database.all().filter(({ key }) => key[0] === prefixes.controls[0]);
    return rows.some(({ value }) => Boolean((value as { concurrency?: unknown }).concurrency));
  }

  async #say(process: SimProcess, target: Limited, most: number | null): Promise<boolean> {
    return await process.call((runtime) => runtime.for(ANYBODY).limitConcurrency(target, most)).then(
      () => {
        process.note(`has limited ${nameOf(target)} to ${most}`);
        return true;
      },
      (error) => {
        if (error instanceof TypeError) throw error;
        process.note(`answers a limit of ${nameOf(target)} with ${error}`);
        return false;
      },
    );
  }
}

function concerns({ kind, name }: Limited, record: TaskRecord): boolean {
  return name === (kind === "queue" ? queueOf(record) : record.task);
}

function nameOf({ kind, name }: Limited): string {
  return `${kind} ${name}`;
}
