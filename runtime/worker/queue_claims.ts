// The queues that a worker takes tasks from: each is claimed from by itself, and a closed one not at all. A
// queue with slots of its own fills those; the others share the worker's, and take turns at them.

import { RUNNER_KINDS, type RunnerKind } from "../core/define.ts";
import { DEFAULT_QUEUE, type ServedQueues, serves } from "../core/queue.ts";
import { Coalescer } from "../platform/coalescer.ts";
import { parse } from "../platform/keys.ts";
import type { Controls } from "../queues/controls.ts";
import { queuesWithTasks } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { ClaimScheduler, type ClaimSchedulerOptions } from "./claim_scheduler.ts";
import type { Budgets, Hints } from "./queue_scan.ts";
import type { ClaimResult } from "./shard_states.ts";
import type { Slots } from "./slots.ts";

export interface QueueClaimsOptions extends Pick<ClaimSchedulerOptions, "own" | "onBeaten" | "onError"> {
  served: ServedQueues;
  slots: Slots;
  controls: Pick<Controls, "isOpen">;
  /** Claims tasks of a shard of a queue, and begins them. */
  claim: (queue: string, shard: number, budgets: Budgets, hints: Hints) => Promise<ClaimResult>;
}

/** Queues are forgotten that have held nothing for a while, once there are more. */
const MOST_KEPT = 200;

export class QueueClaims {
  /** By the name of the queue. */
  readonly #lines = new Map<string, ClaimScheduler>();
  readonly #counts = { made: 0, beaten: 0 };
  /** Looks which named queues hold tasks. */
  readonly #looks = new Coalescer(() => this.#findQueues());
  #turn = 0;
  #isStopped = false;

  constructor(private readonly store: Store, private readonly options: QueueClaimsOptions) {
    if (this.serves(DEFAULT_QUEUE)) this.#lineOf(DEFAULT_QUEUE);
  }

  serves(queue: string): boolean {
    return serves(this.options.served, queue);
  }

  /** True if tasks of the queue may start here, as far as the queue is concerned. */
  takes(queue: string): boolean {
    return this.serves(queue) && this.options.controls.isOpen(queue);
  }

  /** Those that have held tasks of late. */
  get queues(): string[] {
    return [...this.#lines.keys()].filter((queue) => this.takes(queue));
  }

  /** True if tasks of the kind may wait that came before any new one, for the slots that this queue takes. */
  more(kind: RunnerKind, queue: string = DEFAULT_QUEUE): boolean {
    return this.#open(queue).some((line) => line.more(kind));
  }

  /** True if tasks of the kind may wait in any queue. */
  get mayWait(): boolean {
    return this.#all().some((line) => RUNNER_KINDS.some((kind) => line.more(kind)));
  }

  /** More tasks may wait than there are slots for. */
  get isFull(): boolean {
    const { slots } = this.options;
    return this.queues.some((queue) =>
      RUNNER_KINDS.some((kind) => slots.free(kind, queue) === 0 && this.#lines.get(queue)!.more(kind))
    );
  }

  /** A claim is under way, or tasks may wait. */
  get isBusy(): boolean {
    return this.#all().some((line) => line.isBusy);
  }

  /** Claims so far, and how many of them another worker was faster with. */
  get counts(): { made: number; beaten: number } {
    const all = { ...this.#counts };
    for (const { counts } of this.#lines.values()) {
      all.made += counts.made;
      all.beaten += counts.beaten;
    }
    return all;
  }

  /** See {@linkcode ClaimScheduler.added}. */
  added(kind: RunnerKind, block: Deno.KvKey): void {
    this.#lines.get(parse.ready(block).queue)?.added(kind, block);
  }

  /** There may be work in any queue. */
  ring(): void {
    if (this.#isStopped) return;
    if (this.takes(DEFAULT_QUEUE)) this.#lineOf(DEFAULT_QUEUE).ring();
    this.#looks.ring();
  }

  /** A task of this kind has come into a queue, and nothing else. */
  ringFor(kind: RunnerKind | null, queue: string): void {
    if (!this.#isStopped && this.takes(queue)) this.#lineOf(queue).ring(kind);
  }

  /** See {@linkcode ClaimScheduler.reveal}. */
  reveal(isUrgent = false): void {
    for (const line of this.#lines.values()) line.reveal(isUrgent);
  }

  /** A slot has come free: of this queue alone, or one that the others share. */
  refill(kind: RunnerKind, queue: string | null): void {
    const { slots } = this.options;
    const waiting = this.queues.filter((name) =>
      (queue === null ? !slots.hasOwn(name) : name === queue) && this.#lines.get(name)!.more(kind)
    );
    if (waiting.length === 0) return;
    const first = this.#turn++ % waiting.length;
    for (let i = 0; i < waiting.length; i++) {
      this.#lines.get(waiting[(first + i) % waiting.length])!.refill();
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#looks.idle();
    await Promise.all([...this.#lines.values()].map((line) => line.stop()));
  }

  /** Resolves once no look for tasks and no claim is under way. */
  async idle(): Promise<void> {
    await this.#looks.idle();
    await Promise.all([...this.#lines.values()].map((line) => line.idle()));
  }

  async #findQueues(): Promise<void> {
    try {
      for await (const queue of queuesWithTasks(this.store.kv)) {
        if (this.#isStopped) return;
        if (queue !== DEFAULT_QUEUE) this.ringFor(null, queue);
      }
    } catch (error) {
      // The next ring looks again.
      this.options.onError(error);
    }
    if (this.#lines.size > MOST_KEPT) this.#forgetIdle();
  }

  #forgetIdle(): void {
    for (const [queue, line] of this.#lines) {
      if (queue === DEFAULT_QUEUE || line.isBusy) continue;
      this.#counts.made += line.counts.made;
      this.#counts.beaten += line.counts.beaten;
      this.#lines.delete(queue);
    }
  }

  #lineOf(queue: string): ClaimScheduler {
    let line = this.#lines.get(queue);
    if (line === undefined) {
      const { slots, controls, claim, own, onBeaten, onError } = this.options;
      line = new ClaimScheduler(this.store, {
        queue,
        slots: {
          free: (kind) => slots.free(kind, queue),
          take: (counts) => slots.take(counts, queue),
          give: (counts) => slots.give(counts, queue),
        },
        isOpen: () => controls.isOpen(queue),
        own,
        onBeaten,
        onError,
        claim: (shard, budgets, hints) => claim(queue, shard, budgets, hints),
      });
      this.#lines.set(queue, line);
    }
    return line;
  }

  #all(): ClaimScheduler[] {
    return this.queues.map((queue) => this.#lines.get(queue)!);
  }

  /** Of those that take the slots that this queue takes. */
  #open(queue: string): ClaimScheduler[] {
    const { slots } = this.options;
    return this.queues.filter((name) => slots.of("inline", name) === slots.of("inline", queue))
      .map((name) => this.#lines.get(name)!);
  }
}
