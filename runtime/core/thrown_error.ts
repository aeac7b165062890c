// From whatever a function has thrown to the error that its record keeps, and to what the log says of it.

import { bounded, chained, chainOf } from "./error_bounds.ts";
import { statusOf } from "./failure_hints.ts";
import { clip } from "./json.ts";
import type { TaskError } from "./task.ts";

/** Bytes of JSON. */
const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 2_000;
const MOST_INNER = 10;
/** Errors that are looked at, with causes and inner ones. */
const MOST_ERRORS = 100;
/** Characters of all stacks of an error, for the log. */
const LONGEST_STACKS = 10_000;

/** What could be known of something that throws when it is read. */
const UNREADABLE: TaskError = {
  name: "Error",
  message: "something was thrown that cannot be read",
  retryable: true,
};

/** Never throws, whatever was thrown. */
export function errorOf(thrown: unknown, keepStacks: boolean): TaskError {
  try {
    const error = described(thrown);
    if (keepStacks && isObject(thrown) && typeof thrown.stack === "string") {
      error.stack = clip(thrown.stack, LONGEST_STACK);
    }
    return bounded(error);
  } catch {
    return { ...UNREADABLE };
  }
}

/** For another realm, with all stacks. Structured cloning loses an error's own fields, or all of it. */
export function portable(thrown: unknown): TaskError {
  try {
    return described(thrown, true);
  } catch {
    return { ...UNREADABLE };
  }
}

/** All stacks of an error: its own, and those of its causes and inner errors. Null if there are none. */
export function stacksOf(thrown: unknown): string | null {
  try {
    const stacks = stacksIn(thrown).join("\n");
    return stacks === "" ? null : stacks.slice(0, LONGEST_STACKS);
  } catch {
    return null;
  }
}

/** What an error has beside what all errors have, as far as it can be sent to another realm. */
export function fieldsOf(error: unknown): Record<string, string | number | boolean> {
  const fields: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(isObject(error) ? error : {})) {
    if (COMMON.includes(name) || !["string", "number", "boolean"].includes(typeof value)) continue;
    fields[name] = value as string | number | boolean;
  }
  return fields;
}

/** As `instanceof`, which throws for some of what can be thrown. */
export function isA<T>(thrown: unknown, type: new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}

/** As a line says it: its name and its message. */
export function textOf({ name, message }: TaskError): string {
  return message === "" ? name : `${name}: ${message}`;
}

/** What another realm has described, as an error again. */
export class RevivedError extends Error {
  readonly retryable: boolean;
  readonly errors?: RevivedError[];
  readonly status?: number;
  constructor({ name, message, retryable, cause, errors, stack, status }: TaskError) {
    super(message, cause && { cause: new RevivedError(cause) });
    this.name = name;
    this.retryable = retryable;
    this.stack = stack;
    if (status !== undefined) this.status = status;
    if (errors) this.errors = errors.map((error) => new RevivedError(error));
  }
}

const COMMON = ["name", "message", "stack", "cause", "errors"];

type Thrown = Partial<Error> & { retryable?: unknown; errors?: unknown };

function isObject(value: unknown): value is Thrown {
  return typeof value === "object" && value !== null;
}

/** @param room how many errors may still be looked at. */
function described(thrown: unknown, withStacks = false, room = { errors: MOST_ERRORS }): TaskError {
  const chain = chainOf(thrown);
  room.errors -= chain.length;
  return chained(chain.map((each) => {
    const inner = innerOf(each, room).map((part) => described(part, withStacks, room));
    return describedAlone(each, inner, withStacks);
  }));
}

function describedAlone(thrown: unknown, inner: TaskError[], withStacks: boolean): TaskError {
  if (!isObject(thrown)) {
    return { name: "Error", message: clip(String(thrown), LONGEST_MESSAGE), retryable: true };
  }
  const error: TaskError = {
    name: clip(nameOf(thrown), 100),
    message: clip(messageOf(thrown, inner), LONGEST_MESSAGE),
    retryable: thrown.retryable !== false,
  };
  if (inner.length > 0) error.errors = inner;
  const status = statusOf(thrown);
  if (status !== undefined) error.status = status;
  if (withStacks && typeof thrown.stack === "string") error.stack = thrown.stack.slice(0, LONGEST_STACKS);
  return error;
}

function nameOf(thrown: Thrown): string {
  if (typeof thrown.name === "string" && thrown.name !== "") return thrown.name;
  const made = thrown.constructor?.name;
  return typeof made === "string" && made !== "" && made !== "Object" ? made : "Error";
}

/** Something to go by, also where there is no message. */
function messageOf(thrown: Thrown, inner: TaskError[]): string {
  if (typeof thrown.message === "string" && thrown.message !== "") return thrown.message;
  const own = ownText(thrown);
  if (own !== "{}") return own;
  const status = statusOf(thrown);
  return status === undefined ? inner.map(textOf).join("; ") : `answered ${status}`;
}

/** The errors within an AggregateError, or a SuppressedError. */
function innerOf(thrown: unknown, room: { errors: number }): unknown[] {
  if (!isObject(thrown) || room.errors <= 0) return [];
  const { errors, error, suppressed } = thrown as Thrown & { error?: unknown; suppressed?: unknown };
  if (Array.isArray(errors)) return errors.slice(0, Math.min(MOST_INNER, room.errors));
  return thrown.name === "SuppressedError" ? [error, suppressed] : [];
}

/** The fields of a thrown value as JSON. A part that JSON cannot hold is named by its type. */
function ownText(thrown: Thrown): string {
  if (Array.isArray(thrown)) return partText(thrown);
  const parts = Object.entries(thrown).filter(([name]) => !COMMON.includes(name));
  return `{${parts.map(([name, part]) => `${JSON.stringify(name)}:${partText(part)}`).join(",")}}`;
}

function partText(part: unknown): string {
  try {
    return JSON.stringify(part) ?? JSON.stringify(`a ${typeof part}`);
  } catch {
    return JSON.stringify(typeof part === "bigint" ? String(part) : "no JSON");
  }
}

function stacksIn(thrown: unknown, room = { errors: MOST_ERRORS }): string[] {
  const chain = chainOf(thrown);
  room.errors -= chain.length;
  return chain.flatMap((each) => {
    const own = isObject(each) && typeof each.stack === "string" ? [each.stack] : [];
    return [...own, ...innerOf(each, room).flatMap((part) => stacksIn(part, room))];
  });
}
