import type { AnyDefinition, TaskContext } from "../../core/define.ts";

/** Runs a definition's function and gives its value; rejects with what it threw. */
export type Runner = (definition: AnyDefinition, context: TaskContext<unknown>) => Promise<unknown>;
