// Errors of a submit point into submissions. Where those were made from something shorter (a map, a flow), what the
// caller is told must point into the request as it was sent.

import { type Fault, ValidationError } from "../../runtime/core/errors.ts";
import { ProblemError, problemOf } from "./problem.ts";

/** Where a part of the n-th submission (`/input/x`, `/task`) stands in the request. */
export type PointerAsSent = (index: number, part: string) => string;

/** Gives submissions pointers that {@linkcode pointingAsSent} understands. */
export function pointerOfSubmission(index: number): string {
  return `/${index}`;
}

/** Does `work`; the pointers of what it throws are those of the request. */
export async function pointingAsSent<T>(asSent: PointerAsSent, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ValidationError) throw new ValidationError(translated(error.faults, asSent));
    const problem = problemOf(error);
    if (!problem?.errors) throw error;
    throw new ProblemError({ ...problem, errors: translated(problem.errors, asSent) });
  }
}

/** What is wrong with a value that many submissions share is told once. */
function translated(faults: Fault[], asSent: PointerAsSent): Fault[] {
  const once = new Map<string, Fault>();
  for (const { pointer, message } of faults) {
    const [, index, part] = /^\/(\d+)(.*)$/s.exec(pointer) ?? [];
    const fault = { pointer: index === undefined ? pointer : asSent(Number(index), part), message };
    once.set(`${fault.pointer} ${message}`, fault);
  }
  return [...once.values()];
}
