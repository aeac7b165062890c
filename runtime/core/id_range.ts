// The ids that one call draws for its tasks: they follow from the first one, so that a repeat of the call can be told
// them again however many they are.

/** The last digits of an id, which count a call's tasks. */
const DIGITS = 10;

/** The first id of a family; `id` is a fresh UUIDv7. Its count begins low enough never to run over. */
export function rootOf(id: string): string {
  const low = id.slice(-DIGITS);
  return id.slice(0, -DIGITS) + (parseInt(low[0], 16) % 8).toString(16) + low.slice(1);
}

export function memberOf(root: string, place: number): string {
  const count = parseInt(root.slice(-DIGITS), 16) + place;
  return root.slice(0, -DIGITS) + count.toString(16).padStart(DIGITS, "0");
}
