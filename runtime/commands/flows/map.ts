// Expands a map to submissions: one task for each element of its lists.

import { z } from "zod";
import {
  type Fault,
  MappingLengthMismatchError,
  MappingMissingIterableError,
  ValidationError,
} from "../../core/errors.ts";
import { chooseByKey, chosen } from "../../core/tagged_union.ts";
import { pointer } from "../../core/json.ts";
import { type GroupedOptions, groupedOptionsSchema, parted } from "../../core/grouped_options.ts";
import { once } from "../../core/once.ts";
import { strictObject } from "../../core/strict_object.ts";
import { inOptions } from "../../core/submission.ts";
import type { Turn } from "../../platform/turns.ts";
import type { Batch } from "../batch.ts";

const MOST_ELEMENTS = 100_000;
const MOST_CONCURRENT = 10_000;
const MOST_FAULTS = 50;

type Fields = Record<string, unknown>;

interface Every {
  task: string;
  options?: GroupedOptions;
  maxConcurrent?: number;
}

export type MapSpec = Every & ({ map: Fields; unmapped?: Fields } | { inputs: unknown[] });

// A z.record would drop a key named __proto__.
const fields = (description: string) =>
  z.unknown().refine(isObject, {
    error: "must be an object of fields",
  }).meta({ type: "object", additionalProperties: true, description }) as z.ZodType<Fields>;

/** Made by the first map. */
export const mapSchema: () => z.ZodType<MapSpec> = once(makeSchema);

function makeSchema(): z.ZodType<MapSpec> {
  const every = {
    task: z.string().min(1).max(200).describe("The name of a definition."),
    options: groupedOptionsSchema().optional(),
    maxConcurrent: z.int().min(1).max(MOST_CONCURRENT).optional().describe("So many of them run at once."),
  };

  const forms: Record<string, z.ZodType<MapSpec>> = {
    map: strictObject({
      ...every,
      map: fields("Lists of one length are gone through in step; what is no list is the same for all."),
      unmapped: fields("Fields that are the same for all, lists too.").optional(),
    }, inOptions()).meta({ id: "MapOfFields" }),
    inputs: strictObject({ ...every, inputs: z.array(z.unknown()).max(MOST_ELEMENTS) }, inOptions())
      .meta({ id: "MapOfInputs" }),
  };

  return chosen(
    Object.values(forms),
    chooseByKey(forms, "{task, map: {field: […]}} or {task, inputs: […]}"),
  ).meta({
    id: "Map",
    description: `One task for each element, up to ${MOST_ELEMENTS} of them. \`options\` are those of each.`,
  });
}

/**
 * The submissions are in the order of the elements; parts of their inputs are shared.
 *
 * @throws {ValidationError} if a field stands in both `map` and `unmapped`, or there are too many elements.
 * @throws {MappingMissingIterableError} if there is no list to go through.
 * @throws {MappingLengthMismatchError} if the lists differ in length.
 */
export async function expandMap(spec: MapSpec, turn: Turn): Promise<Batch> {
  const { task } = spec;
  const { each: options } = parted(spec.options);
  const inputs = "inputs" in spec ? spec.inputs : await inputsOf(spec.map, spec.unmapped ?? {}, turn);
  return {
    submissions: inputs.map((input) => options === undefined ? { task, input } : { task, input, options }),
    pointerOf: (index, part) => pointerInMap(spec, index, part),
    requires: task,
  };
}

async function inputsOf(map: Fields, unmapped: Fields, turn: Turn): Promise<Fields[]> {
  const twice = Object.keys(unmapped).filter((field) => Object.hasOwn(map, field));
  requireNone(twice.map((field) => ({
    pointer: `/unmapped${pointer([field])}`,
    message: 'stands in "map" too, and must be only in one of them',
  })));
  const lists = Object.entries(map).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  if (lists.length === 0) throw new MappingMissingIterableError("/map");
  const [[first, { length }]] = lists;
  if (lists.some(([, list]) => list.length !== length)) throw lengthMismatch(lists);
  requireNone(
    length <= MOST_ELEMENTS ? [] : [{
      pointer: `/map${pointer([first])}`,
      message: `a map must have at most ${MOST_ELEMENTS} elements (got ${length})`,
    }],
  );
  // After this spread, assigning a field named __proto__ sets an own property.
  const same = { ...map, ...unmapped };
  const inputs: Fields[] = [];
  for (let i = 0; i < length; i++) {
    const next = turn.over();
    if (next) await next;
    const input = { ...same };
    for (const [field, list] of lists) input[field] = list[i];
    inputs.push(input);
  }
  return inputs;
}

function lengthMismatch(lists: [string, unknown[]][]): MappingLengthMismatchError {
  const lengths = Object.fromEntries(lists.map(([field, list]) => [field, list.length]));
  const faults = lists.map(([field, list]) => ({
    pointer: `/map${pointer([field])}`,
    message: `has the length ${list.length}; the lists of a map must have the same length`,
  }));
  return new MappingLengthMismatchError(lengths, faults.slice(0, MOST_FAULTS));
}

function requireNone(faults: Fault[]): void {
  if (faults.length > 0) throw new ValidationError(faults.slice(0, MOST_FAULTS));
}

function pointerInMap(spec: MapSpec, index: number, part: string): string {
  const [isInput, inside = ""] = /^\/input(\/.*)?$/s.exec(part) ?? [];
  if (isInput === undefined) return part;
  if ("inputs" in spec) return `/inputs/${index}${inside}`;
  const [, key, rest] = /^\/([^/]*)(.*)$/s.exec(inside) ?? [];
  if (key === undefined) return "/map";
  const field = key.replaceAll("~1", "/").replaceAll("~0", "~");
  if (Object.hasOwn(spec.unmapped ?? {}, field)) return `/unmapped${inside}`;
  const isList = Object.hasOwn(spec.map, field) && Array.isArray(spec.map[field]);
  return isList ? `/map/${key}/${index}${rest}` : `/map${inside}`;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
