// Tables for people: as wide as the terminal at the most, and whole where there is none.

import { cut, padded, visible, widthOf } from "./terminal_text.ts";

export interface Column<Row> {
  title: string;
  of: (row: Row) => string | number | null;
  /** It gives way where the terminal is narrow. */
  shrinks?: boolean;
  /** Of the text as it is shown. */
  paint?: (text: string, row: Row) => string;
}

const GAP = "  ";
const LEAST = 8;

/** Lines with their line feeds. A column that is empty in all rows is left out. */
export function tableOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | null,
): string {
  const filled = columns.map((column) => ({
    ...column,
    texts: rows.map((row) => visible(String(column.of(row) ?? ""))),
  })).filter(({ texts }) => texts.some((text) => text !== ""));
  const widths = filled.map(({ title, texts }) => Math.max(widthOf(title), ...texts.map(widthOf)));
  if (width !== null) shrink(widths, filled.map(({ shrinks }) => shrinks === true), width);
  const lineOf = (texts: string[], paint: (text: string, column: number) => string) => {
    let [line, left] = ["", width ?? Infinity];
    for (const [i, text] of texts.entries()) {
      if (left <= 0) break;
      const own = Math.min(widths[i], left);
      const cell = i === texts.length - 1 ? cut(text, own) : padded(cut(text, own), own);
      line += paint(cell, i);
      left -= own + GAP.length;
      if (i < texts.length - 1 && left > 0) line += GAP;
    }
    return line.trimEnd();
  };
  const head = lineOf(filled.map(({ title }) => title), (text) => text);
  const lines = rows.map((row, n) =>
    lineOf(filled.map(({ texts }) => texts[n]), (text, i) => filled[i].paint?.(text, row) ?? text)
  );
  return [head, ...lines].map((line) => `${line}\n`).join("");
}

/** The widest of those that give way gives way first. */
function shrink(widths: number[], shrinks: boolean[], width: number): void {
  const total = () => widths.reduce((sum, own) => sum + own, GAP.length * (widths.length - 1));
  for (let over = total() - width; over > 0; over = total() - width) {
    const candidates = widths.flatMap((own, i) => shrinks[i] && own > LEAST ? [i] : []);
    if (candidates.length === 0) return;
    const widest = candidates.reduce((a, b) => widths[b] > widths[a] ? b : a);
    const next = Math.max(LEAST, ...candidates.filter((i) => i !== widest).map((i) => widths[i]));
    widths[widest] = Math.max(
      next < widths[widest] ? next : widths[widest] - 1,
      widths[widest] - over,
      LEAST,
    );
  }
}

/** Names and values below each other. Values that are null or empty are left out. */
export function fieldsOf(fields: readonly (readonly [string, string | number | null | undefined])[]): string {
  const told = fields.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...told.map(([name]) => widthOf(name)));
  return told.map(([name, value]) => `${padded(name, width)}${GAP}${visible(String(value))}\n`).join("");
}
