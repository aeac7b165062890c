// Lets new tasks start in the commit that stores them: a claim would be a third of their cost
// (docs/decisions/0016-start-in-the-storing-commit.md).

import type { TaskRecord } from "../core/task.ts";
import type { Write } from "../platform/kv.ts";

export interface Starter {
  /** Of the tasks that a commit makes ready, those that start in it. */
  take(ready: TaskRecord[]): Taken;
  /** The commit is decided. Tasks that were taken for it, and of which no change was told, do not start. */
  release(taken: Taken): void;
}

export interface Taken {
  /** The records as they start, by id. */
  running: Map<string, TaskRecord>;
  writes: Write[];
}
