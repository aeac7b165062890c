// Futures in place of values: what an input may hold, and what the service gets for it. On the wire a future
// is `{"$task": id}`, wherever it stands, and a quoted value is `{"$quote": value}`; JSON.stringify makes
// both.

import type { Failure } from "./wire.ts";

/** Only a type: what stands for a value of a type. */
export declare const STANDS_FOR: unique symbol;

/**
 * What stands in an input for a value that is not there yet, as a `TaskFuture`, or for one that is passed on
 * unread.
 */
export interface Reference<out T> {
  readonly [STANDS_FOR]: T;
}

/** What a call takes where its definition wants a `T`: anywhere in it a future may stand for its result. */
export type Given<T> = Reference<T> | Deep<T>;

type Deep<T> = unknown extends T ? T
  : T extends readonly unknown[] ? { readonly [Index in keyof T]: Given<T[Index]> }
  : T extends object ? { readonly [Field in keyof T]: Given<T[Field]> } & { readonly [STANDS_FOR]?: never }
  : T;

/** A value that arrives as it is, whatever it looks like. Made by `quote`. */
export class Quoted<T> implements Reference<T> {
  declare readonly [STANDS_FOR]: T;
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }

  toJSON(): { $quote: T } {
    return { $quote: this.value };
  }
}

/**
 * Data that looks like a reference, as `{ $task: "laundry" }`, and is none. The service hands over what is in
 * it as it is; a future in it arrives as `{"$task": id}`, and nothing waits for it.
 */
export function quote<T>(value: T): Quoted<T> {
  return new Quoted(value);
}

/** A result, or what stands for it if its task does not complete. */
export type OrError<T> = T | { error: Failure };

/** Made by `allowFailure`. */
export class FailureAllowed<T> implements Reference<OrError<T>> {
  declare readonly [STANDS_FOR]: OrError<T>;
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  toJSON(): { $task: string; $allowFailure: true } {
    return { $task: this.id, $allowFailure: true };
  }
}

/** Made by `allowFailure` of a group. */
export interface FailuresAllowed<T> extends Reference<OrError<T>[]> {
  readonly id: string;
  toJSON(): { $task: string; $allowFailure: true };
}

/**
 * In an input: the future's result, or `{ error: { name, message, … } }` if its task does not complete; of
 * the future of a group the results of its tasks, each likewise. The task that takes it is not cancelled for
 * that.
 */
export function allowFailure<T>(future: Reference<T> & { readonly id: string }): FailureAllowed<T>;
export function allowFailure<T>(
  group: Reference<readonly T[]> & { readonly groupId: string },
): FailuresAllowed<T>;
export function allowFailure(
  future: { readonly id: string } | { readonly groupId: string; toJSON?(): unknown },
): unknown {
  if (!("groupId" in future)) return new FailureAllowed(future.id);
  const { $task } = (future.toJSON?.() ?? {}) as { $task?: unknown };
  if ($task === future.groupId) return new FailureAllowed(future.groupId);
  throw new TypeError(
    "allowFailure takes the future of a task or of a group; of a flow take one of its tasks, as " +
      "flow.future(name), or the group: errand.group(flow.groupId)",
  );
}
