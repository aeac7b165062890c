import type { AnyDefinition, TaskContext } from "../../core/define.ts";
import type { AttemptName } from "../../platform/log.ts";

/** Calls a definition's function: resolves with its value, rejects with what it threw. */
export type Runner = (
  definition: AnyDefinition,
  context: TaskContext<unknown>,
  name: AttemptName,
) => Promise<unknown>;
