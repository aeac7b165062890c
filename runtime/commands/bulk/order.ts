// What a bulk action is told to do, and how far it is.

import { isTerminalType, STATE_TYPES, type StateType } from "../../core/states.ts";
import type { TaskFilter } from "../../queries/list_filter.ts";

export const BULK = "errand.bulk";
export const BULK_ACTIONS = ["cancel", "retry", "delete", "priority"] as const;
export type BulkAction = typeof BULK_ACTIONS[number];

/** What its task is given. Ids and groups are those of the engine. */
export interface BulkInput {
  action: BulkAction;
  tenant: string;
  ids?: string[];
  filter?: TaskFilter;
  /** If that could be counted. */
  total: number | null;
  priority?: number;
  reason?: string;
  graceMs: number;
}

/** Kept beside the task, from its submit on. */
export interface BulkPlace {
  /** The last id that was seen to. */
  cursor: string | null;
  counts: { done: number; skipped: number; failed: number };
  isOver: boolean;
  /** The first ones. Left out in those of releases before 0.3. */
  failures?: BulkFailure[];
}

/** As the log of the task tells it. */
export interface BulkFailure {
  id: string;
  message: string;
}

/** For as long as a bulk action may take, or be retried. */
export const PLACE_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

const NOT_ENDED = STATE_TYPES.filter((type) => !isTerminalType(type));
/** The states that an action can be for; and those that are meant where the filter says none. */
export const STATES: Record<BulkAction, { possible: StateType[]; meant?: StateType[] }> = {
  cancel: { possible: NOT_ENDED },
  priority: { possible: NOT_ENDED },
  // What somebody has cancelled is retried only where that is said.
  retry: { possible: ["FAILED", "CRASHED", "CANCELLED"], meant: ["FAILED", "CRASHED"] },
  delete: { possible: STATE_TYPES.filter(isTerminalType) },
};

export function mayBeFor(action: BulkAction, type: StateType): boolean {
  return STATES[action].possible.includes(type);
}
