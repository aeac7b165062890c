// Compares what a block printed with what its page shows.

/** The line that stands before what block `n` prints. */
export function markOf(n: number): string {
  return `── block ${n} ──`;
}

/** What each block printed. */
export function byBlock(text: string): Map<number, string> {
  const parts = text.split(/^── block (\d+) ──\n/m).slice(1);
  const found = new Map<number, string>();
  for (let n = 0; n < parts.length; n += 2) found.set(Number(parts[n]), parts[n + 1]);
  return found;
}

/** The pattern's lines against the text's; "…" in a line is any text, a line that is "…" is any lines. */
export function matches(shown: string, printed: string): boolean {
  const source = linesOf(shown).map((line) =>
    line.trim() === "…" ? "(?:.*\n)*?" : `${line.split("…").map(escaped).join(".*")}\n`
  ).join("");
  return new RegExp(`^${source}$`).test(linesOf(printed).map((line) => `${line}\n`).join(""));
}

/**
 * The lines that are expected, in their order, with others in between. Gives the first that is missing, or
 * null.
 */
export function firstMissing(expected: string[], printed: string): string | null {
  const lines = linesOf(printed);
  let from = 0;
  for (const line of expected) {
    const at = lines.findIndex((each, n) => n >= from && matches(line, each));
    if (at < 0) return line;
    from = at + 1;
  }
  return null;
}

function linesOf(text: string): string[] {
  return text.replaceAll("\r", "").replace(/\n+$/, "").replace(/^\n+/, "").split("\n").map((line) =>
    line.trimEnd()
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
