/** One text for all values that are equal, whatever the order of their fields. */
export function canonicalJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_, value) => isFields(value) ? sorted(value) : value);
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Numeric names come first in any object: they are in one order too. */
function sorted(fields: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(fields).sort();
  // An own field, also if it is named __proto__.
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
