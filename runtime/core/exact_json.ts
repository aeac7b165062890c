// What would be lost where JSON text becomes a value: JSON.parse rounds whole numbers beyond 2^53, makes
// 1e400 infinite, and of two members with one name keeps the last. A look at all of the text is needed for
// few texts only: those of a value with a number that may have been another one, or with more names in the
// text than in the value.

import type { Fault } from "./errors.ts";
import { clip, pointer } from "./json.ts";

const MOST_FAULTS = 20;
const LONGEST_SHOWN = 60;

/**
 * The parts of a JSON text that its value would not have: none for almost all texts.
 *
 * @param value what JSON.parse makes of the text
 */
export function lossesOf(text: string, value: unknown): Fault[] {
  const look = new Look();
  look.at(value);
  const isExact = !look.hasLarge && !(look.hasZero && TINY_NUMBER.test(text)) && namesIn(text) === look.names;
  return isExact ? [] : new Scan(text).faults;
}

const TINY_NUMBER = /[eE]-\d{3}|\.0{16}/;

/** What there is in a value. */
class Look {
  names = 0;
  /** A number that may have been a whole one beyond 2^53, or one that is larger than any. */
  hasLarge = false;
  hasZero = false;

  at(value: unknown): void {
    if (typeof value === "number") {
      if (value === 0) this.hasZero = true;
      else if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) this.hasLarge = true;
    } else if (typeof value === "object" && value !== null) {
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) this.at(value[i]);
      } else {
        for (const name in value) {
          this.names++;
          this.at((value as Record<string, unknown>)[name]);
        }
      }
    }
  }
}

/** At least as many as there are: a text may hold something that looks like a name. */
function namesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) count++;
  }
  return count;
}

const QUOTE = 34, BACKSLASH = 92;

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** Past the end of a text the code is NaN. */
function isOfWord(code: number): boolean {
  return code === 43 || code === 45 || code === 46 || code >= 48 && code <= 57 || code >= 65 && code <= 90 ||
    code >= 97 && code <= 122;
}

/** Goes through a text that JSON.parse has taken. */
class Scan {
  readonly faults: Fault[] = [];
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(private readonly text: string) {
    this.#value();
  }

  #value(): void {
    switch (this.#next()) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        this.#string();
        return;
      default:
        return this.#word();
    }
  }

  #object(): void {
    const names = new Set<string>();
    this.#at++;
    while (this.#next() !== "}") {
      if (this.#next() === ",") this.#at++;
      this.#next();
      const name = this.#string();
      this.#path.push(name);
      if (names.has(name)) {
        this.#add(`"${shown(name)}" stands here twice, and only the last one would be kept`);
      }
      names.add(name);
      this.#next();
      this.#at++; // The colon.
      this.#value();
      this.#path.pop();
    }
    this.#at++;
  }

  #list(): void {
    this.#at++;
    for (let i = 0; this.#next() !== "]"; i++) {
      if (this.#next() === ",") this.#at++;
      this.#path.push(i);
      this.#value();
      this.#path.pop();
    }
    this.#at++;
  }

  #string(): string {
    const start = this.#at++;
    let hasEscapes = false;
    for (let code = this.text.charCodeAt(this.#at); code !== QUOTE; code = this.text.charCodeAt(this.#at)) {
      if (code === BACKSLASH) hasEscapes = true;
      this.#at += code === BACKSLASH ? 2 : 1;
    }
    this.#at++;
    return hasEscapes
      ? JSON.parse(this.text.slice(start, this.#at))
      : this.text.slice(start + 1, this.#at - 1);
  }

  /** A number, true, false or null. */
  #word(): void {
    const start = this.#at;
    while (isOfWord(this.text.charCodeAt(this.#at))) this.#at++;
    const word = this.text.slice(start, this.#at);
    const fault = faultOf(word);
    if (fault) this.#add(`${shown(word)} ${fault}`);
  }

  /** Skips white space. */
  #next(): string {
    while (isSpace(this.text.charCodeAt(this.#at))) this.#at++;
    return this.text[this.#at];
  }

  #add(message: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ pointer: pointer(this.#path), message });
  }
}

function faultOf(word: string): string | null {
  const number = Number(word);
  if (Number.isNaN(number)) return null;
  if (!Number.isFinite(number)) return "is larger than any number of JSON's readers: send it as a text";
  if (number === 0) return /[1-9]/.test(word.split(/e/i)[0]) ? "is so small that it would become 0" : null;
  if (Number.isSafeInteger(number) || !/^-?\d+$/.test(word)) return null;
  const exact = BigInt(number);
  return exact === BigInt(word) ? null : `would become ${shown(String(exact))}: send it as a text`;
}

function shown(text: string): string {
  return clip(text, LONGEST_SHOWN);
}
