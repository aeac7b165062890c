// From `map`'s fields to one input for each task.

import { MappingLengthMismatchError, MappingMissingIterableError } from "./errors.ts";

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

/** Every task of a `map` gets this value as it is. Needed for iterables only; all else is given to each anyway. */
export function unmapped<T>(value: T): Unmapped<T> {
  return new Unmapped(value);
}

/** A field of a `map`: one value for each task, or one for all, which must be marked if it is itself an iterable. */
export type MapField<T> =
  | Iterable<T>
  | Unmapped<T>
  | (T extends string ? T : T extends Iterable<unknown> ? never : T);

/** The fields of a `map`. */
export type MapFields<Input> = { [Field in keyof Input]?: MapField<Input[Field]> };

/**
 * One input for each element.
 *
 * @throws {MappingMissingIterableError} if no field is an iterable
 * @throws {MappingLengthMismatchError} if they differ in length
 */
export function inputsOf(fields: Record<string, unknown>): Record<string, unknown>[] {
  const values = Object.entries(fields).map(([name, field]) =>
    isMapped(field)
      ? { name, each: [...field] }
      : { name, all: field instanceof Unmapped ? field.value : field }
  );
  const lengths = values.flatMap(({ name, each }) => each ? [{ name, length: each.length }] : []);
  if (lengths.length === 0) {
    const names = Object.keys(fields);
    throw new MappingMissingIterableError(
      `map needs at least one field that is an iterable to go through; ` +
        (names.length > 0 ? `${names.join(", ")} are none` : "no field is given"),
    );
  }
  if (new Set(lengths.map(({ length }) => length)).size > 1) {
    const said = lengths.map(({ name, length }) => `${name} has ${length}`).join(", ");
    throw new MappingLengthMismatchError(
      `map needs iterables of one length; ${said}. What each task is to get as a whole is marked with unmapped(…)`,
    );
  }
  return Array.from(
    { length: lengths[0].length },
    (_, i) => Object.fromEntries(values.map(({ name, each, all }) => [name, each ? each[i] : all])),
  );
}

/** A text is one value, as in Prefect and unlike in Python. */
function isMapped(field: unknown): field is Iterable<unknown> {
  return typeof field === "object" && field !== null && Symbol.iterator in field;
}
