// Work that consists of several tasks, as a value: it says what to do, and nothing happens before it is run.
// Such a value is frozen, in the form that the service takes. It can be part of others, and it can be run
// again.

import { type EachTaskOptions, taskOptionsOf, type WaitForGiven, waitForOf } from "./options.ts";
import { jsonText } from "../protocol/json.ts";
import type { WaitFor } from "../protocol/wait_for.ts";
import type { TaskOptions } from "../protocol/wire.ts";

/** Only a type: what a signature was made of. */
export declare const MADE_OF: unique symbol;

/** What a signature was made of, for those who check it against a definition. */
export interface Made<Input, Into, Immutable> {
  input: Input;
  into: Into;
  immutable: Immutable;
}

/** One task. Made by `sig`. */
export interface Signature<Name extends string = string, Parts = unknown> {
  readonly task: Name;
  readonly input?: unknown;
  readonly into?: string;
  readonly immutable?: boolean;
  readonly name?: string;
  readonly waitFor?: WaitFor;
  readonly allowFailure?: boolean;
  readonly options?: Readonly<TaskOptions>;
  readonly [MADE_OF]?: Parts;
}

/** One after the other. Made by `chain`. */
export interface Chain<Elements extends readonly Canvas[] = readonly Canvas[]> {
  readonly chain: Elements;
}

/** Side by side. Made by `group`. */
export interface Group<Elements extends readonly Canvas[] = readonly Canvas[]> {
  readonly group: Elements;
}

/** Side by side, and then one that gets their results. Made by `chord`. */
export interface Chord<
  Header extends Canvas | readonly Canvas[] = AnyHeader,
  Body extends Canvas = Canvas,
> {
  readonly chord: { readonly header: Header; readonly body: Body };
}

/** A function called for each of many inputs, so many to a task. Made by `chunks`. */
export interface Chunks<Name extends string = string, Input = unknown> {
  readonly chunks: {
    readonly task: Name;
    readonly inputs: readonly unknown[];
    readonly size: number;
    readonly options?: Readonly<TaskOptions>;
  };
  readonly [MADE_OF]?: Input;
}

type AnyHeader = Canvas | readonly Canvas[];

/** What can be run, and be part of what can be run. */
export type Canvas = Signature | Chain | Group | Chord | Chunks;

/** What a signature says about its place among others, and about its task. */
export interface SignatureOptions<Into extends string | undefined, Immutable extends boolean>
  extends Omit<EachTaskOptions, "waitFor"> {
  /** In a chain or as a chord's body: the field of the input that gets what comes before. */
  into?: Into;
  /** In a chain or as a chord's body: it only waits for what comes before. Its input stays as it is. */
  immutable?: Immutable;
  /** Its name in the flow. Without one its place names it, as "0" or "header.1". */
  name?: string;
  /**
   * Not before these have completed: names in the same flow, futures, or ids; or not before they have ended
   * as their conditions say.
   */
  waitFor?: WaitForGiven;
}

/**
 * A task to submit. The input is copied now. A future in it stands for its result.
 *
 * In a chain, or as a chord's body, it gets what comes before: as the field `into`; or, without an input of
 * its own, as its input; or, if it is `immutable`, not at all.
 *
 * This function takes any name and input, and `run` compares them with its client's definitions; `errand.sig`
 * does so where it is written.
 *
 * @throws {TypeError} if JSON cannot hold the input
 */
export function sig<
  const Name extends string,
  const Input = undefined,
  const Into extends string | undefined = undefined,
  const Immutable extends boolean = false,
>(
  name: Name,
  input?: Input,
  { into, immutable, name: node, waitFor, allowFailure, ...options }: SignatureOptions<Into, Immutable> = {},
): Signature<Name, Made<Input, Into, Immutable>> {
  return frozen({
    task: name,
    input: copied(input),
    into,
    immutable,
    name: node,
    waitFor: waitFor && Object.freeze(waitForOf(waitFor)),
    allowFailure,
    options: given(options),
  });
}

/** One after the other: each gets what the one before it hands on. Hands on what the last one does. */
export function chain<const Elements extends readonly Canvas[]>(...elements: Elements): Chain<Elements>;
export function chain<const One extends Canvas>(elements: Iterable<One>): Chain<readonly One[]>;
export function chain(...elements: Canvas[] | [Iterable<Canvas>]): Chain {
  return frozen({ chain: listOf(elements) });
}

/**
 * Side by side; what comes before goes to each. Hands on the list of what they hand on, in their order. An
 * empty one in a chain hands on what comes before.
 */
export function group<const Elements extends readonly Canvas[]>(...elements: Elements): Group<Elements>;
export function group<const One extends Canvas>(elements: Iterable<One>): Group<readonly One[]>;
export function group(...elements: Canvas[] | [Iterable<Canvas>]): Group {
  return frozen({ group: listOf(elements) });
}

/**
 * The header's elements side by side, and then the body with the list of what they hand on, in their order.
 * Hands on what the body does. If one of the header does not complete, the body is CANCELLED UpstreamFailed;
 * the others go on.
 *
 * @param header a list of elements; or one element. If that hands on a list, as a group does, the body gets
 * this list; else a list of one
 */
export function chord<const Header extends Canvas | readonly Canvas[], const Body extends Canvas>(
  header: Header,
  body: Body,
): Chord<Header, Body>;
export function chord<const One extends Canvas, const Body extends Canvas>(
  header: Iterable<One>,
  body: Body,
): Chord<readonly One[], Body>;
export function chord(header: Canvas | Iterable<Canvas>, body: Canvas): Chord {
  const list = Symbol.iterator in header ? Object.freeze([...header]) : header;
  return frozen({ chord: frozen({ header: list, body }) });
}

/**
 * A function called with each of many small inputs, `size` of them to a task, one after the other. Hands on
 * the list of the tasks' lists of results.
 *
 * @param size 1 to 1,000
 * @throws {TypeError} if JSON cannot hold an input
 */
export function chunks<const Name extends string, const Input>(
  name: Name,
  inputs: Iterable<Input>,
  size: number,
  options: EachTaskOptions = {},
): Chunks<Name, Input> {
  return frozen({
    chunks: frozen({ task: name, inputs: copied([...inputs]), size, options: given(taskOptionsOf(options)) }),
  });
}

/** The form in which the service takes it: a signature alone is a chain of one. */
export function flowOf(canvas: Canvas): Exclude<Canvas, Signature> {
  return "task" in canvas ? chain(canvas) : canvas;
}

function listOf(elements: Canvas[] | [Iterable<Canvas>]): readonly Canvas[] {
  const [first] = elements;
  const isList = elements.length === 1 && Symbol.iterator in first;
  return Object.freeze(isList ? [...first as Iterable<Canvas>] : elements as Canvas[]);
}

/** A copy by way of JSON: a later change of the original does not change it. */
function copied<T>(value: T): T {
  const text = jsonText(value);
  return text === undefined ? undefined as T : JSON.parse(text, (_, each) => Object.freeze(each));
}

function given(options: TaskOptions): TaskOptions | undefined {
  return Object.keys(options).length === 0 ? undefined : copied(options);
}

/** Without the members that were left out. */
function frozen<T extends object>(members: T): T {
  const present = Object.entries(members).filter(([, member]) => member !== undefined);
  return Object.freeze(Object.fromEntries(present)) as T;
}
