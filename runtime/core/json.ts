// JSON: which values it can hold, how deep it may nest, and the text of a value. JSON.stringify silently
// drops functions, turns NaN into null and a Map into {}: here they are errors, because a result must not
// change. It also drops the sign of -0, and rounds whole numbers beyond 2^53: here they are written exactly.

import { exactly, isWrittenExactly } from "./exact_number.ts";

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
  partsLeft = Infinity;
  return textOf(value);
}

/**
 * The same; null for a value whose text takes long to make.
 *
 * @throws {NotJsonError}
 */
export function toShortJsonText(value: unknown): string | null {
  partsLeft = SHORT_PARTS;
  try {
    return textOf(value);
  } catch (error) {
    if (error === LONG) return null;
    throw error;
  }
}

function textOf(value: unknown): string {
  if (value === undefined) return "null";
  return requireJson(value, []) ? JSON.stringify(value) : JSON.stringify(value, exactly);
}

/** Parts of a value that may be looked at now. */
let partsLeft = Infinity;
const SHORT_PARTS = 10_000;
/** So many characters of a text take as long as another part. */
const CHARACTERS_OF_PART = 16;
const LONG = new Error("the value is long");

/**
 * @param path to the value; as it was when this returns
 * @returns true if JSON.stringify writes all of its numbers exactly
 */
function requireJson(value: unknown, path: PropertyKey[]): boolean {
  if (--partsLeft < 0) throw LONG;
  switch (typeof value) {
    case "string":
      partsLeft -= value.length / CHARACTERS_OF_PART;
      if (partsLeft < 0) throw LONG;
      return true;
    case "boolean":
      return true;
    case "number":
      if (Number.isFinite(value)) return isWrittenExactly(value);
      throw notJson(path, `${value}`);
    case "object":
      break;
    default:
      throw notJson(path, `a ${typeof value}`);
  }
  if (value === null) return true;
  if (path.length >= DEEPEST) {
    throw new NotJsonError(`the value contains itself or is nested more than ${DEEPEST} levels deep`);
  }
  return Array.isArray(value) ? requireList(value, path) : requireObject(value, path);
}

function requireList(list: unknown[], path: PropertyKey[]): boolean {
  let isExact = true;
  for (let i = 0; i < list.length; i++) {
    path.push(i);
    if (!requireJson(list[i], path)) isExact = false;
    path.pop();
  }
  return isExact;
}

function requireObject(object: object, path: PropertyKey[]): boolean {
  if (!isPlain(object)) {
    const { constructor } = Object.getPrototypeOf(object);
    throw notJson(path, `an instance of ${constructor?.name ?? "a class"}`);
  }
  let isExact = true;
  for (const key of Object.keys(object)) {
    const part = (object as Record<string, unknown>)[key];
    if (part === undefined) continue;
    path.push(key);
    if (!requireJson(part, path)) isExact = false;
    path.pop();
  }
  return isExact;
}

/** An instance of a class is more than its fields. */
export function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || prototype === Object.prototype;
}

function notJson(path: PropertyKey[], what: string): NotJsonError {
  const text = pointer(path);
  const shown = text.length <= 200 ? text : `${text.slice(0, 200)}…`;
  return new NotJsonError(`${what} at ${shown || "the top"} is no JSON value`);
}

export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${pointerPart(String(part))}`).join("");
}

function pointerPart(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A value as a line of JSON, for all readers: some take these characters for the end of a line. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0085\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Found in the text: a value that nests deeper must not be parsed into objects. */
export function isTooDeep(text: string): boolean {
  return text.length > DEEPEST && hasMoreOf("{[", DEEPEST, text) && new DepthScan().isTooDeep(text);
}

/** The same for a text that comes in pieces. */
export class DepthScan {
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  /** With the next piece. */
  isTooDeep(piece: string): boolean {
    let depth = this.#depth;
    let inString = this.#inString;
    let i = this.#isEscaped ? 1 : 0;
    for (; i < piece.length; i++) {
      if (inString) {
        i = closingQuote(piece, i);
        if (i >= piece.length) break;
        inString = false;
        continue;
      }
      const code = piece.charCodeAt(i);
      if (code === QUOTE) inString = true;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        if (++depth > DEEPEST) return true;
      } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#isEscaped = i > piece.length;
    return false;
  }
}

/** Characters that are looked at one by one. To search a text takes less for longer strings only. */
const NEAR = 32;

/**
 * Where a JSON string ends that has begun before `from`: the place of its quote. If that is not before `end`,
 * `end`, or the place behind it where an escape is cut in two.
 */
export function closingQuote(text: string, from: number, end: number = text.length): number {
  let i = from;
  for (const near = Math.min(end, from + NEAR); i < near; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  if (i >= end) return i;
  const within = end === text.length ? text : text.slice(0, end);
  for (let at = within.indexOf('"', i); at >= 0; at = within.indexOf('"', i)) {
    if (backslashesBefore(within, at, i) % 2 === 0) return at;
    i = at + 1;
  }
  return end + backslashesBefore(within, end, i) % 2;
}

function backslashesBefore(text: string, at: number, from: number): number {
  let first = at;
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--;
  return at - first;
}

function hasMoreOf(characters: string, count: number, text: string): boolean {
  let left = count;
  for (const character of characters) {
    for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) {
      if (--left < 0) return true;
    }
  }
  return false;
}

const QUOTE = 34, BACKSLASH = 92, OPEN_BRACKET = 91, CLOSE_BRACKET = 93, OPEN_BRACE = 123, CLOSE_BRACE = 125;

const utf8 = new TextEncoder();
const STEP = 8 * 1024;
/** Of one step: a character takes three bytes at most, a pair of surrogates four. */
const counted = new Uint8Array(3 * STEP);

/** Without the bytes themselves: room for those of 16 MiB takes four times as long as to count them. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = Math.min(text.length, from + STEP);
    // The two halves of a pair stay together.
    if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to--;
    bytes += utf8.encodeInto(text.slice(from, to), counted).written;
  }
  return bytes;
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
