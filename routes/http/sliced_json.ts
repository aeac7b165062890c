// JSON.parse for long texts, in slices. A list or an object that is longer than a slice is gone through here;
// what it holds is cut behind commas into pieces that JSON.parse takes, and looked at for losses, one after
// the other.

import type { Fault } from "../../runtime/core/errors.ts";
import { lossesOf } from "../../runtime/core/exact_json.ts";
import { pointer } from "../../runtime/core/json.ts";
import type { Turn } from "../../runtime/mod.ts";
import { endOfString, isEndOfWord, isSpace } from "./json_tokens.ts";

/** Characters. */
const SLICE = 32 * 1024;
/** Of one object: more of them are slow to go through in one go, whatever is done with them. */
const MOST_MEMBERS = 200_000;

export interface Sliced {
  value: unknown;
  /** See `lossesOf`. The value is not complete if there are any. */
  losses: Fault[];
}

/**
 * @param text nested as deep as a stack has room for
 * @throws {SyntaxError}
 */
export async function parseInSlices(text: string, turn: Turn, slice = SLICE): Promise<Sliced> {
  const reader = new SlicedReader(text, slice);
  while (reader.step()) {
    const next = turn.over();
    if (next) await next;
  }
  return { value: reader.value, losses: reader.losses };
}

type Frame =
  | { close: "]"; into: unknown[]; isOpen: boolean }
  | { close: "}"; into: Record<string, unknown>; members: number; isOpen: boolean };

/** A list or object that is open where a slice ends. */
interface Level {
  opensAt: number;
  /** Its last comma in the slice; -1 without one. */
  comma: number;
}

/** Of the rest of the innermost list or object. */
function saysNothing(ahead: Level[]): boolean {
  return ahead.length === 1 && ahead[0].comma < 0;
}

class SlicedReader {
  value: unknown;
  losses: Fault[] = [];
  readonly #frames: Frame[] = [];
  readonly #path: (string | number)[] = [];
  #at = 0;
  /** What is known of the text ahead: of the innermost open list or object, and of those within it. */
  #ahead: Level[] | null = null;

  constructor(private readonly text: string, private readonly slice: number) {}

  /** False if it was the last one. */
  step(): boolean {
    const frame = this.#frames.at(-1);
    if (frame) this.#goOn(frame);
    else this.#begin();
    if (this.losses.length > 0) return false;
    return this.#frames.length > 0;
  }

  #begin(): void {
    if (this.text.length <= this.slice) {
      this.value = this.#parsed(this.text, 0);
      this.#look(this.text, this.value, []);
      return;
    }
    this.#skipSpace();
    this.value = this.#opened();
  }

  /** A value that is longer than a slice: a list or an object is only begun. */
  #opened(): unknown {
    const start = this.#at;
    const first = this.text[start];
    const isKnown = this.#ahead?.[1]?.opensAt === start;
    this.#ahead = isKnown ? this.#ahead!.slice(1) : null;
    if (first === "[" || first === "{") {
      this.#at++;
      const frame: Frame = first === "["
        ? { close: "]", into: [], isOpen: false }
        : { close: "}", into: {}, members: 0, isOpen: false };
      this.#frames.push(frame);
      return frame.into;
    }
    const isTop = this.#frames.length === 0;
    const end = isTop ? this.text.length : first === '"' ? this.#endOfString() : this.#endOfWord();
    const part = this.text.slice(start, end);
    const value = this.#parsed(part, start);
    this.#look(part, value, this.#path);
    this.#at = end;
    return value;
  }

  /** Takes what comes next in a list or an object, up to a slice of it. */
  #goOn(frame: Frame): void {
    this.#skipSpace();
    const cut = this.#cut(frame.close);
    if (cut === null) return this.#goInto(frame);
    const { end, isClosed } = cut;
    const part = this.text.slice(this.#at, end);
    const isBlank = /^[ \t\n\r]*$/.test(part);
    if (isBlank && !(isClosed && !frame.isOpen)) throw this.#unexpected(end);
    if (!isBlank) this.#take(frame, part);
    frame.isOpen = true;
    this.#at = end + 1;
    if (isClosed) this.#closed();
  }

  #take(frame: Frame, part: string): void {
    if (frame.close === "]") {
      const piece = `[${part}]`;
      const values = this.#parsed(piece, this.#at - 1) as unknown[];
      this.#look(piece, values, this.#path, frame.into.length);
      for (let i = 0; i < values.length; i++) frame.into.push(values[i]);
      return;
    }
    const piece = `{${part}}`;
    const members = this.#parsed(piece, this.#at - 1) as Record<string, unknown>;
    this.#look(piece, members, this.#path);
    for (const name of Object.keys(members)) this.#put(frame, name, members[name]);
  }

  /** The next element or member is longer than a slice. */
  #goInto(frame: Frame): void {
    frame.isOpen = true;
    this.#skipSpace();
    if (frame.close === "]") {
      this.#path.push(frame.into.length);
      frame.into.push(this.#opened());
    } else {
      const start = this.#at;
      if (this.text[start] !== '"') throw this.#unexpected(start);
      const end = this.#endOfString();
      const name = this.#parsed(this.text.slice(start, end), start) as string;
      this.#at = end;
      this.#skipSpace();
      if (this.text[this.#at] !== ":") throw this.#unexpected(this.#at);
      this.#at++;
      this.#skipSpace();
      this.#path.push(name);
      this.#put(frame, name, this.#opened());
    }
    // Of a value that was only begun the rest comes first.
    if (this.#frames.at(-1) === frame) this.#behindValue();
  }

  #closed(): void {
    this.#frames.pop();
    this.#behindValue();
  }

  /** Behind a value that was gone through here comes a comma, or the end of what holds it. */
  #behindValue(): void {
    const frame = this.#frames.at(-1);
    this.#skipSpace();
    if (frame === undefined) {
      if (this.#at < this.text.length) throw this.#unexpected(this.#at);
      return;
    }
    this.#path.pop();
    const next = this.text[this.#at];
    if (next !== "," && next !== frame.close) throw this.#unexpected(this.#at);
    this.#at++;
    if (next === frame.close) this.#closed();
  }

  #put(frame: Frame & { close: "}" }, name: string, value: unknown): void {
    const { into } = frame;
    if (Object.hasOwn(into, name)) {
      const message = `"${name.slice(0, 60)}" stands here twice, and only the last one would be kept`;
      this.losses.push({ pointer: pointer([...this.#pathOf(frame), name]), message });
    }
    if (++frame.members > MOST_MEMBERS) {
      const message = `an object must have at most ${MOST_MEMBERS} members`;
      this.losses.push({ pointer: pointer(this.#pathOf(frame)), message });
    }
    if (name !== "__proto__") into[name] = value;
    else {
      Object.defineProperty(into, name, { value, enumerable: true, writable: true, configurable: true });
    }
  }

  /** The path to an open list or object. */
  #pathOf(frame: Frame): (string | number)[] {
    return this.#path.slice(0, this.#frames.indexOf(frame));
  }

  #look(part: string, value: unknown, path: (string | number)[], from = 0): void {
    for (const { pointer: inside, message } of lossesOf(part, value)) {
      const at = from === 0 ? inside : inside.replace(/^\/(\d+)/, (_, i) => `/${Number(i) + from}`);
      this.losses.push({ pointer: pointer(path) + at, message });
    }
  }

  /**
   * Up to where the elements or members go that fit a slice, and whether the list or object ends there. Null
   * if the next one does not fit, or may not.
   */
  #cut(close: "]" | "}"): { end: number; isClosed: boolean } | null {
    if (this.#ahead === null || saysNothing(this.#ahead)) {
      const found = this.#lookAhead(close);
      if (typeof found === "number") {
        this.#ahead = null;
        return { end: found, isClosed: true };
      }
      this.#ahead = found;
    }
    const [level] = this.#ahead;
    if (level.comma < 0) return null;
    const cut = { end: level.comma, isClosed: false };
    level.comma = -1;
    if (this.#ahead.length === 1) this.#ahead = null;
    return cut;
  }

  /** Where the list or object ends; or, if it is not within a slice, what is open where the slice ends. */
  #lookAhead(close: "]" | "}"): number | Level[] {
    const { text } = this;
    const last = Math.min(text.length, this.#at + this.slice);
    const levels: Level[] = [{ opensAt: -1, comma: -1 }];
    for (let i = this.#at; i < last; i++) {
      switch (text.charCodeAt(i)) {
        case QUOTE:
          i = endOfString(text, i, last) - 1;
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          levels.push({ opensAt: i, comma: -1 });
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (levels.length > 1) {
            levels.pop();
            break;
          }
          if (text[i] !== close) throw this.#unexpected(i);
          return i;
        case COMMA:
          levels[levels.length - 1].comma = i;
      }
    }
    if (last === text.length && levels.length === 1 && levels[0].comma < 0) throw this.#unexpected(last);
    return levels;
  }

  #endOfString(): number {
    const end = endOfString(this.text, this.#at, this.text.length);
    if (end > this.text.length) throw this.#unexpected(this.text.length);
    return end;
  }

  #endOfWord(): number {
    let at = this.#at;
    while (at < this.text.length && !isEndOfWord(this.text.charCodeAt(at))) at++;
    return at;
  }

  #skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.#at))) this.#at++;
  }

  #parsed(part: string, from: number): unknown {
    try {
      return JSON.parse(part);
    } catch (error) {
      const { message } = error as SyntaxError;
      // Not where it stands in the piece.
      const said = message.replace(/ in JSON at position (\d+).*$/s, (_, at) => {
        return ` in JSON at position ${from + Number(at)}`;
      });
      throw new SyntaxError(said);
    }
  }

  #unexpected(at: number): SyntaxError {
    if (at >= this.text.length) return new SyntaxError("Unexpected end of JSON input");
    return new SyntaxError(`Unexpected token '${this.text[at]}' in JSON at position ${at}`);
  }
}

const QUOTE = 34, COMMA = 44;
const OPEN_BRACKET = 91, CLOSE_BRACKET = 93, OPEN_BRACE = 123, CLOSE_BRACE = 125;
