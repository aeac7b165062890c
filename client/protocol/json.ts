// The JSON text of what is sent. JSON.stringify turns a Map, a Set or a Promise into {}, NaN and an invalid
// Date into null, drops functions and the sign of -0, and rounds whole numbers beyond 2^53. Here these are
// errors, or are written exactly, as the service does with results. What has a toJSON stands for that.

import { whatIs } from "./what_is.ts";
import { exactly, isWrittenExactly } from "../../runtime/core/exact_number.ts";

/** Deeper nesting is refused by the service. */
const DEEPEST = 1_000;

/**
 * Undefined for undefined.
 *
 * @throws {TypeError} naming the first part that JSON cannot hold, and where it is
 */
export function jsonText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return requireJson(value, []) ? JSON.stringify(value) : JSON.stringify(value, exactly);
}

/** True if JSON.stringify writes all of its numbers exactly. The path is as it was when this returns. */
function requireJson(given: unknown, path: string[]): boolean {
  const value = standsFor(given, path);
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      if (!Number.isFinite(value)) throw notJson(path, String(value));
      return isWrittenExactly(value);
    case "object":
      break;
    default:
      throw notJson(path, whatIs(value));
  }
  if (value === null) return true;
  if (path.length >= DEEPEST) {
    throw new TypeError(`the value contains itself or is nested more than ${DEEPEST} levels deep`);
  }
  const isList = Array.isArray(value);
  if (!isList && !isPlainObject(value)) {
    throw notJson(path, whatIs(value));
  }
  let isPlain = true;
  // A list may have holes.
  for (const key of isList ? value.keys() : Object.keys(value)) {
    const part = (value as Record<string | number, unknown>)[key];
    // Left out of an object, as everywhere in JavaScript.
    if (part === undefined && !isList) continue;
    path.push(String(key));
    if (!requireJson(part, path)) isPlain = false;
    path.pop();
  }
  return isPlain;
}

/** What JSON.stringify takes in its place. */
function standsFor(value: unknown, path: string[]): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: (key: string) => unknown };
  if (typeof toJSON !== "function") return value;
  if (value instanceof Date && Number.isNaN(value.getTime())) throw notJson(path, "an invalid Date");
  return toJSON.call(value, path.at(-1) ?? "");
}

/** Also one of another realm, as of a frame or a sandbox. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notJson(path: string[], what: string): TypeError {
  const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return new TypeError(`${what} at ${pointer || "the top"} is no JSON value`);
}
