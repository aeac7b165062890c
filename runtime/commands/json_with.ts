/**
 * JSON text of a value, with texts in place of its references. The texts are taken as they are: numbers in
 * them stay exact.
 *
 * @param value of references, lists and objects
 */
export function jsonWith(value: unknown, textOf: (task: string) => string): string {
  if (Array.isArray(value)) return `[${value.map((each) => jsonWith(each, textOf)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Object.hasOwn(value, "$task")) return textOf((value as { $task: string }).$task);
  const members = Object.entries(value);
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${jsonWith(each, textOf)}`).join(",")}}`;
}
