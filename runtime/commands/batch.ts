import { type Fault, ValidationError } from "../core/errors.ts";
import type { Submission } from "../core/submission.ts";

/** The submissions of a call, and where their parts stand in what the caller sent. */
export interface Batch {
  submissions: Submission[];
  /** JSON Pointer to a part of the n-th submission: "/input/x", or "" for the submission itself. */
  pointerOf(index: number, part: string): string;
  /** A definition that must exist even if there is no submission of it. */
  requires?: string;
}

/** More of them are not looked for. */
export const MOST_FAULTS = 1_000;

/** What is wrong with a part of the n-th submission. */
export interface PartFault {
  index: number;
  part: string;
  message: string;
}

/** Gives faults the caller's pointers. A fault in a value that many submissions share is reported once. */
export function validationError({ pointerOf }: Batch, faults: PartFault[]): ValidationError {
  const unique = new Map<string, Fault>();
  for (const { index, part, message } of faults) {
    const pointer = pointerOf(index, part);
    unique.set(`${pointer} ${message}`, { pointer, message });
  }
  return new ValidationError([...unique.values()]);
}
