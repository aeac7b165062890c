// JSON.stringify for long values, in steps: between two of them others have their turn. The text is that of
// toJsonText().

import type { LongWork } from "./bounded_parse.ts";
import { exactly, isWrittenExactly } from "./exact_number.ts";
import { DEEPEST, isPlain, toJsonText } from "./json.ts";

/** Parts of a value that are written in one step. */
const MOST_IN_STEP = 1_000;
/** Characters of a text that ends a step. */
const LONG_STRING = 16 * 1024;

type List = { list: unknown[]; at: number };
type Members = { object: Record<string, unknown>; names: string[]; at: number };

/** @throws {NotJsonError} as `toJsonText` does */
export async function toJsonTextInTurns(value: unknown, turn: LongWork): Promise<string> {
  if (value === undefined) return "null";
  const writer = new Writer();
  try {
    writer.write(value);
    while (writer.step()) {
      const next = turn.over();
      if (next) await next;
    }
  } catch (error) {
    // It says what is wrong, and where.
    if (error === NOT_JSON) toJsonText(value);
    throw error;
  }
  return writer.text;
}

const NOT_JSON = new Error("the value is no JSON value");

class Writer {
  /** Of the steps before. */
  readonly #texts: string[] = [];
  #pieces: string[] = [];
  readonly #open: (List | Members)[] = [];
  #left = 0;
  /** The next element or member stands behind another one. */
  #isBehind = false;

  get text(): string {
    return this.#texts.join("");
  }

  /** False if it was the last one. */
  step(): boolean {
    this.#left = MOST_IN_STEP;
    while (this.#left > 0 && this.#open.length > 0) {
      const innermost = this.#open[this.#open.length - 1];
      if ("list" in innermost) this.#list(innermost);
      else this.#member(innermost);
    }
    this.#texts.push(this.#pieces.join(""));
    this.#pieces = [];
    return this.#open.length > 0;
  }

  /** A list or an object is only begun. */
  write(value: unknown): void {
    if (typeof value !== "object" || value === null) {
      this.#pieces.push(this.#textOf(value, this.#take(value)));
      return;
    }
    this.#left--;
    if (this.#open.length >= DEEPEST) throw NOT_JSON;
    this.#isBehind = false;
    if (Array.isArray(value)) {
      this.#pieces.push("[");
      this.#open.push({ list: value, at: 0 });
    } else {
      if (!isPlain(value)) throw NOT_JSON;
      this.#pieces.push("{");
      this.#open.push({ object: value as Record<string, unknown>, names: Object.keys(value), at: 0 });
    }
  }

  /** The elements up to the next list or object, or that one. */
  #list(open: List): void {
    const { list, at } = open;
    let end = at;
    let isExact = true;
    for (; end < list.length && this.#left > 0; end++) {
      const element = list[end];
      if (typeof element === "object" && element !== null) break;
      if (!this.#take(element)) isExact = false;
    }
    if (end > at) {
      this.#separate();
      this.#pieces.push(this.#textOf(list.slice(at, end), isExact).slice(1, -1));
      open.at = end;
    } else if (end === list.length) this.#close("]");
    else {
      open.at++;
      this.#separate();
      this.write(list[end]);
    }
  }

  #member(open: Members): void {
    if (open.at === open.names.length) return this.#close("}");
    const name = open.names[open.at++];
    const value = open.object[name];
    if (value === undefined) return;
    this.#separate();
    this.#pieces.push(JSON.stringify(name), ":");
    this.write(value);
  }

  #close(bracket: "]" | "}"): void {
    this.#open.pop();
    this.#pieces.push(bracket);
    this.#isBehind = true;
  }

  #separate(): void {
    if (this.#isBehind) this.#pieces.push(",");
    this.#isBehind = true;
  }

  /**
   * @param leaf no list and no object
   * @returns true if JSON.stringify writes it as it is
   */
  #take(leaf: unknown): boolean {
    this.#left -= typeof leaf === "string" && leaf.length > LONG_STRING ? MOST_IN_STEP : 1;
    if (typeof leaf === "number") {
      if (!Number.isFinite(leaf)) throw NOT_JSON;
      return isWrittenExactly(leaf);
    }
    if (leaf !== null && typeof leaf !== "string" && typeof leaf !== "boolean") throw NOT_JSON;
    return true;
  }

  #textOf(value: unknown, isExact: boolean): string {
    return isExact ? JSON.stringify(value) : JSON.stringify(value, exactly);
  }
}
