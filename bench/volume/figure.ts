/** One line of the table: what was measured, and what it must be. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** The bound, if there is one. */
  most?: number;
  least?: number;
  notes?: string;
}

export function lineOf({ what, value, unit, most, least, notes }: Figure): string {
  const shown = `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
  const bound = most !== undefined ? `≤ ${most}` : least !== undefined ? `≥ ${least}` : "";
  const isMet = value <= (most ?? Infinity) && value >= (least ?? -Infinity);
  const verdict = bound === "" ? "" : isMet ? "yes" : "NO";
  return `${what.padEnd(64)}${shown.padStart(14)}${bound.padStart(12)}${verdict.padStart(6)}  ${notes ?? ""}`
    .trimEnd();
}
