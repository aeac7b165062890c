import type { AnyDefinition, TaskContext } from "../../core/define.ts";
import type { AttemptName } from "../../platform/log.ts";

/** What a runner may know of the attempt. */
export interface Run {
  readonly name: AttemptName;
  /** Aborts when nothing counts any more that the function does; its own signal may have aborted before. */
  readonly stopSignal: AbortSignal;
}

/** Calls a definition's function: resolves with its value, rejects with what it threw. */
export type Runner = (
  definition: AnyDefinition,
  context: TaskContext<unknown>,
  run: Run,
) => Promise<unknown>;
