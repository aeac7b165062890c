// What a form must know of a JSON Schema.

import type { Schema } from "./answers.ts";

const LONGEST_WAY = 8;

/** The schema itself, where it stands for another one; the first of several that is not null. */
export function resolved(schema: Schema, root: Schema, depth = 0): Schema {
  if (depth > LONGEST_WAY) return {};
  if (typeof schema.$ref === "string") {
    const parts = schema.$ref.split("/").slice(1).map((part) =>
      part.replaceAll("~1", "/").replaceAll("~0", "~")
    );
    const found = parts.reduce<unknown>(
      (at, part) => (at as Schema | undefined)?.[part],
      root,
    );
    return {
      ...resolved((found ?? {}) as Schema, root, depth + 1),
      ...described(schema),
    };
  }
  const ways = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (Array.isArray(ways)) {
    const real = ways.filter(({ type }) => type !== "null");
    // Of several kinds there is no one field.
    return real.length === 1
      ? { ...resolved(real[0], root, depth + 1), ...described(schema) }
      : described(schema);
  }
  return schema;
}

function described({ description }: Schema): Schema {
  return description === undefined ? {} : { description };
}

export type Kind =
  | "object"
  | "array"
  | "enum"
  | "boolean"
  | "number"
  | "integer"
  | "string"
  | "json";

export function kindOf(schema: Schema): Kind {
  if (Array.isArray(schema.enum) || "const" in schema) return "enum";
  switch (schema.type) {
    case "object":
      return schema.properties === undefined ? "json" : "object";
    case "array":
      return schema.prefixItems === undefined && schema.items !== undefined ? "array" : "json";
    case "boolean":
    case "number":
    case "integer":
    case "string":
      return schema.type;
    default:
      return "json";
  }
}

/** What a form begins with: defaults, and what must be there. */
export function initialOf(given: Schema, root: Schema, depth = 0): unknown {
  const schema = resolved(given, root);
  if (schema.default !== undefined) return schema.default;
  if (kindOf(schema) !== "object" || depth > LONGEST_WAY) {
    return "const" in schema ? schema.const : undefined;
  }
  const required = (schema.required ?? []) as string[];
  const entries = Object.entries(
    (schema.properties ?? {}) as Record<string, Schema>,
  ).flatMap(([name, inner]) => {
    const value = required.includes(name) || resolved(inner, root).default !== undefined
      ? initialOf(inner, root, depth + 1)
      : undefined;
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

/** Something for a new item of a list. */
export function withDefault(given: Schema, root: Schema): unknown {
  const initial = initialOf(given, root);
  if (initial !== undefined) return initial;
  switch (kindOf(resolved(given, root))) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "array":
      return [];
    default:
      return null;
  }
}
