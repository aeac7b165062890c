// The definitions of this process, by name.

import { z } from "zod";
import { type LongWork, parseBounded, parseInTurns } from "./bounded_parse.ts";
import { type AnyDefinition, type RunnerKind, runnerOf } from "./define.ts";
import { type Fault, UnknownDefinitionError, ValidationError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { faultsOf } from "./zod_faults.ts";

export class Registry {
  readonly #byName = new Map<string, AnyDefinition>();
  /** Of the engine's own tasks: they run, and no caller submits them or sees them. */
  readonly #builtins: ReadonlyMap<string, AnyDefinition>;

  /** @throws {TypeError} if two definitions share a name. */
  constructor(definitions: Iterable<AnyDefinition>, builtins: readonly AnyDefinition[] = []) {
    this.#builtins = new Map(builtins.map((definition) => [definition.name, definition]));
    for (const definition of definitions) {
      if (this.has(definition.name)) {
        throw new TypeError(`Cannot register "${definition.name}" twice: two definitions have this name`);
      }
      this.#byName.set(definition.name, definition);
    }
  }

  has(name: string): boolean {
    return this.#byName.has(name) || this.#builtins.has(name);
  }

  get(name: string): AnyDefinition | undefined {
    return this.#byName.get(name) ?? this.#builtins.get(name);
  }

  /** Only those that callers may submit. */
  offered(name: string): AnyDefinition | undefined {
    return this.#byName.get(name);
  }

  /** Null for a definition that this process does not have. */
  runnerOf(name: string): RunnerKind | null {
    const definition = this.get(name);
    return definition ? runnerOf(definition) : null;
  }

  all(): AnyDefinition[] {
    return [...this.#byName.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** @param isKnown of which names the caller may know; default: all */
  require(name: string, pointer = "/task", isKnown: (name: string) => boolean = () => true): AnyDefinition {
    const definition = this.#byName.get(name);
    if (definition && isKnown(name)) return definition;
    const names = [...this.#byName.keys()].filter(isKnown);
    throw new UnknownDefinitionError(name, nearest(name, names), pointer);
  }

  /**
   * The faults of an input under the definition's schema.
   *
   * @param unknown paths whose values are not known yet: faults in them, or caused by them, are left out
   */
  faultsOfInput(
    definition: AnyDefinition,
    input: unknown,
    pointer: string,
    unknown: Path[] = [],
  ): Fault[] {
    if (unknown.length === 0) {
      const parsed = parseBounded(definition.input, input);
      return parsed.success ? [] : faultsOf(parsed.error, input, pointer);
    }
    return faultsBeside(definition, input, pointer, unknown);
  }

  /** The same for an input that takes long. */
  async faultsOfLongInput(
    definition: AnyDefinition,
    input: unknown,
    pointer: string,
    turn: LongWork,
  ): Promise<Fault[]> {
    const parsed = await parseInTurns(definition.input, input, turn);
    return parsed.success ? [] : faultsOf(parsed.error, input, pointer);
  }

  /** The input as the handler gets it: defaults filled in, transforms done. */
  parseInput(definition: AnyDefinition, input: unknown): unknown {
    const parsed = parseBounded(definition.input, input);
    if (parsed.success) return parsed.data;
    throw new ValidationError(faultsOf(parsed.error, input, "/input"));
  }
}

type Path = (string | number)[];

function faultsBeside(definition: AnyDefinition, input: unknown, pointer: string, unknown: Path[]): Fault[] {
  const open = new Set(unknown.map((path) => JSON.stringify(path)));
  const above = new Set(unknown.flatMap((path) => path.map((_, i) => JSON.stringify(path.slice(0, i)))));
  let error: z.ZodError | undefined;
  try {
    ({ error } = parseBounded(definition.input, input, unknown.length));
  } catch {
    // A check of the user's own fails on a missing value. It is repeated on the whole input before the start.
    return [];
  }
  const issues = (error?.issues ?? []).filter(({ code, path }) => {
    const within = path.some((_, i) => open.has(JSON.stringify(path.slice(0, i + 1)))) || open.has("[]");
    const hangs = (code === "invalid_union" || code === "custom") && above.has(JSON.stringify(path));
    return !within && !hangs;
  });
  return issues.length > 0 ? faultsOf(new z.ZodError(issues), input, pointer) : [];
}

/** JSON Schema (2020-12) of the input or output of a definition. */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
