// The name that was meant: by the number of edits between what was written and what there is.

/** More edits than this, or than a third of the name, are another word and no slip. */
const MOST_EDITS = 3;
const LONGEST = 100;
const SHORTEST_START = 3;

/** Up to three names, those with the fewest edits first, and none far behind the first. */
export function nearest(wanted: string, names: string[]): string[] {
  const near = byEdits(wanted, names);
  return near.filter(({ edits }, i) => i === 0 || edits <= near[0].edits + 1).slice(0, 3)
    .map(({ name }) => name);
}

/** The names of which one may have been meant: like `nearest`, but none of another word. */
export function likely(wanted: string, names: string[]): string[] {
  const near = byEdits(wanted, names).filter(({ name, edits }) => {
    const longer = Math.max(wanted.length, name.length);
    return edits <= Math.min(MOST_EDITS, Math.ceil(longer / 3), longer - 1);
  });
  if (near.length > 0) {
    return near.filter(({ edits }) => edits === near[0].edits).slice(0, 3).map(({ name }) => name);
  }
  // `timeout` for `timeoutMs`.
  return names.filter((name) => wanted.length >= SHORTEST_START && name.startsWith(wanted)).slice(0, 3);
}

/** `did you mean "priority"?`; or `known: …` with all names, if none is like it. */
export function didYouMean(wanted: string, names: string[]): string {
  const found = likely(wanted, names).map((name) => `"${name}"`);
  if (found.length > 0) return `did you mean ${found.join(" or ")}?`;
  return names.length === 0 ? "there are none" : `known: ${names.join(", ")}`;
}

function byEdits(wanted: string, names: string[]): { name: string; edits: number }[] {
  const short = wanted.toLowerCase().slice(0, LONGEST);
  return names.map((name) => ({ name, edits: editsBetween(short, name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1));
}

/** Levenshtein distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + same));
    }
    row = next;
  }
  return row[b.length];
}
