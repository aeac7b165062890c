// A value that fits a JSON Schema, for the examples on the docs page. It is no generator for tests: it knows
// the parts that definitions' schemas consist of, and takes the first of several ways.

export type Schema = Record<string, unknown>;

const TEXTS: Readonly<Record<string, string>> = {
  uri: "https://example.com/",
  email: "ada@example.com",
  uuid: "019aa8f0-0000-7000-8000-000000000000",
  "date-time": "2026-11-20T10:00:00Z",
  date: "2026-11-20",
  time: "10:00:00",
  duration: "PT10S",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  cidrv4: "192.0.2.0/24",
  cidrv6: "2001:db8::/32",
  hostname: "example.com",
  base64: "dGV4dA==",
  base64url: "dGV4dA",
};
/** A schema that leads back to itself. */
const DEEPEST = 8;

/** @param root what its references lead into */
export function sampleOf(schema: Schema, root: Schema = schema, depth = 0): unknown {
  if (depth > DEEPEST) return null;
  if (Array.isArray(schema.examples)) return schema.examples[0];
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const inner = (of: unknown) => sampleOf((of ?? {}) as Schema, root, depth + 1);
  if (typeof schema.$ref === "string") return inner(referredTo(schema.$ref, root));
  for (const branches of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(branches)) return inner(branches[0]);
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map(inner);
    return parts.every((part) => typeof part === "object") ? Object.assign({}, ...parts) : parts[0];
  }
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "object":
      return sampleOfObject(schema, inner);
    case "array":
      return sampleOfArray(schema, inner);
    case "string":
      return sampleOfText(schema);
    case "integer":
    case "number":
      return sampleOfNumber(schema);
    case "boolean":
      return true;
    default:
      return null;
  }
}

function referredTo(ref: string, root: Schema): unknown {
  const parts = ref.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce<unknown>((at, part) => (at as Schema | undefined)?.[part], root);
}

/** Required properties only: what a first try needs. */
function sampleOfObject({ properties = {}, required = [] }: Schema, inner: (of: unknown) => unknown): Schema {
  const known = properties as Record<string, Schema>;
  return Object.fromEntries((required as string[]).map((name) => [name, inner(known[name])]));
}

function sampleOfArray(
  { prefixItems = [], items, minItems = 0 }: Schema,
  inner: (of: unknown) => unknown,
): unknown[] {
  const first = (prefixItems as Schema[]).map(inner);
  const missing = Math.max(0, Math.min(Number(minItems), 100) - first.length);
  return [...first, ...Array.from({ length: missing }, () => inner(items))];
}

function sampleOfText({ format, pattern, minLength = 0, maxLength = Infinity }: Schema): string {
  if (Object.hasOwn(TEXTS, String(format))) return TEXTS[String(format)];
  const length = Math.min(Math.max(Number(minLength), 4), Number(maxLength), 1_000);
  const text = "text".repeat(Math.ceil(length / 4)).slice(0, length);
  if (typeof pattern !== "string") return text;
  const rule = new RegExp(pattern, "u");
  return [text, "text", "1", ...Object.values(TEXTS)].find((each) => rule.test(each)) ?? text;
}

/** 1 if that is allowed. */
function sampleOfNumber(schema: Schema): number {
  const { type, multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as
    & Record<
      string,
      number | undefined
    >
    & { type?: unknown };
  const step = multipleOf ?? (type === "integer" ? 1 : undefined);
  const least = Math.max(minimum ?? -Infinity, exclusiveMinimum ?? -Infinity);
  const most = Math.min(maximum ?? Infinity, exclusiveMaximum ?? Infinity);
  const fits = (value: number) =>
    Number.isFinite(value) && value >= least && value <= most && value !== exclusiveMinimum &&
    value !== exclusiveMaximum;
  const near = step === undefined ? [1, least, most, (least + most) / 2, least + 1, most - 1] : [
    step,
    Math.ceil(least / step) * step,
    Math.floor(least / step + 1) * step,
    Math.floor(most / step) * step,
  ];
  return near.find(fits) ?? 1;
}
