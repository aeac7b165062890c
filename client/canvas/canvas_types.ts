// Types only: whether a canvas fits a client's definitions, and what it hands on.

import type { Canvas, Chain, Chord, Chunks, Group, Made, Signature } from "./canvas.ts";
import type { Given } from "../protocol/references.ts";
import type { Definitions, InputOf, IsUntyped, NameOf, ResultOf } from "../protocol/typed.ts";

/** What a canvas hands on, and so what its future gives. */
export type HandedOn<D extends Definitions, C> = [Canvas] extends [C] ? unknown
  : C extends Signature<infer Name> ? ResultOf<D, Name>
  : C extends Chain<infer Elements> ? HandedOn<D, LastOf<Elements>>
  : C extends Group<infer Elements> ? EachHandedOn<D, Elements>
  : C extends Chord<infer _, infer Body> ? HandedOn<D, Body>
  : C extends Chunks<infer Name> ? ResultOf<D, Name>[][]
  : never;

type EachHandedOn<D extends Definitions, Elements extends readonly Canvas[]> = {
  -readonly [Index in keyof Elements]: HandedOn<D, Elements[Index]>;
};

/** What a chord's body gets of a header that is one element: the list that it hands on, or a list of one. */
type ListHandedOn<D extends Definitions, C> = [Canvas] extends [C] ? unknown
  : C extends Signature ? [HandedOn<D, C>]
  : C extends Chain<infer Elements> ? ListHandedOn<D, LastOf<Elements>>
  : C extends Chord<infer _, infer Body> ? ListHandedOn<D, Body>
  : HandedOn<D, C>;

/** The last one that hands on something of its own. */
type LastOf<Elements extends readonly Canvas[]> = Elements extends
  readonly [...infer Before extends readonly Canvas[], infer Last]
  ? Before extends readonly [] ? Last : IsEmpty<Last> extends true ? LastOf<Before> : Last
  : Elements[number];

/** In a chain it hands on what it gets. */
type IsEmpty<C> = [Canvas] extends [C] ? false
  : C extends Group<readonly []> ? true
  : C extends Chain<infer Elements> ? IsEmpty<LastOf<Elements>>
  : false;

type AfterOf<D extends Definitions, C, Before> = [Before] extends [Nothing] ? HandedOn<D, C>
  : IsEmpty<C> extends true ? Before
  : HandedOn<D, C>;

/** A canvas that fits is taken as it is. One that does not fit lacks a member, whose type says why. */
export type Fitting<D extends Definitions, C> = IsUntyped<D> extends true ? unknown
  : [Misfit<D, C, Nothing>] extends [never] ? unknown
  : { doesNotFit: Misfit<D, C, Nothing> };

declare const NOTHING: unique symbol;
declare const UNCLEAR: unique symbol;
/** What comes before the first of a chain. */
type Nothing = typeof NOTHING;
/** What comes before one of a list whose length is known at run time only: perhaps nothing. */
type Unclear = typeof UNCLEAR;

/**
 * Why a canvas does not fit behind what comes `Before` it; never if it does, or if its type says nothing of
 * it.
 */
type Misfit<D extends Definitions, C, Before> = [Canvas] extends [C] ? never
  : C extends Signature<infer Name, infer Parts>
    ? Parts extends Made<infer Input, infer Into, infer Immutable>
      ? Defined<D, Name, MisfitOfTask<Name, InputOf<D, Name>, Input, Into, Immutable, Before>>
    : never
  : C extends Chain<infer Elements> ? MisfitInChain<D, Elements, Before>
  : C extends Group<infer Elements> ? Misfit<D, Elements[number], Before>
  : C extends Chord<infer Header, infer Body>
    ? Header extends readonly Canvas[]
      ? Misfit<D, Header[number], Before> | Misfit<D, Body, EachHandedOn<D, Header>>
    : Misfit<D, Header, Before> | Misfit<D, Body, ListHandedOn<D, Header>>
  : C extends Chunks<infer Name, infer Input>
    ? Defined<D, Name, MisfitOfChunks<Name, InputOf<D, Name>, Input, Before>>
  : never;

/** The service checks a name that is known at run time only. */
type Defined<D extends Definitions, Name extends string, MisfitOfInput> = string extends Name ? never
  : Name extends NameOf<D> ? MisfitOfInput
  : `no definition is named "${Name}"`;

/** `Found` so far, so that the compiler needs no stack: a chain may have hundreds of elements. */
type MisfitInChain<D extends Definitions, Elements extends readonly Canvas[], Before, Found = never> =
  Elements extends readonly [infer First, ...infer Rest extends readonly Canvas[]]
    ? MisfitInChain<D, Rest, AfterOf<D, First, Before>, Found | Misfit<D, First, Before>>
    : Found | Misfit<D, Elements[number], Unclear>;

type MisfitOfTask<Name extends string, Wanted, Input, Into, Immutable, Before> = Into extends string
  ? MisfitOfField<Name, Wanted, Input, Into, Before>
  : unknown extends Input ? never // It was compared where it was made.
  : [Input] extends [undefined] ? Immutable extends true ? MisfitOfNoInput<Name, Wanted>
    : [Before] extends [Nothing] ? MisfitOfNoInput<Name, Wanted>
    : Suits<Before, Wanted> extends true ? never
    : `what comes before "${Name}" does not fit its input`
  : [Input] extends [Given<Wanted>] ? Immutable extends true ? never
    : [Before] extends [Nothing | Unclear] ? never
    : `"${Name}" has an input of its own: into says where what comes before goes, immutable that it goes nowhere`
  : `the input of "${Name}" does not fit it`;

type MisfitOfField<Name extends string, Wanted, Input, Into extends string, Before> = Into extends
  KeyOf<Wanted> ? [Before] extends [Nothing] ? `nothing comes before "${Name}" that could go into "${Into}"`
  : Suits<Before, FieldOf<Wanted, Into>> extends true ? unknown extends Input ? never
    : [Input extends undefined ? Empty : Input] extends [Given<Freed<Wanted, Into>>] ? never
    : `the input of "${Name}" does not fit it`
  : `what comes before "${Name}" does not fit its field "${Into}"`
  : `the input of "${Name}" has no field "${Into}"`;

type MisfitOfNoInput<Name extends string, Wanted> = undefined extends Wanted ? never
  : Record<string, never> extends Wanted ? never
  : `"${Name}" needs an input`;

type MisfitOfChunks<Name extends string, Wanted, Input, Before> = [Before] extends [Nothing | Unclear]
  ? [Input] extends [Given<Wanted>] ? never : `the inputs of "${Name}" do not fit it`
  : `chunks of "${Name}" have their inputs: nothing can come before them`;

/** `unknown` passes: the service validates. */
type Suits<Value, Wanted> = unknown extends Value ? true
  : [Value] extends [Unclear] ? true
  : [Value] extends [Wanted] ? true
  // The same holds for the elements of a list.
  : Value extends readonly unknown[]
    ? unknown extends Value[number] ? [Extract<Wanted, readonly unknown[]>] extends [never] ? false : true
    : false
  : false;

type Empty = Record<never, never>;

/** The keys of all forms of an input that may have several. */
export type KeyOf<T> = T extends unknown ? keyof T & string : never;

type FieldOf<T, Field extends string> = T extends Record<Field, infer Value> ? Value
  : T extends { [Key in Field]?: infer Value } ? Value
  : never;

/** The input without what comes from the task before. */
export type Freed<T, Field extends PropertyKey> = T extends unknown ? Omit<T, Field> : never;
