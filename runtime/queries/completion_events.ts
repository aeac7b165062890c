// What a stream of completions yields, and what callers ask for.

import type { GroupEndType } from "../core/group_policy.ts";
import type { Entry } from "../core/task.ts";
import type { Clock } from "../platform/clock.ts";
import type { Cursor } from "./cursor.ts";

export type CompletionEvent =
  /** `entry` is null if the task was forgotten before it could be delivered. */
  | { kind: "task"; id: string; entry: Entry | null; cursor: string }
  | { kind: "end"; total: number; yielded: number; outcome?: GroupEndType; cursor: string }
  | { kind: "timeout"; total: number; unfinished: number; pending: string[]; cursor: string };

export interface CompletionOptions {
  /** One deadline for the whole iteration, also across reconnects. Null: none. */
  timeoutMs: number | null;
  /** The cursor of the last event that was received. */
  cursor?: string;
  signal?: AbortSignal;
}

/**
 * The time that is left of a stream. Only what has passed before this connection is told by the wall clock,
 * which may have been set back since: never more is left than there was at first.
 */
export class Deadline {
  /** On the monotonic clock. */
  readonly #at: number;

  constructor(private readonly clock: Clock, { startedAt }: Cursor, { timeoutMs }: CompletionOptions) {
    const passedMs = Math.max(0, clock.now() - startedAt);
    this.#at = timeoutMs === null ? Infinity : clock.monotonic() + timeoutMs - passedMs;
  }

  get isOver(): boolean {
    return this.leftMs <= 0;
  }

  get leftMs(): number {
    return this.#at - this.clock.monotonic();
  }
}
