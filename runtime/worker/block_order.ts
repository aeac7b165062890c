type Key = Deno.KvKey;

/** True if the block of the queue `a` sorts after `b`. */
export function isBehind(a: Key, b: Key): boolean {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] as string | number) > (b[at] as string | number);
}
