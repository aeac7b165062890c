import type { Registry } from "../core/registry.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";

/** What commands work on. */
export interface CommandContext {
  store: Store;
  values: Values;
  registry: Registry;
  maxInputBytes: number;
  /** How long failed tasks are kept where nothing else was said. */
  failureRetentionMs?: number;
  /** Told of a timer that no record of a task has. */
  expect?: (at: number) => void;
}
