// Where the parts of a JSON text end.

import { closingQuote } from "../../runtime/core/json.ts";

const COMMA = 44, CLOSE_BRACKET = 93, CLOSE_BRACE = 125;

export function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

export function isEndOfWord(code: number): boolean {
  return isSpace(code) || code === COMMA || code === CLOSE_BRACKET || code === CLOSE_BRACE;
}

/** Behind the closing quote; more than `last` if it is not before that. */
export function endOfString(text: string, start: number, last: number): number {
  const at = closingQuote(text, start + 1, last);
  return at < last ? at + 1 : last + 1;
}
