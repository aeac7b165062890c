// Holds values against the JSON Schemas of the OpenAPI document. It knows the keywords that the document uses
// and no others: an unknown one is an error, so nothing is ever passed over. Members that a schema does not
// name are faults too, unless it says otherwise.

// deno-lint-ignore no-explicit-any
export type Schema = any;

const ANNOTATIONS = new Set([
  "title",
  "description",
  "default",
  "examples",
  "discriminator",
  "$defs",
  "deprecated",
]);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Faults of `value` under `schema`, each with its place; none means that it fits. */
export function faultsUnder(document: Schema, schema: Schema, value: unknown, at = ""): string[] {
  const faults = faultsIn(document, schema, value, at);
  const named = namesIn(document, schema);
  if (named === null || !isObject(value)) return faults;
  const unnamed = Object.keys(value).filter((name) => !named.has(name));
  return [...faults, ...unnamed.map((name) => `${at}/${name}: is not described`)];
}

/** The members that an object may have; null if the schema does not limit them. */
function namesIn(document: Schema, schema: Schema): Set<string> | null {
  if (typeof schema === "boolean" || schema.additionalProperties !== undefined) return null;
  const parts: Schema[] = [...schema.allOf ?? [], ...schema.$ref ? [resolve(document, schema.$ref)] : []];
  const all = parts.map((part) => namesIn(document, part));
  if (schema.type === "object" && schema.properties) all.push(new Set(Object.keys(schema.properties)));
  const known = all.filter((names) => names !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a.union(b));
}

function faultsIn(document: Schema, schema: Schema, value: unknown, at: string): string[] {
  if (schema === true) return [];
  if (schema === false) return [`${at}: nothing is allowed here`];
  const fault = (message: string) => [`${at || "the top"}: ${message}; it is ${shown(value)}`];
  const faults: string[] = [];
  for (const [keyword, rule] of Object.entries<Schema>(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    switch (keyword) {
      case "$ref":
        faults.push(...faultsIn(document, resolve(document, rule), value, at));
        break;
      case "type":
        if (![rule].flat().some((type) => isOfType(value, type))) faults.push(...fault(`must be ${rule}`));
        break;
      case "enum":
        if (!rule.includes(value)) faults.push(...fault(`must be one of ${rule}`));
        break;
      case "const":
        if (value !== rule) faults.push(...fault(`must be ${rule}`));
        break;
      case "format":
        if (typeof value !== "string") break;
        if (rule === "uuid") { if (!UUID.test(value)) faults.push(...fault("must be a UUID")); }
        else if (rule === "date-time") {
          if (!INSTANT.test(value)) faults.push(...fault("must be an instant"));
        } else throw new Error(`Cannot check the format ${rule} at ${at}`);
        break;
      case "pattern":
        if (typeof value === "string" && !new RegExp(rule, "u").test(value)) {
          faults.push(...fault(`must match ${rule}`));
        }
        break;
      case "minimum":
        if (typeof value === "number" && value < rule) faults.push(...fault(`must be at least ${rule}`));
        break;
      case "maximum":
        if (typeof value === "number" && value > rule) faults.push(...fault(`must be at most ${rule}`));
        break;
      case "exclusiveMinimum":
        if (typeof value === "number" && value <= rule) faults.push(...fault(`must be above ${rule}`));
        break;
      case "exclusiveMaximum":
        if (typeof value === "number" && value >= rule) faults.push(...fault(`must be below ${rule}`));
        break;
      case "minLength":
        if (typeof value === "string" && value.length < rule) {
          faults.push(...fault(`needs ${rule} characters`));
        }
        break;
      case "maxLength":
        if (typeof value === "string" && value.length > rule) {
          faults.push(...fault(`has over ${rule} characters`));
        }
        break;
      case "minItems":
        if (Array.isArray(value) && value.length < rule) faults.push(...fault(`needs ${rule} items`));
        break;
      case "maxItems":
        if (Array.isArray(value) && value.length > rule) faults.push(...fault(`has over ${rule} items`));
        break;
      case "items":
        if (Array.isArray(value)) {
          value.forEach((item, i) => faults.push(...faultsUnder(document, rule, item, `${at}/${i}`)));
        }
        break;
      case "required":
        if (!isObject(value)) break;
        for (const name of rule) if (!Object.hasOwn(value, name)) faults.push(...fault(`lacks ${name}`));
        break;
      case "properties":
        if (!isObject(value)) break;
        for (const [name, member] of Object.entries(value)) {
          if (Object.hasOwn(rule, name)) {
            faults.push(...faultsUnder(document, rule[name], member, `${at}/${name}`));
          }
        }
        break;
      case "propertyNames":
        if (!isObject(value)) break;
        for (const name of Object.keys(value)) {
          faults.push(...faultsUnder(document, rule, name, `${at}/${name}`));
        }
        break;
      case "additionalProperties":
        if (!isObject(value)) break;
        for (const [name, member] of Object.entries(value)) {
          if (Object.hasOwn(schema.properties ?? {}, name)) continue;
          faults.push(...faultsUnder(document, rule, member, `${at}/${name}`));
        }
        break;
      case "anyOf":
      case "oneOf": {
        const branches = rule.map((branch: Schema) => faultsUnder(document, branch, value, at));
        const fitting = branches.filter((branch: string[]) => branch.length === 0).length;
        if (fitting === 0) faults.push(...fault("fits no branch"), ...branches.flat());
        if (keyword === "oneOf" && fitting > 1) faults.push(...fault(`fits ${fitting} branches of oneOf`));
        break;
      }
      case "allOf":
        for (const part of rule) faults.push(...faultsIn(document, part, value, at));
        break;
      case "not":
        if (faultsUnder(document, rule, value, at).length === 0) {
          faults.push(...fault("fits what it must not"));
        }
        break;
      default:
        throw new Error(`Cannot check the keyword ${keyword} at ${at || "the top"}`);
    }
  }
  return faults;
}

function resolve(document: Schema, ref: string): Schema {
  const parts = ref.replace(/^#\//, "").split("/");
  const found = parts.reduce((at, part) => at?.[part], document);
  if (found === undefined) throw new Error(`Cannot resolve ${ref}`);
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return (typeof value as string) === type;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

/**
 * What the document says of an answer to `method path`: its path, and the schema of the body if it is
 * JSON.
 */
export function answerIn(
  document: Schema,
  method: string,
  path: string,
  status: number,
): { path: string; answer: Schema } | null {
  const wanted = path.split("/");
  // Hono takes nothing between two slashes for a parameter.
  const fits = (template: string) => {
    const parts = template.split("/");
    return parts.length === wanted.length &&
      parts.every((part, i) => part.startsWith("{") ? wanted[i] !== "" : part === wanted[i]);
  };
  // A path that is spelled out wins over one with a parameter.
  const known = Object.keys(document.paths).filter(fits);
  const spelledOut = known.filter((template) => !template.includes("{"));
  const found = (spelledOut.length > 0 ? spelledOut : known).find((template) =>
    document.paths[template][method.toLowerCase()]
  );
  if (found === undefined) return null;
  return { path: found, answer: document.paths[found][method.toLowerCase()].responses[String(status)] };
}
