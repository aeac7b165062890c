// Texts that others chose, on a terminal: nothing in them moves the cursor, changes the order of reading or
// hides.

/** Controls, separators and what is not shown, but for the joiners that words and emoji need. */
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** Takes two columns of a terminal. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** On one line, each character seen: a line feed is `\n`, others are `\u{1b}`. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(HIDDEN, (char) => SHORT[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** JSON text with the same value, and nothing hidden in it. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN, (char) => {
    if (char === "\n") return char; // JSON.stringify has escaped those of texts: this is one between lines.
    return Array.from({ length: char.length }, (_, i) => {
      return `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }).join("");
  });
}

const segmenter = new Intl.Segmenter();

/** Columns that a visible text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += segmentWidth(segment);
  return width;
}

/** The beginning of a text in so many columns, with "…" where it was cut. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ["", 0];
  for (const { segment } of segmenter.segment(text)) {
    width += segmentWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

function segmentWidth(segment: string): number {
  if (/^\p{M}/u.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}
