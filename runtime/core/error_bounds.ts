// How much of an error is kept. The outermost says what failed and the last cause what was wrong, so a chain
// of causes stays, and its messages are shortened.

import { clip, utf8Bytes } from "./json.ts";
import type { TaskError } from "./task.ts";

/** Errors in a chain of causes. Of a longer one, those before the last are left out. */
const LONGEST_CHAIN = 10;
/** So far a chain is followed. One may have no end. */
const FARTHEST_CAUSE = 100;
/** Characters of JSON with all causes and inner errors. */
const LONGEST_ERROR = 2_500;

/** A thrown value, what it was caused by, and so on to the last cause: at most LONGEST_CHAIN of them. */
export function chainOf<T>(thrown: T): T[] {
  const chain = [thrown];
  for (let last: unknown = thrown; chain.length < FARTHEST_CAUSE;) {
    if (typeof last !== "object" || last === null) break;
    const { cause } = last as { cause?: T };
    if (cause === undefined || chain.includes(cause)) break;
    chain.push(cause);
    last = cause;
  }
  return chain.length <= LONGEST_CHAIN ? chain : [...chain.slice(0, LONGEST_CHAIN - 1), chain.at(-1)!];
}

/** Puts a chain together: each gets the next one as its cause. */
export function chained(errors: TaskError[]): TaskError {
  errors.slice(1).forEach((cause, i) => errors[i].cause = cause);
  return errors[0];
}

/**
 * The error as a record keeps it, with its own stack and no other. If it is too long, inner errors go first,
 * those of the last cause before others, and then the ends of the longest messages.
 */
export function bounded(error: TaskError): TaskError {
  const chain = chainOf(error).map(({ cause: _, stack, errors, ...own }, i): TaskError => ({
    ...own,
    ...(errors && { errors: [...errors] }),
    ...(i === 0 && stack !== undefined && { stack }),
  }));
  const whole = chained(chain);
  let over: number;
  while ((over = lengthOf(whole) - LONGEST_ERROR) > 0) {
    const last = chain.findLast(({ errors }) => errors);
    if (!last) {
      shortenMessages(chain, over);
      break;
    }
    last.errors!.pop();
    if (last.errors!.length === 0) delete last.errors;
  }
  return whole;
}

function lengthOf(error: TaskError): number {
  return JSON.stringify({ ...error, stack: undefined }).length;
}

/** By `over` bytes or more: the longest messages get one length, and shorter ones stay whole. */
function shortenMessages(chain: TaskError[], over: number): void {
  const lengths = chain.map(({ message }) => utf8Bytes(JSON.stringify(message))).sort((a, b) => a - b);
  let left = lengths.reduce((all, one) => all + one) - over;
  for (const [i, length] of lengths.entries()) {
    const share = Math.floor(left / (lengths.length - i));
    if (length > share) {
      for (const error of chain) error.message = clip(error.message, share);
      return;
    }
    left -= length;
  }
}
