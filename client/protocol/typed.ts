// From the type of the server's definitions to the types of calls. `import type { definitions }` is all that
// a caller needs: no code of the server comes along.

import type { Given } from "./references.ts";

/** A schema by its Standard Schema types, which zod and others carry. */
interface Schema {
  readonly "~standard": {
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
}

/** What the client looks at in a definition. */
export interface DefinitionLike {
  readonly name: string;
  readonly input: Schema;
  readonly output: Schema;
}

/** `typeof definitions` of a server's `tasks/mod.ts`. */
export type Definitions = Readonly<Record<string, DefinitionLike>>;

/** The names that can be submitted. */
export type NameOf<D extends Definitions> = D[keyof D]["name"];

type Named<D extends Definitions, Name> = Extract<D[keyof D], { readonly name: Name }>;
type TypesOf<S extends Schema> = NonNullable<S["~standard"]["types"]>;
/** True if the client was told no definitions. */
export type IsUntyped<D extends Definitions> = string extends keyof D ? true : false;

// A client that was told no definitions checks nothing.
// deno-lint-ignore no-explicit-any
type Unchecked = any;

/** What a definition takes. */
export type InputOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked
  : TypesOf<Named<D, Name>["input"]>["input"];

/** What a definition returns, which is JSON. A function that returns nothing gives null. */
export type ResultOf<D extends Definitions, Name> = IsUntyped<D> extends true ? Unchecked
  : NothingIsNull<TypesOf<Named<D, Name>["output"]>["output"]>;

type NothingIsNull<T> = unknown extends T ? T : Exclude<T, undefined | void> | NullIfNothing<T>;
type NullIfNothing<T> = [Extract<T, undefined | void>] extends [never] ? never : null;

/**
 * The arguments after a definition's name: the input, in which futures may stand for values. It may be left
 * out if it has no required field.
 */
export type Arguments<Input, Options> = undefined extends Input ? [input?: Given<Input>, options?: Options]
  : Record<string, never> extends Input ? [input?: Given<Input>, options?: Options]
  : [input: Given<Input>, options?: Options];
