// A value that fits a JSON Schema, for the examples on the docs page. Not a generator for tests: it knows
// what definitions' schemas are made of, and takes the first of several ways.

type Schema = Record<string, unknown>;

export function sampleOf(schema: Schema): unknown {
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  for (const branches of [schema.anyOf, schema.oneOf, schema.allOf]) {
    if (Array.isArray(branches)) return sampleOf(branches[0]);
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object":
      return sampleOfObject(schema);
    case "array":
      return [];
    case "string":
      return "text";
    case "integer":
    case "number":
      return Math.max(1, Number(schema.minimum ?? 1));
    case "boolean":
      return true;
    default:
      return null;
  }
}

/** Required properties only: what a first try needs. */
function sampleOfObject({ properties = {}, required = [] }: Schema): Record<string, unknown> {
  const known = properties as Record<string, Schema>;
  return Object.fromEntries((required as string[]).map((name) => [name, sampleOf(known[name] ?? {})]));
}
