// Rows of one place in a system's documentation that all wait for the same thing.

import type { NotYet } from "./row.ts";

export function notYet(source: string, reason: string, promises: string[]): NotYet[] {
  return promises.map((promise) => ({ promise, source, notYet: reason }));
}
