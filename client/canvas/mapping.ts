// What a `map` goes through: one value for each task, or one for all.

import { type Given, quote, Quoted, type Reference } from "../protocol/references.ts";

/** Marks an iterable that every task gets as a whole. */
export class Unmapped<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }
}

/**
 * Every task of a `map` gets this value as it is. Needed for iterables only; all else is given to each
 * anyway.
 */
export function unmapped<T>(value: T): Unmapped<T> {
  return new Unmapped(value);
}

/**
 * A field of a `map`: one value for each task, or one for all, which must be marked if it is itself an
 * iterable. Of a quoted iterable each task gets an element, quoted.
 */
export type MapField<T> =
  | Iterable<Given<T>>
  | Quoted<Iterable<T>>
  | Unmapped<Given<T>>
  | (T extends string ? T : T extends Iterable<unknown> ? never : Given<T>)
  | Reference<T>;

/** The fields of a `map`. */
export type MapFields<Input> = { [Field in keyof Input]?: MapField<Input[Field]> };

/** The service goes through the lists in `map`; what is in `unmapped` goes to every task. */
export interface Mapping {
  map: Record<string, unknown>;
  unmapped: Record<string, unknown>;
}

/** The fields in the form of the wire, where every list in `map` is gone through. */
export function mappingOf(fields: Record<string, unknown>): Mapping {
  const entries = Object.entries(fields).map(([name, field]) => [name, eachQuoted(field)] as const);
  // An object may become a list on the wire, as the future of a group does.
  const isForAll = (field: unknown) => field instanceof Unmapped || (isObject(field) && !isIterable(field));
  return {
    map: Object.fromEntries(
      entries.filter(([, field]) => !isForAll(field))
        .map(([name, field]) => [name, isIterable(field) ? [...field] : field]),
    ),
    unmapped: Object.fromEntries(
      entries.filter(([, field]) => isForAll(field))
        .map(([name, field]) => [name, field instanceof Unmapped ? field.value : field]),
    ),
  };
}

/** A quoted iterable is gone through, and each of its elements is quoted. */
export function eachQuoted(field: unknown): unknown {
  return field instanceof Quoted && isIterable(field.value) ? Array.from(field.value, quote) : field;
}

/** How many elements it has: the most that one of its lists has, as the service refuses lists that differ. */
export function lengthOf({ map }: Mapping): number {
  return Object.values(map).reduce(
    (most: number, each) => Math.max(most, Array.isArray(each) ? each.length : 0),
    0,
  );
}

function isObject(field: unknown): field is object {
  return typeof field === "object" && field !== null;
}

/** A text is one value, as in Prefect and unlike in Python. */
function isIterable(field: unknown): field is Iterable<unknown> {
  return isObject(field) && Symbol.iterator in field;
}
