// Where the parts of a JSON text end.

const QUOTE = 34, BACKSLASH = 92, COMMA = 44, CLOSE_BRACKET = 93, CLOSE_BRACE = 125;

export function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

export function isEndOfWord(code: number): boolean {
  return isSpace(code) || code === COMMA || code === CLOSE_BRACKET || code === CLOSE_BRACE;
}

/** Behind the closing quote; more than `last` if it is not before that. */
export function endOfString(text: string, start: number, last: number): number {
  for (let i = start + 1; i < last; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i + 1;
    if (code === BACKSLASH) i++;
  }
  return last + 1;
}
