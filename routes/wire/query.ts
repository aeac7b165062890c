// Parameters of queries. A query has texts only, and callers write them in more than one way.

import { z } from "zod";
import { once } from "../../runtime/core/once.ts";
import { didYouMean } from "../../runtime/core/nearest.ts";
import { GROUP_STATES, STATE_TYPES, STATES } from "../../runtime/core/states.ts";

/** The longest time that one request is held open. */
export const LONGEST_WAIT_SECONDS = 60;

export const secondsText = once(() =>
  z.string()
    .refine((text) => /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)), {
      error: "must be a number of seconds",
    })
    .transform(Number)
);

/** Digits alone: `1e2`, `0x10` and `+5` are numbers to others, and slips here. */
export function wholeQuery(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  return z.string().refine((text) => /^\d{0,16}$/.test(text), { error: "must be a whole number, in digits" })
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: "integer", minimum: min, maximum: max });
}

/** A longer wait is cut to the longest one. */
export const waitQuery = once(() =>
  secondsText().transform((seconds) => Math.min(seconds, LONGEST_WAIT_SECONDS))
    .optional().meta({
      type: "number",
      minimum: 0,
      description: `Wait up to this many seconds (at most ${LONGEST_WAIT_SECONDS}) for the end.`,
    })
);

/** Upper case is allowed, because Python writes False. */
export function flagQuery(description: string, byDefault = true) {
  const lower = (value: unknown) => typeof value === "string" ? value.toLowerCase() : value;
  return z.preprocess(lower, z.enum(["true", "false"]).default(byDefault ? "true" : "false"))
    .transform((text) => text === "true")
    .meta({ type: "boolean", default: byDefault, description });
}

/** Types of states, in any case, several with commas between or as several parameters. */
export const stateQuery = once(() =>
  anyOf(STATE_TYPES, "types of states", (unknown) => {
    const type = STATE_TYPES.find((type) => STATES[type].some((name) => name.toUpperCase() === unknown));
    if (type !== undefined) return `${unknown} is the name of a state of the type ${type}`;
    return didYouMean(unknown, STATE_TYPES);
  })
);

/** States of groups, likewise. */
export const groupStateQuery = once(() =>
  anyOf(GROUP_STATES, "states of groups", (unknown) => didYouMean(unknown, [...GROUP_STATES]))
);

function anyOf<Word extends string>(
  words: readonly Word[],
  what: string,
  remedyOf: (unknown: string) => string,
) {
  return z.union([z.string(), z.array(z.string())])
    .transform((given, context): Word[] => {
      const texts = [given].flat().flatMap((text) => text.split(",")).map((text) =>
        text.trim().toUpperCase()
      );
      const known: readonly string[] = words;
      const unknown = texts.find((text) => !known.includes(text));
      if (unknown === undefined) return texts as Word[];
      context.addIssue({
        code: "custom",
        message: `must be ${what}, with commas between; ${remedyOf(unknown)}`,
      });
      return z.NEVER;
    })
    .optional().meta({
      type: "array",
      items: { type: "string", enum: [...words] },
      description: "Any of these; several with commas between, or repeated.",
    });
}
