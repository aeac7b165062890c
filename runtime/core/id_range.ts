// The ids of the tasks of one call: they follow from the first one, so that a repeat of the call finds all of
// them.

/** The last digits of an id count the tasks of a call. */
const DIGITS = 10;

/** The first id, from a new UUIDv7. Its count begins low enough never to overflow. */
export function rootOf(id: string): string {
  const at = id.length - DIGITS;
  if (id[at] < "8") return id;
  return id.slice(0, at) + (parseInt(id[at], 16) % 8).toString(16) + id.slice(at + 1);
}

export function memberOf(root: string, place: number): string {
  if (place === 0) return root;
  const count = parseInt(root.slice(-DIGITS), 16) + place;
  return root.slice(0, -DIGITS) + count.toString(16).padStart(DIGITS, "0");
}
