// Names of values, for errors about those that stand in a wrong place.

export function whatIs(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name ?? "a class";
  return `an instance of ${name}${name === "Promise" ? " (await it)" : ""}`;
}
