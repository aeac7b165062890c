// JSON: which values it can hold, how deep it may nest, and the text of a value. JSON.stringify silently
// drops functions, turns NaN into null and a Map into {}: here they are errors, because a result must not
// change.

/** Deeper nesting is refused: V8 can parse it, other readers cannot. */
export const DEEPEST = 1_000;

export class NotJsonError extends Error {
  override name = "NotJsonError";
}

/**
 * The JSON text of a value. `undefined` (a function that returns nothing) becomes `null`. Properties that are
 * `undefined` are left out, as everywhere in JavaScript.
 *
 * @throws {NotJsonError} naming the first part that JSON cannot hold, and where it is.
 */
export function toJsonText(value: unknown): string {
  if (value === undefined) return "null";
  requireJson(value, "", 0);
  return JSON.stringify(value);
}

function requireJson(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw notJson(path, `${value}`);
    case "object":
      break;
    default:
      throw notJson(path, `a ${typeof value}`);
  }
  if (value === null) return;
  if (depth >= DEEPEST) {
    throw new NotJsonError(`the value contains itself or is nested more than ${DEEPEST} levels deep`);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) requireJson(value[i], `${path}/${i}`, depth + 1);
    return;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw notJson(path, `an instance of ${prototype.constructor?.name ?? "a class"}`);
  }
  for (const [key, part] of Object.entries(value)) {
    if (part !== undefined) requireJson(part, `${path}/${pointerPart(key)}`, depth + 1);
  }
}

function notJson(path: string, what: string): NotJsonError {
  const shown = path.length <= 200 ? path : `${path.slice(0, 200)}…`;
  return new NotJsonError(`${what} at ${shown || "the top"} is no JSON value`);
}

export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${pointerPart(String(part))}`).join("");
}

function pointerPart(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Found in the text: a value that nests deeper must not be parsed into objects. */
export function isTooDeep(text: string): boolean {
  if (text.length <= DEEPEST) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > DEEPEST) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
  return false;
}

const QUOTE = 34, BACKSLASH = 92, OPEN_BRACKET = 91, CLOSE_BRACKET = 93, OPEN_BRACE = 123, CLOSE_BRACE = 125;

const utf8 = new TextEncoder();

export function utf8Bytes(text: string): number {
  return utf8.encode(text).byteLength;
}

/** The text, cut so that its JSON string has at most `bytes` bytes. */
export function clip(text: string, bytes: number): string {
  if (text.length * 6 + 2 <= bytes) return text;
  let end = Math.min(text.length, bytes);
  while (end > 0 && utf8Bytes(JSON.stringify(text.slice(0, end))) > bytes - (end < text.length ? 3 : 0)) {
    end = Math.floor(end * 0.9);
  }
  if (end === text.length) return text;
  // Not between the two halves of a surrogate pair.
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? "")) end--;
  return `${text.slice(0, end)}…`;
}
