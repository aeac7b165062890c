// Parsing by a zod schema, with an end to the faults: in a list of a million wrong elements zod makes an
// issue of each, which takes longer than anything else here, and hands them on as arguments of one call,
// which a stack has no room for. Here the first faults of a list are enough; what comes after them is not
// looked at.

import type { z } from "zod";

/** Faults of one list. */
const ENOUGH = 50;
/** Elements of a list that are parsed without a pause between them, unless they are lists or objects. */
const PIECE = 1_000;

type Internals = z.core.$ZodType["_zod"];
type Run = Internals["run"];

interface List {
  faultsLeft: number;
  enough: number;
  /** Null where the whole value is parsed in one go. */
  turn: LongWork | null;
  /** The last element that has to wait for a turn. */
  before: Promise<unknown> | null;
  /** It has no more elements than a piece. */
  isPiece: boolean;
  /** What one of its elements is parsed in: a schema that is one of its forms must not wait for itself. */
  inside: List | null;
  isInside: boolean;
}

/** Says between two elements whether others must have their turn first. */
export interface LongWork {
  over(): Promise<void> | null;
}

/** The list whose elements are being parsed; null outside of the functions here. */
let list: List | null = null;

const seen = new WeakSet<object>();
const asElement = new WeakSet<object>();
const atOnce = new WeakSet<object>();

/**
 * Like `schema.safeParse(value)`, but with a part of the issues only where a list has very many.
 *
 * @param expected so many issues do not count
 */
export function parseBounded<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  expected = 0,
): z.ZodSafeParseResult<Output> {
  prepare(schema);
  return within(listOf(ENOUGH + expected, null), () => schema.safeParse(value));
}

/** The same for a value that takes long: with pauses between the elements of lists. */
export async function parseInTurns<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  turn: LongWork,
): Promise<z.ZodSafeParseResult<Output>> {
  prepare(schema);
  return await within(listOf(ENOUGH, turn), () => schema.safeParseAsync(value));
}

function listOf(enough: number, turn: LongWork | null): List {
  return { faultsLeft: enough, enough, turn, before: null, isPiece: false, inside: null, isInside: false };
}

function within<T>(inside: List | null, work: () => T): T {
  const before = list;
  list = inside;
  try {
    return work();
  } finally {
    list = before;
  }
}

/** Bounds the lists in a schema, once. Outside of {@linkcode parseBounded} it parses as before. */
function prepare(schema: z.core.$ZodType): void {
  const zod = schema._zod as Internals | undefined;
  // Of another library, or of a release of zod that has no such parts.
  if (zod === undefined || seen.has(zod)) return;
  seen.add(zod);
  const def = zod.def as unknown as Record<string, unknown>;
  if (def.type === "lazy") return boundWhenNeeded(zod as z.core.$ZodLazyInternals);
  const elements = elementsOf(def);
  if (elements.length > 0) boundList(zod);
  // Of a name zod wants to know at once.
  if (isSchema(def.keyType)) atOnce.add(def.keyType._zod);
  for (const part of partsOf(def)) prepare(part);
  for (const element of elements) boundElement(element._zod);
}

/** The parts of a schema of which a value may have any number. */
function elementsOf(def: Record<string, unknown>): z.core.$ZodType[] {
  return [def.element, def.keyType, def.valueType, def.rest, def.catchall].filter(isSchema)
    .filter(({ _zod: { def: { type, checks = [] } } }) =>
      checks.length > 0 || type !== "unknown" && type !== "any"
    );
}

function partsOf(def: Record<string, unknown>): z.core.$ZodType[] {
  return Object.values(def).flatMap((part) => {
    if (Array.isArray(part)) return part;
    return part === def.shape && part !== undefined ? Object.values(part as object) : [part];
  }).filter(isSchema);
}

function isSchema(part: unknown): part is z.core.$ZodType {
  return typeof part === "object" && part !== null && "_zod" in part && "run" in (part._zod as object);
}

/** Its elements' faults are counted apart: a union may pass over them, and take another form. */
function boundList(zod: Internals): void {
  const { parse } = zod;
  const bounded: Run = (payload, context) => {
    if (list === null) return parse(payload, context);
    const { value } = payload;
    const own = listOf(list.enough, list.turn);
    own.isPiece = zod.def.type === "array";
    const isLong = own.turn !== null && own.isPiece && Array.isArray(value) && value.length > PIECE;
    const done = (result: z.core.ParsePayload) => {
      // Faults that a schema inside has forgiven: all has to be looked at.
      const isForgiven = own.faultsLeft <= 0 && result.issues.length === 0;
      return isForgiven ? within(null, () => parse({ value, issues: [] }, context)) : result;
    };
    const result = isLong
      ? inPieces(parse, payload, context, own)
      : within(own, () => parse(payload, context));
    return result instanceof Promise ? result.then(done) : done(result);
  };
  if (zod.run === parse) zod.run = bounded;
  zod.parse = bounded;
}

/** A long list as if it were many short ones: with a promise for each element it would take longer. */
async function inPieces(
  parse: Run,
  payload: z.core.ParsePayload,
  context: z.core.ParseContextInternal,
  own: List,
): Promise<z.core.ParsePayload> {
  const all = payload.value as unknown[];
  const parsed: unknown[] = [];
  for (let from = 0; from < all.length && own.faultsLeft > 0; from += PIECE) {
    own.before = null;
    const next = own.turn!.over();
    if (next) await next;
    const piece = { value: all.slice(from, from + PIECE), issues: [] };
    const { value, issues } = await within(own, () => parse(piece, context));
    for (const element of value as unknown[]) parsed.push(element);
    for (const issue of issues) {
      const [index, ...path] = issue.path!;
      payload.issues.push({ ...issue, path: [from + (index as number), ...path] });
    }
  }
  payload.value = parsed;
  return payload;
}

function boundElement(zod: Internals): void {
  if (asElement.has(zod)) return;
  asElement.add(zod);
  const { run } = zod;
  const bounded: Run = (payload, context) => {
    const own = list;
    if (own === null || own.isInside) return run(payload, context);
    const parse = () => {
      if (own.faultsLeft <= 0) return payload;
      const result = within(own.inside ??= inElement(own), () => run(payload, context));
      return result instanceof Promise ? result.then((result) => count(own, result)) : count(own, result);
    };
    if (own.turn === null || atOnce.has(zod)) return parse();
    const isQuick = own.isPiece && own.before === null && typeof payload.value !== "object";
    return isQuick ? parse() : inTurn(own, own.turn, parse);
  };
  zod.run = bounded;
}

function inElement({ enough, turn }: List): List {
  return { ...listOf(enough, turn), isInside: true };
}

/** Behind the elements that have to wait for a turn an element waits too. */
function inTurn<T>(own: List, turn: LongWork, parse: () => T | Promise<T>): T | Promise<T> {
  const pause = own.before ?? turn.over();
  if (pause === null) {
    const parsed = parse();
    if (parsed instanceof Promise) own.before = parsed;
    return parsed;
  }
  const parsed = pause.then(async () => {
    const next = turn.over();
    if (next) await next;
    return await parse();
  });
  own.before = parsed;
  return parsed;
}

function count(own: List, result: z.core.ParsePayload): z.core.ParsePayload {
  if (result.issues.length === 0) return result;
  own.faultsLeft -= result.issues.length;
  // Checks of the whole list must not meet elements that nobody has looked at.
  if (own.faultsLeft <= 0) Object.assign(result.issues[result.issues.length - 1], { continue: false });
  return result;
}

/** What a lazy schema stands for is known when it is first needed. */
function boundWhenNeeded(zod: z.core.$ZodLazyInternals): void {
  const { run } = zod;
  let isPrepared = false;
  zod.run = (payload, context) => {
    if (!isPrepared) prepare(zod.innerType);
    isPrepared = true;
    return run(payload, context);
  };
}
