// An instant as a request spells it, ISO 8601 with an offset. What is wrong with one is said with its remedy.

import { z } from "zod";
import { once } from "./once.ts";

const EXAMPLE = "2026-11-20T10:00:00Z";
const good = once(() => z.iso.datetime({ offset: true }));

export const instantText = once((): z.ZodType<string, string> =>
  z.iso.datetime({ offset: true, error: ({ input }) => faultOf(input) })
);

function faultOf(input: unknown): string {
  const general = `must be an instant in ISO 8601 with an offset, such as ${EXAMPLE}`;
  if (typeof input !== "string") return general;
  if (isGood(`${input}Z`)) return "must have an offset: end it with Z for UTC, or with one such as +02:00";
  if (isGood(`${input}T00:00:00Z`)) return `must have a time and an offset, such as ${input}T00:00:00Z`;
  if (isGood(input.replace(/ (?=\d\d:\d\d$)/, "+"))) {
    return "must have its + written %2B: in a query a + is a space";
  }
  if (isGood(input.replace(" ", "T"))) return "must have a T between the day and the time";
  return general;
}

function isGood(text: string): boolean {
  return good().safeParse(text).success;
}

const YEAR_10000 = Date.UTC(10_000);

/** An instant that a task or a group may be given. */
export const instant = once((): z.ZodType<string, string> =>
  instantText().refine((text) => {
    const at = Date.parse(text);
    return at >= 0 && at < YEAR_10000;
  }, { error: "must lie between the years 1970 and 9999 in UTC" })
);
