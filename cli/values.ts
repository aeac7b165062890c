// Values of options: read from text, or refused with their rule.

import { InvalidArgumentError } from "commander";
import { likely } from "../runtime/core/nearest.ts";

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  "": 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d`; a number alone is seconds. */
export function duration(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim()) ?? [];
  const unitMs = number === undefined ? undefined : UNIT_MS[unit];
  if (unitMs === undefined) {
    throw new InvalidArgumentError("It must be a time like 500ms, 30s, 5m, 2h or 1d.");
  }
  return Math.round(Number(number) * unitMs);
}

export function whole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
  };
}

/** ISO 8601 of an instant, or of a time ago: `2h`. */
export function pastInstant(now: () => number): (text: string) => string {
  return (text) => {
    if (/^\d+(\.\d+)?[a-z]+$/.test(text)) return isoOf(now() - duration(text));
    return instantIn(text, `${INSTANT}, or a time ago like 2h`);
  };
}

const INSTANT = "It must be an instant like 2026-12-24T18:00:00Z, or a date";

/** ISO 8601. Without a time zone it is UTC. */
export function instant(text: string): string {
  return instantIn(text, INSTANT);
}

function instantIn(text: string, rule: string): string {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(text);
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(hasZone || isDate ? text : `${text}Z`) : NaN;
  if (Number.isFinite(at)) return isoOf(at);
  throw new InvalidArgumentError(`${rule}.`);
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}

/** One of a few words, in any case. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  const parse = (text: string): Word => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found !== undefined) return found;
    const near = likely(text, [...words]).map((word) => ` Did you mean ${word}?`);
    throw new InvalidArgumentError(`It must be one of ${words.join(", ")}.${near[0] ?? ""}`);
  };
  return Object.assign(parse, { words });
}

/** Some of a few words: with commas between them, or in options that are given again. */
export function someOf<const Word extends string>(words: readonly Word[]) {
  const one = oneOf(words);
  const parse = (text: string, former: Word[] = []): Word[] => [...former, ...text.split(/[,+]/).map(one)];
  return Object.assign(parse, { words });
}

/** The texts of an option that is given again. */
export function texts(text: string, former: string[] = []): string[] {
  return [...former, text];
}
