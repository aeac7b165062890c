// What a name of a flow's task may be.

export const LONGEST_NAME = 100;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** What is wrong with a name; null if nothing is. */
export function nameFault(name: string): string | null {
  if (name === "") return "a name must have at least one character";
  if (name.length > LONGEST_NAME) return `a name must have at most ${LONGEST_NAME} characters`;
  if (!/^\P{Cc}*$/u.test(name)) return "a name must not contain control characters";
  if (isUuid(name)) return "a name must not be a UUID: those are ids";
  // Many JSON readers lose this key of an answer.
  if (name === "__proto__") return "a name must not be __proto__";
  // As a key of the flow's result it would look like a reference.
  return name === "$task" || name === "$quote" ? `a name must not be ${name}` : null;
}
