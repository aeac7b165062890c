// What those have in common who say which starts queues and definitions may make: who pauses them, and who
// limits them. Only some worlds have them, and what they draw is drawn apart, so that the other worlds stay
// what they are.

import { ANYBODY } from "../../runtime/core/caller.ts";
import { queueOf, type TaskRecord } from "../../runtime/core/task.ts";
import type { Controlled, Runtime } from "../../runtime/mod.ts";
import { prefixes } from "../../runtime/platform/keys.ts";
import { Random } from "../support/random.ts";
import type { CheckedWorld } from "./checker.ts";
import type { Change, Row } from "./fake_kv.ts";
import type { SimProcess } from "./process.ts";
import { recordIn } from "./stored_row.ts";
import type { Actor } from "./surroundings.ts";

/** What the answer of a process has promised. */
interface Promised {
  by: Actor;
  /** By KV's clock. */
  at: number;
}

/** A start that somebody has made who must have known of a promise about it. */
export interface LateStart<Target> {
  record: TaskRecord;
  target: Target;
  lateMs: number;
}

export interface ControllingWorld extends CheckedWorld {
  someProcess(): SimProcess | null;
}

type Ask = (runtime: ReturnType<Runtime["for"]>, process: SimProcess) => Promise<unknown>;

export const QUEUES = ["gpu", "mail"];

/** What other processes may need to learn of it. */
const ELSEWHERE_MS = 1_000;
const END_EVERY_MS = 500;

export class Controls<Target extends Controlled> {
  readonly random: Random;
  readonly #promised = new Map<string, Promised>();
  readonly #busy = new Set<string>();
  #working = 0;

  constructor(
    private readonly world: ControllingWorld,
    seed: number,
    private readonly targets: readonly Target[],
  ) {
    this.random = new Random(seed);
  }

  /** Whoever has begun is done. */
  get isIdle(): boolean {
    return this.#working === 0;
  }

  /** What KV holds of them. */
  get rows(): Row[] {
    return this.world.database.under(prefixes.controls);
  }

  /** Some target changes for a while, unless another one does that to it already. */
  begin(at: number, story: (target: Target) => Promise<void>): void {
    this.#begin(at, async () => {
      const target = this.random.pick(this.targets);
      const name = nameOf(target);
      if (this.#busy.has(name)) return;
      this.#busy.add(name);
      await story(target);
      this.#busy.delete(name);
    });
  }

  /**
   * From now on, when all stories have begun. What got no answer may come to pass when all else is
   * over; a story that goes on ends what it began itself.
   */
  endAll(isLeft: () => boolean, end: (target: Target) => Promise<void>): void {
    this.#begin(0, async () => {
      for (const target of isLeft() ? this.targets : []) {
        if (!this.#busy.has(nameOf(target))) await end(target);
      }
      this.world.scheduler.after(END_EVERY_MS, () => this.endAll(isLeft, end));
    });
  }

  /** Asks once. The answer is a promise. */
  async promise(target: Target, done: string, ask: Ask): Promise<void> {
    const by = await this.ask(done, ask);
    if (by) this.#promised.set(nameOf(target), { by, at: this.world.kvNow });
  }

  /** Asks until somebody answers. */
  async takeBack(target: Target, done: string, ask: Ask): Promise<void> {
    this.#promised.delete(nameOf(target));
    while (!await this.ask(done, ask)) await this.world.scheduler.sleep(this.random.between(50, 300));
  }

  /** @returns who has done it; null if nobody has said so */
  async ask(done: string, ask: Ask): Promise<SimProcess | null> {
    const process = this.world.someProcess();
    if (!process) return null;
    try {
      await process.call((runtime) => ask(runtime.for(ANYBODY), process));
    } catch (error) {
      if (error instanceof TypeError) throw error;
      process.note(`has not answered whether it has ${done}: ${error}`);
      return null;
    }
    process.note(`has ${done}`);
    return process;
  }

  /** The starts of a commit that promises were about. */
  *startsBehind(changes: Change[], sentAt: number, by: Actor): Generator<LateStart<Target>> {
    if (this.#promised.size === 0) return;
    for (const { key, before, after } of changes) {
      const record = key[0] === "task" ? leased(after) : null;
      if (record === null || leased(before) !== null) continue;
      for (const target of this.targets.filter((target) => concerns(target, record))) {
        const promised = this.#promised.get(nameOf(target));
        if (!promised || sentAt <= promised.at + (promised.by === by ? 0 : ELSEWHERE_MS)) continue;
        yield { record, target, lateMs: Math.round(sentAt - promised.at) };
      }
    }
  }

  #begin(at: number, story: () => Promise<void>): void {
    this.#working++;
    this.world.scheduler.after(at, () => {
      story().catch((error) => {
        const what = error instanceof Error ? error.stack : error;
        this.world.checker.violated("caller", `who changes queues and definitions got ${what}`);
      }).finally(() => this.#working--);
    });
  }
}

export function nameOf({ kind, name }: Controlled): string {
  return `${kind} ${name}`.trim();
}

function concerns({ kind, name }: Controlled, record: TaskRecord): boolean {
  return kind === "all" || name === (kind === "queue" ? queueOf(record) : record.task);
}

function leased(row: Row | null): TaskRecord | null {
  const record = recordIn(row);
  return record?.lease ? record : null;
}
