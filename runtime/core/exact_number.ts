// Numbers that JSON.stringify does not write as they are: it drops the sign of -0, and rounds whole numbers
// beyond 2^53. The client is made of this file, too: it imports nothing.

/** From here on JSON.stringify writes an exponent, as it does for fractions: such a number reads as it is. */
const LARGEST_IN_DIGITS = 1e21;

/** True if JSON.stringify writes this finite number as it is. */
export function isWrittenExactly(value: number): boolean {
  if (value === 0) return !Object.is(value, -0);
  return Number.isSafeInteger(value) || !Number.isInteger(value) || Math.abs(value) >= LARGEST_IN_DIGITS;
}

/**
 * A replacer for JSON.stringify, which then writes all finite numbers as they are.
 *
 * @throws {TypeError} where JSON.rawJSON is missing, of a number that needs it
 */
export function exactly(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || isWrittenExactly(value)) return value;
  const text = value === 0 ? "-0" : String(BigInt(value));
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  if (rawJSON) return rawJSON(text);
  throw new TypeError(
    `${text} cannot be written as it is here, where JSON.rawJSON is missing: send it as a text`,
  );
}
