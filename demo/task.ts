import type { Task as Whole } from "../client/mod.ts";

/** What the demo reads of a task. */
export type Task = Pick<Whole, "id" | "state" | "input" | "result" | "error" | "startedAt" | "finishedAt">;
