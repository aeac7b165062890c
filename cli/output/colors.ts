// Colours of states. They say nothing that the words beside them do not say.

import type { StateType } from "../../client/mod.ts";

const CODES: Record<StateType, number> = {
  SCHEDULED: 36,
  PENDING: 33,
  RUNNING: 34,
  PAUSED: 35,
  CANCELLING: 35,
  COMPLETED: 32,
  FAILED: 31,
  CRASHED: 31,
  CANCELLED: 90,
};

export function painted(text: string, type: StateType, colors: boolean): string {
  return colors ? `\x1b[${CODES[type] ?? 0}m${text}\x1b[0m` : text;
}

export function bold(text: string, colors: boolean): string {
  return colors ? `\x1b[1m${text}\x1b[0m` : text;
}

export function dim(text: string, colors: boolean): string {
  return colors ? `\x1b[2m${text}\x1b[0m` : text;
}
